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
_EYE, _SAME = np.eye(4), np.eye(2)


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
    """Feet in metres on a plane."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._residual = plane.residual_m**2 * _SAME

    def measure(self, boxes: Sequence[Box]) -> Sequence[Measured | None]:
        """The foot points of boxes; None for those at and above the horizon."""
        feet = np.array([box.foot for box in boxes]).reshape(-1, 2)
        places = self._plane.metres(feet)
        there = np.asarray(np.isfinite(places).all(1))
        sigmas = FOOT_NOISE * np.array([box.height for box in boxes])
        covariances = iter(self._plane.covariance(feet[there], sigmas[there]) + self._residual)
        return [
            Measured(at, next(covariances), 1.0) if known else None for at, known in zip(places, there, strict=True)
        ]

    def feet(self, places: Sequence[Floats]) -> Sequence[tuple[float, float] | None]:
        """Where feet at places are seen; None for those behind the camera."""
        pixels = self._plane.picture(np.array(places).reshape(-1, 2)).tolist()
        return [(x, y) if math.isfinite(x) else None for x, y in pixels]


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
        step = _EYE.copy()
        step[0, 2] = step[1, 3] = gap_s
        state = step @ self.state
        wide = max(gap_s, LEAST_GAP_S)
        step[0, 2] = step[1, 3] = wide
        covariance = step @ self.covariance @ step.T + _unrest(how.unrest * self.metre**2, wide)
        return Motion(state, covariance, self.metre)

    def updated(self, measured: Measured) -> Motion:
        """With a foot point taken in."""
        gain = self.covariance[:, :2] @ np.linalg.inv(self.covariance[:2, :2] + measured.covariance)
        state = self.state + gain @ (measured.at - self.state[:2])
        kept = _EYE.copy()
        kept[:, :2] -= gain
        covariance = kept @ self.covariance @ kept.T + gain @ measured.covariance @ gain.T
        return Motion(state, covariance, measured.metre)


def distances(motions: Sequence[Motion], found: Sequence[Measured]) -> Floats:
    """Mahalanobis distances of foot points from where objects are, in sigmas: objects x foot points, one at least."""
    expected = np.array([each.state[:2] for each in motions])[:, None]
    x, y = np.moveaxis(np.array([each.at for each in found]) - expected, 2, 0)
    own = np.array([each.covariance[:2, :2] for each in motions])[:, None]
    spread = own + np.array([each.covariance for each in found])
    a, b, d = spread[..., 0, 0], spread[..., 0, 1], spread[..., 1, 1]
    return np.asarray(np.sqrt((d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)))


def _unrest(density: float, gap_s: float) -> Floats:
    """Covariance that white noise acceleration of a spectral density adds in `gap_s`, however it is divided."""
    place, both, speed = density * gap_s**3 / 3, density * gap_s**2 / 2, density * gap_s
    return np.array(((place, 0, both, 0), (0, place, 0, both), (both, 0, speed, 0), (0, both, 0, speed)))
