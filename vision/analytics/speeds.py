"""How fast vehicles go through a zone: mean, 85th percentile, and the share of those who are too fast."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vision.analytics.panes import Panes
from vision.analytics.zone import VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.plane import Plane
from vision.tracker import Track
from vision.zones import Moment, Stay

MEAN_SPEED, SPEED_P85, SPEEDING_SHARE = "mean_speed", "speed_p85", "speeding_share"
VEHICLE_SPEED = "vehicle_speed"
LEAST_VEHICLES = 5
"""A percentile or a share of fewer says nothing."""
PARKED_MS = 300_000
"""A vehicle that stood for longer is parked; it slows no traffic down."""
_LEAST_S = 0.2
"""At 60 km/h 4 m take 0.24 s; what a speed of so short a way is worth, its standard error says."""
_STEP_M, _STEP_SIGMAS = 1.0, 10.0
"""Ways are measured in steps of at least this, so that trembling makes none longer (at 10 standard deviations across,
by 1 %) and who stands makes none."""
KMH = 3.6


class Passed(NamedTuple):
    """One vehicle's speed through a zone and its standard error, metres a second."""

    mps: float
    sigma: float


class Trip:
    """One vehicle's way through a zone, measured from picture to picture and told minute by minute."""

    def __init__(self, stay: Stay, plane: Plane | None = None) -> None:
        self._plane = plane
        self._begin = self._vertex = self._last = self._since = stay.first
        self._whole_m = self._part_m = 0.0
        self._told_until = stay.entered_at
        self._moved_at = stay.first.at

    def follow(self, track: Track) -> None:
        """Take in where it is."""
        if track.ground is None or track.at <= self._last.at:
            return
        self._last = track
        step = distance_m(self._vertex, track)
        if step >= max(_STEP_M, _STEP_SIGMAS * track.ground.sigma_m):
            self._go(step)

    def told(self, at: int) -> tuple[float, float]:
        """Metres and seconds in the zone since what was told last; (0, 0) for who is parked, or not known well yet."""
        self._go(distance_m(self._vertex, self._last))
        metres, seconds = self._part_m, (self._last.at - self._since.at) / 1000
        if not self._reliable(metres, seconds):
            return 0.0, 0.0
        stay_s, self._told_until = (at - self._told_until) / 1000, at
        self._part_m, self._since = 0.0, self._last
        parked = self._last.at - self._moved_at > PARKED_MS
        return (0.0, 0.0) if parked else (metres / seconds * stay_s, stay_s)

    def passed(self) -> Passed | None:
        """Its speed over the whole way; None when it is not known well."""
        seconds = (self._last.at - self._begin.at) / 1000
        if not self._reliable(self._whole_m, seconds):
            return None
        return Passed(self._whole_m / seconds, self._sigma_mps(seconds))

    def _go(self, step: float) -> None:
        if step >= _STEP_M:
            self._moved_at = self._last.at
        self._whole_m += step
        self._part_m += step
        self._vertex = self._last

    def _sigma_mps(self, seconds: float) -> float:
        noise, begin, end = self._sigma_m() / seconds, self._begin.ground, self._last.ground
        if self._plane is None or begin is None or end is None:
            return noise
        middle, way = ((begin.x + end.x) / 2, (begin.y + end.y) / 2), (end.x - begin.x, end.y - begin.y)
        return self._plane.speed_sigma(middle, np.array(way) / seconds, noise, seconds)

    def _sigma_m(self) -> float:
        sigmas = [track.ground.sigma_m for track in (self._begin, self._last) if track.ground is not None]
        return math.hypot(*sigmas)

    def _reliable(self, metres: float, seconds: float) -> bool:
        return seconds >= _LEAST_S and self._sigma_m() / seconds <= 0.5 + 0.1 * metres / seconds


