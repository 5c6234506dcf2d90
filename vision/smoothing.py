"""How far an object went, from foot points before and after. Pure; times in ms, ground in metres.

What a fixed-interval Kalman smoother gives for the motion of `vision.motion`, in one solve: foot points of a path
under white noise acceleration are jointly Gaussian (Rasmussen and Williams, Gaussian Processes for Machine Learning,
2006, sections 2.2 and 6.3), so a displacement is a linear function of them, with a known error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision.motion import Gait, Measured

_ANYWHERE_M = 30.0
"""One sigma of where a path begins, around its first foot point."""
Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A displacement in metres (2) with its covariance (2 x 2)."""

    at: Floats
    covariance: Floats


def displacement(times: Sequence[int], measured: Sequence[Measured], how: Gait, begin: int, end: int) -> Estimate:
    """How far an object went from `begin` to `end`, both not before its first foot point; `times` rise."""
    count = len(times)
    seconds = (np.array([*times, begin, end], float) - times[0]) / 1000
    prior = _covariance(seconds, how)
    spread = _both_axes(prior[:count, :count])
    blocks, each = spread.reshape(count, 2, count, 2), np.arange(count)  # the same memory
    blocks[each, :, each] += np.array([point.covariance for point in measured])
    gone = prior[-1] - prior[-2]
    shared, own = _both_axes(gone[None, :count]), gone[-1] - gone[-2]
    off = (np.array([point.at for point in measured]) - measured[0].at).ravel()
    solved = np.linalg.solve(spread, np.column_stack([off, shared.T]))
    return Estimate(np.asarray(shared @ solved[:, 0]), np.asarray(own * np.eye(2) - shared @ solved[:, 1:]))


def _covariance(seconds: Floats, how: Gait) -> Floats:
    """Of the places at times since the first foot point, along one axis."""
    first, apart = np.minimum.outer(seconds, seconds), np.abs(np.subtract.outer(seconds, seconds))
    wander = first * first * (first / 3 + apart / 2)
    return np.asarray(_ANYWHERE_M**2 + how.speed_mps**2 * np.outer(seconds, seconds) + how.unrest * wander)


def _both_axes(covariance: Floats) -> Floats:
    """What holds of each axis, for points of two axes that know nothing of each other: the product with a unit."""
    rows, columns = covariance.shape
    found = np.zeros((2 * rows, 2 * columns))
    found[::2, ::2] = found[1::2, 1::2] = covariance
    return found
