"""How long a queue of vehicles is, in metres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.core.events import DetectionEvent
from vision.analytics.level import Level
from vision.analytics.vehicles import footprint
from vision.analytics.zone import SLOWLY_MS, VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Point, scaled

QUEUE_LENGTH = "queue_length"
JOINS_MPS, LEAVES_MPS = 5 / 3.6, 10 / 3.6
"""Slower than the first a vehicle stands in the queue, until it is faster than the second (the Highway Capacity Manual
counts as queued what is slower than 5 miles an hour)."""
GAP_M = 10.5
"""A queue ends where more road than this is free before the next vehicle: 15 m from a car's bumper to the same one of
the next."""


class Body(NamedTuple):
    """The road that one vehicle takes, metres along the lane."""

    begin: float
    end: float


class Queue(ZoneAnalytic):
    """`queue_length` along the lane: from the first vehicle's end to the last's of the longest queue."""

    every_ms = SLOWLY_MS

    def __init__(self, setting: Setting, way: Point) -> None:
        self._place, self._way, self._limit_m = setting.zone.id, way, setting.zone.queue_m
        self._ahead = _ahead(setting, way)
        self._level = Level(DetectionEvent.QUEUE, setting.zone.id)
        self._queued: set[str] = set()
        self._length_m = 0.0

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begin and end of a queue that is too long."""
        if not moment.open:
            self._queued.clear()
            return self._level.close(moment.at)
        tracks = [stay.track for stay in moment.present if stay.track.label in VEHICLES]
        self._queued = {track.id for track in tracks if self._stands(track)}
        self._length_m = longest(self._body(track) for track in tracks if track.id in self._queued)
        return [] if self._limit_m is None else self._level.update(self._length_m / self._limit_m, moment.at)

    def measure(self, at: int) -> Iterable[Measure]:
        """Its length now, 0 for none."""
        yield Measure(self._place, QUEUE_LENGTH, round(self._length_m, 1), at)

    def _stands(self, track: Track) -> bool:
        if track.ground is None:
            return False
        speed = math.hypot(track.ground.vx, track.ground.vy)
        return speed < (LEAVES_MPS if track.id in self._queued else JOINS_MPS)

    def _body(self, track: Track) -> Body:
        assert track.ground is not None
        half_m = footprint(track.label).length_m / 2
        middle = track.ground.x * self._way[0] + track.ground.y * self._way[1] + self._ahead * half_m
        return Body(middle - half_m, middle + half_m)


def longest(queued: Iterable[Body]) -> float:
    """Length of the longest queue among vehicles, 0 for none."""
    best = 0.0
    begin = end = -math.inf
    for body in sorted(queued):
        begin, end = (body.begin, body.end) if body.begin - end > GAP_M else (begin, max(end, body.end))
        best = max(best, end - begin)
    return best


def _ahead(setting: Setting, way: Point) -> float:
    """How far a vehicle's middle is ahead of its foot, in halves of its length: 1 where the lane leads away from the
    camera, -1 where it leads towards it, 0 across the picture.

    The lower edge of a box is where the vehicle's nearest end is, and its foot lies straight below its middle. So the
    foot is as many pixels lower as half a vehicle is long in the picture, and each is so many metres of the way.
    """
    assert setting.plane is not None and setting.zone.direction is not None
    middle = np.mean(scaled(setting.zone.direction, setting.drawn, setting.real), axis=0)
    (metres_a_pixel,) = setting.plane.jacobian(middle)
    (_, lower) = np.linalg.inv(metres_a_pixel) @ way
    (_, along) = np.asarray(way) @ metres_a_pixel
    return float(np.clip(-abs(lower) * along, -1.0, 1.0))


def queue(setting: Setting) -> Queue | None:
    """For lanes of vehicles on known ground."""
    way = None if setting.ways is None else setting.ways.ground
    return None if way is None or not setting.vehicles else Queue(setting, way)
