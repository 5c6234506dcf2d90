"""The picture's border: who is cut by it stands on it, and what is drawn to it reaches to it. Pure; points in pixels.

Detectors' boxes may reach beyond the picture, and zones and lines may not; so a foot beyond the border counts as on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

NEAR_PX = 2.0
"""What is drawn nearer to the border is meant to lie on it: people draw to the last row, 575 of 576, or its middle."""
Point = tuple[float, float]
Size = tuple[int, int]
"""Width and height of the picture."""


def within(point: Point, size: Size) -> Point:
    """The nearest point of the picture."""
    x, y = point
    return min(max(x, 0.0), float(size[0])), min(max(y, 0.0), float(size[1]))


def beyond(point: Point, size: Size) -> float:
    """How far outside of the picture a point is, 0 for inside."""
    return math.dist(point, within(point, size))


def drawn(points: Iterable[Point], size: Size) -> tuple[Point, ...]:
    """Corners that were drawn on pictures of `size`, those near to the border put on it; unless that makes two of them
    one."""
    meant = tuple(points)
    put = tuple((_on_border(x, size[0]), _on_border(y, size[1])) for x, y in meant)
    return put if len(set(put)) == len(set(meant)) else meant


def prolonged(first: Point, second: Point, size: Size) -> tuple[Point, Point]:
    """A line of which ends on the border that lead out of the picture lie outside, farther than feet of cut people."""
    return _out(second, first, size), _out(first, second, size)


def _on_border(value: float, most: int) -> float:
    if value <= NEAR_PX:
        return 0.0
    return float(most) if value >= most - NEAR_PX else value


def _out(start: Point, end: Point, size: Size) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    leads_out = any(
        (at <= 0 and step < 0) or (at >= most and step > 0) for at, step, most in zip(end, (dx, dy), size, strict=True)
    )
    factor = max(size) / math.hypot(dx, dy) if leads_out else 0.0
    return end[0] + factor * dx, end[1] + factor * dy
