"""Is it as tall as a person would be there? Pure; pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.picture import Seen
from vision.plane import Plane

SHORTEST, TALLEST = 0.75, 1.33
"""A box of a person is this many times as tall as the plane expects: children and bad boxes to tall men with hats."""


def person_sized(found: Sequence[Seen], plane: Plane | None) -> list[Seen]:
    """What was found without people of a height that nobody has there; everything when no height is expected."""
    expected = plane.expected_height([each.box.foot for each in found]) if plane and found else None
    if expected is None:
        return list(found)
    ratios = np.array([each.box.height for each in found]) / expected
    return [
        each
        for each, ratio in zip(found, ratios, strict=True)
        if each.label != "person" or SHORTEST <= ratio <= TALLEST
    ]
