"""Can it be believed where and how tall it is? Pure; pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision.naming import DOUBTED, PERSON
from vision.picture import Seen
from vision.plane import Plane

SHORTEST, TALLEST = 0.75, 1.33
"""A box of a person is this many times as tall as the plane expects: children and bad boxes to tall men with hats."""

CUT_OFF = 0.5
"""What is left of the confidence of a box that the picture's side cuts off: enough to go on, not to begin."""
_SIDE_PX = 2.0


def cut_off(found: Sequence[Seen], width: int) -> list[Seen]:
    """Lower the confidence of boxes that touch the left or right side of a picture `width` wide.

    What is seen of an object that is cut off does not say where its foot is, nor how large it is.
    """
    return [
        each._replace(confidence=each.confidence * CUT_OFF)
        if each.box.x < _SIDE_PX or each.box.x + each.box.width > width - _SIDE_PX
        else each
        for each in found
    ]


def person_sized(found: Sequence[Seen], plane: Plane | None) -> list[Seen]:
    """What was found, with people of a height that nobody has there DOUBTED; as it is when no height is expected."""
    expected = plane.expected_height([each.box.foot for each in found]) if plane and found else None
    if expected is None:
        return list(found)
    ratios = np.array([each.box.height for each in found]) / expected
    return [
        each if each.label != PERSON or SHORTEST <= ratio <= TALLEST else each._replace(label=DOUBTED)
        for each, ratio in zip(found, ratios, strict=True)
    ]
