"""Where an object is and how it moves: a Kalman filter for constant velocity, on the ground or in the picture.

The state is (x, y, vx, vy); white noise acceleration disturbs it, by the time that passes and not by the number of
pictures (Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, section 6.2.2).
On the ground its unit is the metre. In the picture it is the pixel, and a metre is taken to be the height of the box
over STATURE_M.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.picture import Box
from vision.plane import Plane

FOOT_NOISE = 0.05
"""How far a detector's foot point is off, one sigma, in heights of the box: 4 px at 80 px, measured on public truth."""
PICTURE_NOISE = 0.1
"""The same in the picture, where steady motion on the ground is not steady: perspective, and no known scale."""
LEAST_GAP_S = 0.04
"""Boxes that come closer together were delayed on their way: so short a time says nothing of speed."""
STATURE_M = 1.7
"""The height of a box in the picture, in metres, where nothing better is known."""
Floats = NDArray[np.float64]
_SAME = np.eye(2)


class Gait(NamedTuple):
    """How a kind of object moves: spectral density of its acceleration (m2/s3), speed before it is known (m/s, sigma),
    and how far from where it is expected it can be at all: `reach_m` at once, `reach_mps` more for each second."""

    unrest: float
    speed_mps: float
    reach_m: float
    reach_mps: float


WALKER = Gait(0.1, 1.5, 1.2, 3.0)
VEHICLE = Gait(2.0, 12.0, 3.0, 15.0)
ANIMALS_AND_PEOPLE = frozenset(("person", "dog", "cat", "cow", "sheep", "horse", "bird"))


def gait(label: str) -> Gait:
    """How objects with this label move; what is neither person nor animal may be fast."""
    return WALKER if label in ANIMALS_AND_PEOPLE else VEHICLE


class Measured(NamedTuple):
    """A foot point: where (2), its covariance (2 x 2), and how many units a metre is there."""

    at: Floats
    covariance: Floats
    metre: float


class PictureSpace:
    """Feet in pixels."""

    def measure(self, boxes: Sequence[Box]) -> Sequence[Measured | None]:
        """The foot points of boxes."""
        return [
            Measured(np.array(box.foot), (PICTURE_NOISE * box.height) ** 2 * _SAME, box.height / STATURE_M)
            for box in boxes
        ]

    def feet(self, places: Sequence[Floats]) -> Sequence[tuple[float, float] | None]:
        """Where feet at places are seen; None for those that are not."""
        return [(float(x), float(y)) for x, y in places]


class GroundSpace:
    """Feet in metres on a plane.

    What `Plane` works out for arrays is written here for one point: of few objects, arrays are the most of the cost.
    """

    def __init__(self, plane: Plane) -> None:
        assert plane.forward is not None, "the plane has no ground"
        assert plane.backward is not None, "the plane has no ground"
        self._forward, self._backward = plane.forward.tolist(), plane.backward.tolist()
        self._residual = plane.residual_m**2

    def measure(self, boxes: Sequence[Box]) -> Sequence[Measured | None]:
        """The foot points of boxes; None for those at and above the horizon."""
        return [self._measured(box) for box in boxes]

    def feet(self, places: Sequence[Floats]) -> Sequence[tuple[float, float] | None]:
        """Where feet at places are seen; None for those behind the camera."""
        return [None if foot is None else foot[:2] for foot in (_mapped(self._backward, *place) for place in places)]

    def _measured(self, box: Box) -> Measured | None:
        place = _mapped(self._forward, *box.foot)
        if place is None:
            return None
        x, y, w = place
        (a, b, _), (c, d, _), (g, h, _) = self._forward
        noise = (FOOT_NOISE * box.height / w) ** 2
        a, b, c, d = a - x * g, b - x * h, c - y * g, d - y * h  # times 1 / w the metres a pixel
        both = noise * (a * c + b * d)
        first, second = noise * (a * a + b * b) + self._residual, noise * (c * c + d * d) + self._residual
        return Measured(np.array((x, y)), np.array(((first, both), (both, second))), 1.0)


def _mapped(matrix: Sequence[Sequence[float]], x: float, y: float) -> tuple[float, float, float] | None:
    """Where a homography puts a point, and its third coordinate there; None where that is not above 0."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    w = g * x + h * y + i
    return ((a * x + b * y + c) / w, (d * x + e * y + f) / w, w) if w > 0 else None


Space = PictureSpace | GroundSpace


@dataclass(frozen=True, slots=True)
class Motion:
    """State (4) and covariance (4 x 4) of one object as of one time, and how many units a metre is there."""

    state: Floats
    covariance: Floats
    metre: float

    @classmethod
    def begun(cls, measured: Measured, how: Gait) -> Motion:
        """From the first foot point: it may go anywhere."""
        covariance = np.zeros((4, 4))
        covariance[:2, :2] = measured.covariance
        covariance[2, 2] = covariance[3, 3] = (how.speed_mps * measured.metre) ** 2
        return cls(np.array([*measured.at, 0.0, 0.0]), covariance, measured.metre)

    def predicted(self, gap_s: float, how: Gait) -> Motion:
        """As it should be `gap_s` later."""
        x, y, vx, vy = self.state.tolist()
        (a, b, c, d), (_, e, f, g), (_, _, h, i), (_, _, _, j) = self.covariance.tolist()
        wide = max(gap_s, LEAST_GAP_S)
        speed = how.unrest * self.metre**2 * wide
        both, place = speed * wide / 2, speed * wide * wide / 3
        a, b, e = (
            a + wide * (2 * c + wide * h) + place,
            b + wide * (d + f + wide * i),
            e + wide * (2 * g + wide * j) + place,
        )
        c, d, f, g = c + wide * h + both, d + wide * i, f + wide * i, g + wide * j + both
        rows = ((a, b, c, d), (b, e, f, g), (c, f, h + speed, i), (d, g, i, j + speed))
        return Motion(np.array((x + gap_s * vx, y + gap_s * vy, vx, vy)), np.array(rows), self.metre)

    def updated(self, measured: Measured) -> Motion:
        """With a foot point taken in."""
        rows, known = self.covariance.tolist(), self.state.tolist()
        (x, y), (p, q, r) = measured.at.tolist(), _spread(self, measured)
        off_x, off_y, area = x - known[0], y - known[1], p * r - q * q
        gains = [((r * a - q * b) / area, (p * b - q * a) / area) for a, b, _, _ in rows]
        state = [value + first * off_x + second * off_y for value, (first, second) in zip(known, gains, strict=True)]
        covariance = [
            [value - first * a - second * b for value, a, b in zip(row, rows[0], rows[1], strict=True)]
            for row, (first, second) in zip(rows, gains, strict=True)
        ]
        return Motion(np.array(state), np.array(covariance), measured.metre)


def distance(motion: Motion, measured: Measured) -> float:
    """Mahalanobis distance of a foot point from where an object is, in sigmas."""
    (u, v), (x, y) = motion.state[:2].tolist(), measured.at.tolist()
    p, q, r = _spread(motion, measured)
    x, y = x - u, y - v
    return math.sqrt((r * x * x - 2 * q * x * y + p * y * y) / (p * r - q * q))


def _spread(motion: Motion, measured: Measured) -> tuple[float, float, float]:
    """How uncertain it is how far a foot point is from where an object is: both variances, the covariance between."""
    (a, b, _, _), (_, d, _, _), *_ = motion.covariance.tolist()
    (e, f), (_, h) = measured.covariance.tolist()
    return a + e, b + f, d + h
