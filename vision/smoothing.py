"""Where an object was and how fast, from foot points before and after. Pure; times in ms, ground in metres.

What a fixed-interval Kalman smoother gives for the motion of `vision.motion`, in one solve: foot points of a path
under white noise acceleration are jointly Gaussian (Rasmussen and Williams, Gaussian Processes for Machine Learning,
2006, sections 2.2 and 6.3), so a place or a displacement is a linear function of them, with a known error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision.motion import Gait, Measured

_ANYWHERE_M = 30.0
"""One sigma of where a path begins, around its first foot point."""
Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A place or a displacement in metres (2) with its covariance (2 x 2)."""

    at: Floats
    covariance: Floats


class Path:
    """Foot points of one object at rising times."""

    def __init__(self, times: Sequence[int], measured: Sequence[Measured], how: Gait) -> None:
        self._begin, self._how = times[0], how
        self._times = (np.asarray(times, float) - times[0]) / 1000
        self._first = measured[0].at
        self._off = (np.array([each.at for each in measured]) - self._first).ravel()
        self._spread = _both_axes(self._kernel(self._times, self._times))
        each = np.arange(len(measured))
        blocks = self._spread.reshape(len(measured), 2, len(measured), 2)  # the same memory
        blocks[each, :, each] += np.array([point.covariance for point in measured])

    def place(self, at: int) -> Estimate:
        """Where the object was at `at`, not before the first foot point."""
        found = self._sum([at], [1.0])
        return Estimate(np.asarray(found.at + self._first), found.covariance)

    def displacement(self, begin: int, end: int) -> Estimate:
        """How far it went from `begin`, not before the first foot point, to `end`."""
        return self._sum([end, begin], [1.0, -1.0])

    def _sum(self, times: Sequence[int], weights: ArrayLike) -> Estimate:
        wanted = (np.asarray(times, float) - self._begin) / 1000
        factor = np.asarray(weights, float)
        shared = _both_axes((factor @ self._kernel(wanted, self._times))[None])
        own = float(factor @ self._kernel(wanted, wanted) @ factor) * np.eye(2)
        solved = np.linalg.solve(self._spread, np.column_stack([self._off, shared.T]))
        return Estimate(np.asarray(shared @ solved[:, 0]), np.asarray(own - shared @ solved[:, 1:]))

    def _kernel(self, a: Floats, b: Floats) -> Floats:
        """Covariance of the places at times `a` and `b`, seconds since the first foot point."""
        first = np.minimum.outer(a, b)
        wander = first**3 / 3 + first**2 * np.abs(np.subtract.outer(a, b)) / 2
        return np.asarray(_ANYWHERE_M**2 + self._how.speed_mps**2 * np.outer(a, b) + self._how.unrest * wander)


def _both_axes(covariance: Floats) -> Floats:
    """What holds of each axis, for points of two axes that know nothing of each other: the product with a unit."""
    rows, columns = covariance.shape
    found = np.zeros((2 * rows, 2 * columns))
    found[::2, ::2] = found[1::2, 1::2] = covariance
    return found
