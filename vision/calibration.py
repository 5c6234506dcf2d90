"""A calibration document read as pairs of pixels and metres. Pure; raises BadInput for what cannot be."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.core.catalogue import Calibration
from pipeline.core.errors import BadInput, with_comma
from pipeline.core.events import Position
from pipeline.core.places import check_position

LEAST_POINTS = 4
WGS84_A_M, WGS84_E2 = 6_378_137.0, 0.006_694_379_990_14
"""The ellipsoid's larger radius and the square of its eccentricity (NIMA TR8350.2, tables 3.1 and 3.3): a degree to the
north at 21 degrees is .4 % shorter than on a sphere, and so would be speeds."""
_FIELD = "camera.calibration"
Floats = NDArray[np.float64]


class Anchor(NamedTuple):
    """Where metres (0, 0) are on the earth; x to the east, y to the north, on the tangent plane there."""

    longitude: float
    latitude: float

    def metres(self, positions: list[Position]) -> Floats:
        """Positions near the anchor in metres, N x 2 (good to 1 in 10,000 within 10 km)."""
        return (np.asarray(positions, float) - self) * self._metres_a_degree()

    def positions(self, metres: Floats) -> list[Position]:
        """The positions of points in metres."""
        found = metres / self._metres_a_degree() + self
        return [(float(longitude), float(latitude)) for longitude, latitude in found]

    def _metres_a_degree(self) -> Floats:
        sine, cosine = math.sin(math.radians(self.latitude)), math.cos(math.radians(self.latitude))
        bend = 1 - WGS84_E2 * sine**2
        east, north = WGS84_A_M * cosine / math.sqrt(bend), WGS84_A_M * (1 - WGS84_E2) / bend**1.5
        return np.array([math.radians(east), math.radians(north)])


class Pairs(NamedTuple):
    """Points in the picture (pixels) and on the ground (metres), N x 2 each, and the field that they come from."""

    field: str
    picture: Floats
    metres: Floats
    anchor: Anchor | None = None


def refuse(field: str, value: object, expected: str, *, vi: str) -> BadInput:
    """The error for a calibration that cannot be."""
    return BadInput(field, value.round(2).tolist() if isinstance(value, np.ndarray) else value, expected, vi=vi)


def ground_pairs(calibration: Calibration) -> Pairs | None:
    """What ties the ground to the picture; None when the calibration has no ground. Raises BadInput."""
    drawn = bool(calibration.corners or calibration.sides or calibration.diagonal is not None)
    if calibration.points and drawn:
        raise refuse(
            f"{_FIELD}.points",
            len(calibration.points),
            "either points, or corners with sides and a diagonal",
            vi="chỉ một trong hai cách: points, hoặc corners cùng sides và diagonal",
        )
    if calibration.points:
        return _of_points(calibration)
    return _of_quadrilateral(calibration) if drawn else None


def _of_points(calibration: Calibration) -> Pairs:
    field, points = f"{_FIELD}.points", calibration.points
    if len(points) < LEAST_POINTS:
        raise refuse(
            field,
            len(points),
            f"{LEAST_POINTS} or more points, better 8, spread over the ground",
            vi=f"ít nhất {LEAST_POINTS} điểm, tốt hơn là 8, trải khắp mặt đất",
        )
    for n, point in enumerate(points):
        if (point.metres is None) == (point.position is None):
            raise refuse(
                f"{field}.{n}",
                point.picture,
                "one of metres [x, y] and position [longitude, latitude]",
                vi="một trong hai: metres [x, y] hoặc position [kinh độ, vĩ độ]",
            )
    picture = _finite(field, [point.picture for point in points])
    metres = [point.metres for point in points if point.metres is not None]
    if len(metres) == len(points):
        return Pairs(field, picture, _finite(field, metres))
    if metres:
        raise refuse(
            field,
            len(metres),
            "all points in metres, or all as positions",
            vi="mọi điểm đều ghi metres, hoặc đều ghi position",
        )
    positions = [
        check_position(f"{field}.{n}.position", point.position)
        for n, point in enumerate(points)
        if point.position is not None
    ]
    anchor = Anchor(*(float(mean) for mean in np.mean(positions, axis=0)))
    return Pairs(field, picture, anchor.metres(positions), anchor)


def _finite(field: str, rows: list[tuple[float, float]]) -> Floats:
    found = np.array(rows, float)
    if not np.isfinite(found).all():
        raise refuse(field, found, "finite numbers", vi="các số hữu hạn, không phải nan hay inf")
    return found


def _of_quadrilateral(calibration: Calibration) -> Pairs:
    """Two triangles on the diagonal; as the picture turns (its y points down), so turns the ground seen from above."""
    corners, sides, diagonal = calibration.corners, calibration.sides, calibration.diagonal
    if len(corners) != 4:
        raise refuse(
            f"{_FIELD}.corners",
            corners,
            "the 4 corners of the quadrilateral in the picture",
            vi="4 góc của tứ giác trong hình",
        )
    if len(sides) != 4 or not all(0 < side < math.inf for side in sides):
        raise refuse(
            f"{_FIELD}.sides",
            sides,
            "4 lengths in metres: corner 1 to 2, 2 to 3, 3 to 4, 4 to 1",
            vi="độ dài 4 cạnh tính bằng mét: góc 1 đến 2, 2 đến 3, 3 đến 4, 4 đến 1",
        )
    if diagonal is None or not 0 < diagonal < math.inf:
        raise refuse(
            f"{_FIELD}.diagonal",
            diagonal,
            "the length in metres from corner 1 to corner 3",
            vi="độ dài tính bằng mét từ góc 1 đến góc 3",
        )
    picture = _finite(f"{_FIELD}.corners", list(corners))
    turn = -_turn(picture)
    second = _apex(f"{_FIELD}.sides.0-1", sides[0], sides[1], diagonal, -turn)
    fourth = _apex(f"{_FIELD}.sides.2-3", sides[3], sides[2], diagonal, turn)
    metres = np.array([(0.0, 0.0), second, (diagonal, 0.0), fourth])
    _check_convex(f"{_FIELD}.diagonal", diagonal, metres)
    return Pairs(f"{_FIELD}.corners", picture, metres)


def _turn(corners: Floats) -> int:
    """1 when the corners of a convex quadrilateral turn towards y from x, -1 when away from it. Raises BadInput."""
    crosses = _crosses(corners)
    if not (all(c > 0 for c in crosses) or all(c < 0 for c in crosses)):
        raise refuse(
            f"{_FIELD}.corners",
            corners,
            "the corners of a convex quadrilateral, one after the other",
            vi="4 góc của một tứ giác lồi, lần lượt theo một vòng",
        )
    return 1 if crosses[0] > 0 else -1


def _check_convex(field: str, diagonal: float, metres: Floats) -> None:
    crosses = _crosses(metres)
    if not (all(c > 0 for c in crosses) or all(c < 0 for c in crosses)):
        raise refuse(
            field,
            diagonal,
            "a diagonal with which the four sides make a convex quadrilateral",
            vi="đường chéo khớp với bốn cạnh để thành một tứ giác lồi",
        )


def _crosses(corners: Floats) -> list[float]:
    edges = [b - a for a, b in pairwise([*corners, corners[0], corners[1]])]
    return [float(a[0] * b[1] - a[1] * b[0]) for a, b in pairwise(edges)]


def _apex(field: str, first: float, second: float, base: float, side: int) -> tuple[float, float]:
    """The corner at `first` from (0, 0) and `second` from (base, 0). Raises BadInput when the triangle is open."""
    x = (first**2 - second**2 + base**2) / (2 * base)
    square = first**2 - x**2
    if square <= 0:
        raise refuse(
            field,
            (first, second),
            f"two sides that meet over the diagonal of {base} m: their sum is longer, their difference shorter",
            vi=f"hai cạnh khép được với đường chéo {with_comma(base)} m: tổng dài hơn, hiệu ngắn hơn đường chéo",
        )
    return x, side * math.sqrt(square)