class Speeds(ZoneAnalytic):
    """Each minute: `mean_speed`, the metres that all vehicles went by the seconds that they took (Edie's space-mean
    speed: for vehicles that pass the whole zone, the harmonic mean of theirs); of those who left, the 85th percentile
    and, where there is a limit, the share of those who exceed it by more than their standard error. Each second:
    `vehicle_speed` of every vehicle that left, its way by its time, dated to when it left.
    """

    def __init__(self, place: str, limit_kmh: float | None, plane: Plane | None = None) -> None:
        self._place, self._limit_mps = place, None if limit_kmh is None else limit_kmh / KMH
        self._plane = plane
        self._panes = Panes()
        self._trips: dict[str, Trip] = {}
        self._metres = self._seconds = 0.0
        self._passed: list[Passed] = []
        self._untold: list[Measure] = []
        self._dated = -1

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Follow those who are there, and take the measure of those who left."""
        for stay in (*moment.left, *moment.present):
            if stay.track.label in VEHICLES and stay.first.ground is not None:
                self._trips.setdefault(stay.track.id, Trip(stay, self._plane)).follow(stay.track)
        for stay in moment.left:
            trip = self._trips.pop(stay.track.id, None)
            if trip is not None:
                self._add(trip, stay.left_at or stay.track.at)
                self._note(trip.passed(), stay.left_at or stay.track.at)
        return ()

    def measure(self, at: int) -> Iterable[Measure]:
        """The speeds of those who left, and of a minute that is over."""
        closed = self._panes.close(at)
        yield from self._left()
        if closed is not None:
            yield from self._told(at, closed.end - 1)

    def rest(self, at: int) -> Iterable[Measure]:
        """The speeds of the minute that was broken off."""
        yield from self._left()
        if self._panes.rest(at) is not None:
            yield from self._told(at, at)

    def _left(self) -> list[Measure]:
        untold, self._untold = self._untold, []
        return untold

    def _note(self, passed: Passed | None, at: int) -> None:
        """Each later than all before it: two vehicles that left together are two readings of one series."""
        if passed is not None:
            self._passed.append(passed)
            self._dated = max(at, self._dated + 1)
            self._untold.append(self._measure(VEHICLE_SPEED, passed.mps * KMH, self._dated))

    def _add(self, trip: Trip, at: int) -> None:
        metres, seconds = trip.told(at)
        self._metres += metres
        self._seconds += seconds

    def _told(self, now: int, at: int) -> Iterable[Measure]:
        for trip in self._trips.values():
            self._add(trip, now)
        metres, seconds, passed = self._metres, self._seconds, self._passed
        self._metres, self._seconds, self._passed = 0.0, 0.0, []
        if seconds > 0:
            yield self._measure(MEAN_SPEED, metres / seconds * KMH, at)
        if len(passed) >= LEAST_VEHICLES:
            yield self._measure(SPEED_P85, float(np.percentile([one.mps for one in passed], 85)) * KMH, at)
            if self._limit_mps is not None:
                fast = sum(one.mps - one.sigma > self._limit_mps for one in passed)
                yield self._measure(SPEEDING_SHARE, 100 * fast / len(passed), at)

    def _measure(self, quantity: str, value: float, at: int) -> Measure:
        return Measure(self._place, quantity, round(value, 2), at)


def distance_m(a: Track, b: Track) -> float:
    """Metres between two places of a track on calibrated ground, 0 without one."""
    if a.ground is None or b.ground is None:
        return 0.0
    return math.hypot(b.ground.x - a.ground.x, b.ground.y - a.ground.y)


def speeds(setting: Setting) -> Speeds | None:
    """For lanes, and zones with a speed limit, on known ground: on a car park a mean speed means nothing."""
    lane = setting.zone.direction is not None or setting.zone.speed_limit_kmh is not None
    if not lane or not setting.vehicles or setting.plane is None:
        return None
    return Speeds(setting.zone.id, setting.zone.speed_limit_kmh, setting.plane)
