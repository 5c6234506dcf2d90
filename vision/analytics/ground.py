"""How much of a zone's ground is seen, when exclusion zones hide a part of it. Pure; polygons in pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision.plane import Plane
from vision.zones import Point

_CELLS = 256
"""Places along each side of the polygon's box that are asked: a part is known to 1 % where it is not tiny."""


def seen_part(polygon: Sequence[Point], hidden: Sequence[Sequence[Point]], plane: Plane) -> float:
    """The part of the ground under `polygon`, 0 to 1, that no polygon of `hidden` covers.

    Each place in the picture counts by the ground that a pixel covers there, the determinant of the plane's Jacobian;
    so a hidden polygon may reach beyond the horizon, which `polygon` must not.
    """
    if not hidden:
        return 1.0
    corners = np.asarray(polygon, float)
    low, high = corners.min(0), corners.max(0)
    across, down = (low[n] + (np.arange(_CELLS) + 0.5) * (high[n] - low[n]) / _CELLS for n in (0, 1))
    places = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
    places = places[_inside(places, polygon)]
    ground = np.abs(np.linalg.det(plane.jacobian(places)))
    free = ~np.logical_or.reduce([_inside(places, each) for each in hidden])
    return float(ground[free].sum() / ground.sum()) if ground.sum() > 0 else 1.0


def _inside(places: NDArray[np.float64], polygon: Sequence[Point]) -> NDArray[np.bool_]:
    """Whether a ray to the right meets the border an odd number of times."""
    x, y = places.T
    odd = np.zeros(len(places), bool)
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if y1 != y2:
            odd ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return odd
