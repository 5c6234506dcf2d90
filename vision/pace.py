"""How fast objects went in the last second, at a lag of LAG_MS. Pure; times in ms, speeds in m/s.

A filter that must answer at once is wrong by a quarter more often than one that may look half a second further
(measured on public truth), so speeds are published late. An object that was hidden is not measured.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from vision.motion import gait
from vision.plane import Plane
from vision.smoothing import displacement
from vision.tracker import Point, Tracked

SPAN_MS = 1000
LAG_MS = 450
"""From the end of the span to the picture that the speed is worked out with."""
BEFORE_MS = 1500
"""How far before the span foot points still say something."""
HIDDEN_MS = 500
LEAST_POINTS = 4
SIGMA_MOST_MPS, SIGMA_MOST_SHARE = 0.15, 0.1
"""A speed is not told when one sigma is more than both: this much, and this part of it."""


class Pace(NamedTuple):
    """Mean velocity of one object from `begin` to `end`; `sigma_mps` is one sigma of its speed."""

    begin: int
    end: int
    vx: float
    vy: float
    sigma_mps: float

    @property
    def mps(self) -> float:
        """Speed: the distance gone over the time it took."""
        return float(np.hypot(self.vx, self.vy))


def well_known(mps: float, sigma_mps: float) -> bool:
    """Whether a speed is known well enough to be told."""
    return sigma_mps <= max(SIGMA_MOST_MPS, SIGMA_MOST_SHARE * mps)


class PaceMeter:
    """Speeds of one camera's tracks on a calibrated ground; remembers SPAN_MS + BEFORE_MS + LAG_MS.

    `plane`: the ground, of which the error is part of every speed's.
    """

    def __init__(self, plane: Plane | None = None, span_ms: int = SPAN_MS) -> None:
        self._plane, self._span = plane, span_ms
        self._pictures: deque[int] = deque()
        self._paths: dict[int, tuple[list[int], list[Point]]] = {}
        self._numbers: dict[str, int] = {}

    def update(self, tracked: Tracked, at: int) -> None:
        """Take in what the tracker gave at `at`."""
        self._pictures.append(at)
        for point in tracked.points:
            times, points = self._paths.setdefault(point.track, ([], []))
            times.append(at)
            points.append(point)
            if point.id:
                self._numbers[point.id] = point.track
        self._forget(at - self._span - BEFORE_MS - 2 * LAG_MS)

    def pace(self, id_: str, end: int) -> Pace | None:
        """How fast the confirmed track went in the span that ends at `end`; None when it was not seen well enough.

        Exact at LAG_MS before the newest picture; a later `end` is less so, an earlier one not much better.
        """
        number = self._numbers.get(id_)
        times, points = self._paths.get(number, ([], [])) if number is not None else ([], [])
        begin = end - self._span
        first = bisect_left(times, begin - BEFORE_MS)
        if len(times) - first < LEAST_POINTS or times[first] > begin or self._hidden(times, begin, end):
            return None
        measured, how = [point.measured for point in points[first:]], gait(points[-1].seen.label)
        gone, covariance = displacement(times[first:], measured, how, begin, end)
        velocity = gone * 1000 / self._span
        along = velocity / max(float(np.hypot(*velocity)), 1e-9)
        noise = float(np.sqrt(along @ covariance @ along)) * 1000 / self._span
        sigma = noise if self._plane is None else self._plane.speed_sigma(points[-1].measured.at, velocity, noise)
        found = Pace(begin, end, float(velocity[0]), float(velocity[1]), sigma)
        return found if well_known(found.mps, sigma) else None

    def _hidden(self, times: list[int], begin: int, end: int) -> bool:
        """Whether pictures for longer than HIDDEN_MS, up to a span before it and at its end, did not show it."""
        known = [*times[max(bisect_left(times, begin - self._span), 0) :], self._pictures[-1]]
        return times[-1] < end - HIDDEN_MS or any(
            b - a > HIDDEN_MS and bisect_left(self._pictures, b) - bisect_right(self._pictures, a) > 0
            for a, b in pairwise(known)
            if a < end
        )

    def _forget(self, before: int) -> None:
        while self._pictures[0] < before:
            self._pictures.popleft()
        for number, (times, points) in list(self._paths.items()):
            n = bisect_left(times, before)
            del times[:n], points[:n]
            if not times:
                del self._paths[number]
        self._numbers = {id_: number for id_, number in self._numbers.items() if number in self._paths}
