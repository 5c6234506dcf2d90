"""Places on the earth: positions, distances and polygons. Positions are (longitude, latitude), degrees, WGS 84."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pipeline.core.errors import BadInput
from pipeline.core.events import Position

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG)."""


def check_position(field: str, position: Sequence[float]) -> Position:
    """Return `position` as (longitude, latitude), or raise BadInput when it is not on the earth."""
    if len(position) == 2 and -180 <= position[0] <= 180 and -90 <= position[1] <= 90:
        return (float(position[0]), float(position[1]))
    raise BadInput(
        field,
        position,
        "[longitude -180..180, latitude -90..90]",
        vi="[kinh độ -180..180, vĩ độ -90..90]",
    )


def distance_m(a: Position, b: Position) -> float:
    """Great-circle distance in metres (haversine on a sphere of EARTH_RADIUS_M)."""
    lon_a, lat_a, lon_b, lat_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, half)))


def inside(point: Position, polygon: Sequence[Position]) -> bool:
    """Whether `point` lies in `polygon` (not necessarily closed, any plane coordinates); the boundary is inside."""
    x, y = point
    odd = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if _on_segment(x, y, x1, y1, x2, y2):
            return True
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


def _on_segment(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> bool:
    cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
    return cross == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)


def geojson_point(position: Position) -> dict[str, Any]:
    """`position` as a GeoJSON geometry (RFC 7946)."""
    return {"type": "Point", "coordinates": list(position)}
