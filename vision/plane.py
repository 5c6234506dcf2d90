"""The ground in a picture: pixels to metres and back, how exact that is, and how tall a person looks. Pure.

A flat ground and its picture are tied by a homography (Hartley and Zisserman, Multiple View Geometry, 2nd ed.,
sections 2.3 and 4.1). What is drawn on pictures of one size is used on pictures of another by scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.core.catalogue import Calibration
from pipeline.core.errors import with_comma
from pipeline.core.events import Position
from vision.calibration import Anchor, ground_pairs, refuse
from vision.clicks import CLICK_PX, Clicks
from vision.stature import Stature, stature

RESIDUAL_MOST = 0.05
"""Points that disagree by more than this part of their extent (root mean square) are a mistake, not noise."""
_CONDITION_LEAST = 1e-3
"""A worse conditioned set of points leaves the homography open: three of four stand on one line, or all do."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Plane:
    """The ground of one camera's pictures; points are arrays N x 2, pixels or metres.

    `residuals_m`: how far each calibration point is from where the plane puts it (all 0 for exactly four). `clicks`:
    how far it may be off because points are clicked by hand.
    Without a ground (`grounded` false) only `expected_height` can be asked.
    """

    forward: Floats | None
    backward: Floats | None
    residuals_m: tuple[float, ...]
    anchor: Anchor | None
    stature: Stature | None
    clicks: Clicks | None = None

    @classmethod
    def of(cls, calibration: Calibration, drawn: tuple[int, int], real: tuple[int, int]) -> Plane:
        """The plane for pictures of width and height `real`, calibrated on pictures of `drawn`.

        Raises BadInput with the field, its value and what would be right.
        """
        across, down = real[0] / drawn[0], real[1] / drawn[1]
        pairs = ground_pairs(calibration)
        if pairs is None:
            return cls(None, None, (), None, stature(calibration, None, down))
        picture = pairs.picture * (across, down)
        forward = _homography(pairs.field, picture, pairs.metres, mirrored_allowed=pairs.anchor is None)
        residuals = np.linalg.norm(_mapped(forward, picture) - pairs.metres, axis=1)
        _check_residuals(pairs.field, residuals, pairs.metres)
        tall = stature(calibration, forward, down)
        backward = np.asarray(np.linalg.inv(forward), np.float64)
        clicks = Clicks.of(picture, pairs.metres, backward, (CLICK_PX * across, CLICK_PX * down))
        return cls(forward, backward, tuple(float(r) for r in residuals), pairs.anchor, tall, clicks)

    @property
    def grounded(self) -> bool:
        """Whether there are metres."""
        return self.forward is not None

    @property
    def residual_m(self) -> float:
        """Root mean square of the residuals; 0 with four points, which nothing can contradict."""
        return float(np.sqrt(np.mean(np.square(self.residuals_m)))) if self.residuals_m else 0.0

    def metres(self, points: ArrayLike) -> Floats:
        """Where on the ground pixels are, N x 2; NaN at and beyond the horizon."""
        forward, rows = self._forward(), _rows(points)
        found = _mapped(forward, rows)
        found[_homogeneous(forward, rows)[:, 2] <= 0] = np.nan
        return found

    def picture(self, metres: ArrayLike) -> Floats:
        """Where in the picture points of the ground are, N x 2; NaN behind the camera."""
        assert self.backward is not None, "the plane has no ground"
        rows = _rows(metres)
        found = _mapped(self.backward, rows)
        found[_homogeneous(self.backward, rows)[:, 2] <= 0] = np.nan
        return found

    def jacobian(self, points: ArrayLike) -> Floats:
        """Metres a pixel at pixels, N x 2 x 2: rows metres x and y, columns pixels x and y."""
        forward, rows = self._forward(), _rows(points)
        x, y, w = _homogeneous(forward, rows).T
        top = forward[:2, :2] * w[:, None, None]
        down = np.stack([x, y], 1)[:, :, None] * forward[2, :2]
        return np.asarray((top - down) / np.square(w)[:, None, None])

    def speed_sigma(self, place: ArrayLike, velocity: ArrayLike, noise: float, seconds: float = 1.0) -> float:
        """One sigma of a speed (m/s): of what was seen, `noise`, and of the ground's own scale on the way, `seconds` of
        the velocity with the middle at a place in metres.

        The ground is wrong for all pictures alike, so it is added once for a speed, however many pictures gave it.
        """
        way = np.asarray(velocity, float) * seconds
        if self.clicks is None or not way.any():
            return noise
        (scale,) = self.clicks.scale(place, way)
        return float(np.hypot(noise, scale * np.linalg.norm(velocity)))

    def expected_height(self, feet: ArrayLike) -> Floats | None:
        """How tall a person is, in pixels, whose feet are at `feet` (N x 2); NaN above the horizon, None if unknown."""
        return self.stature.at(_rows(feet)) if self.stature else None

    def positions(self, metres: ArrayLike) -> list[Position] | None:
        """WGS 84 positions of points of the ground; None when the calibration has no positions."""
        return self.anchor.positions(_rows(metres)) if self.anchor else None

    def _forward(self) -> Floats:
        assert self.forward is not None, "the plane has no ground"
        return self.forward


class PlaneOfSize:
    """The plane for whatever size pictures come in; `drawn` is the size calibrated on, None: as they come."""

    def __init__(self, calibration: Calibration | None, drawn: tuple[int, int] | None) -> None:
        self._calibration, self._drawn = calibration, drawn
        self._size: tuple[int, int] | None = None
        self._plane: Plane | None = None

    def of(self, size: tuple[int, int]) -> Plane | None:
        """The plane for pictures of width and height `size`; None without a calibration. Raises BadInput."""
        if self._calibration is not None and size != self._size:
            self._plane = Plane.of(self._calibration, self._drawn or size, size)
            self._size = size
        return self._plane


def _rows(points: ArrayLike) -> Floats:
    return np.asarray(points, float).reshape(-1, 2)


def _homogeneous(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def _mapped(matrix: Floats, points: Floats) -> Floats:
    mapped = _homogeneous(matrix, points)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _homography(field: str, picture: Floats, metres: Floats, *, mirrored_allowed: bool) -> Floats:
    """Pixels to metres, scaled so that the third coordinate is positive on the ground's side of the horizon."""
    if _condition(picture, metres) < _CONDITION_LEAST:
        raise refuse(
            field,
            picture,
            "points that are not on one line: four of which no three are, well apart",
            vi="các điểm không thẳng hàng: ít nhất bốn điểm cách xa nhau, không có ba điểm nào thẳng hàng",
        )
    found, _ = cv2.findHomography(picture, metres, 0)
    if found is None:
        raise refuse(
            field,
            picture,
            "points that a flat ground can have in a picture",
            vi="các điểm mà một mặt đất phẳng có thể cho trong hình",
        )
    matrix = np.asarray(found, float)
    sides = np.sign(_homogeneous(matrix, picture)[:, 2])
    if abs(sides.sum()) < len(sides):
        raise refuse(
            field,
            picture,
            "points in the right order: as they stand, the plane is folded at the horizon",
            vi="các điểm đúng thứ tự: xếp như hiện nay thì mặt đất bị gập ở đường chân trời",
        )
    matrix *= sides[0]
    if not mirrored_allowed and np.linalg.det(matrix) > 0:  # pixels' y grows downwards: a ground seen from above flips
        raise refuse(
            field,
            picture,
            "a ground seen from above: as they stand, it is mirrored; two points are swapped",
            vi="mặt đất nhìn từ trên xuống: hiện đang bị lật ngược như trong gương, có hai điểm bị đổi chỗ",
        )
    return matrix


def _condition(picture: Floats, metres: Floats) -> float:
    """The 8th singular value over the 1st of the normalised equations of the homography (0: it is left open)."""
    (u, v), (x, y) = _normalised(picture).T, _normalised(metres).T
    one, none = np.ones_like(u), np.zeros_like(u)
    first = np.stack([u, v, one, none, none, none, -x * u, -x * v, -x], 1)
    second = np.stack([none, none, none, u, v, one, -y * u, -y * v, -y], 1)
    values = np.linalg.svd(np.concatenate([first, second]), compute_uv=False)
    return float(values[7] / values[0])


def _normalised(points: Floats) -> Floats:
    centred = points - points.mean(0)
    return np.asarray(centred / max(float(np.abs(centred).mean()), 1e-12))


def _check_residuals(field: str, residuals: Floats, metres: Floats) -> None:
    extent = float(np.linalg.norm(np.ptp(metres, axis=0)))
    rms = float(np.sqrt(np.mean(residuals**2)))
    if rms > RESIDUAL_MOST * extent:
        worst, most = int(residuals.argmax()), RESIDUAL_MOST * extent
        raise refuse(
            f"{field}.{worst}",
            f"off by {residuals[worst]:.2f} m",
            f"points that agree to within {most:.2f} m (root mean square; now {rms:.2f} m)",
            vi=f"các điểm khớp nhau, lệch không quá {with_comma(most, '.2f')} m"
            f" (trung bình bình phương; hiện là {with_comma(rms, '.2f')} m), điểm này lệch"
            f" {with_comma(float(residuals[worst]), '.2f')} m",
        )
