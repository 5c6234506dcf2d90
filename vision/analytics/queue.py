"""How long a queue of vehicles is, in metres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.level import Level
from vision.analytics.vehicles import footprint
from vision.analytics.zone import SLOWLY_MS, VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Point

QUEUE_LENGTH = "queue_length"
JOINS_MPS, LEAVES_MPS = 5 / 3.6, 10 / 3.6
"""Slower than the first a vehicle stands in the queue, until it is faster than the second (the Highway Capacity Manual
counts as queued what is slower than 5 miles an hour)."""
GAP_M = 15.0
"""A queue ends where the next vehicle's foot is farther."""


class Queue(ZoneAnalytic):
    """`queue_length` along the lane: from the first foot to the last of the longest queue, and one vehicle's length.

    Feet are all at the same end of their vehicles, so the first's own length is what they leave out.
    """

    every_ms = SLOWLY_MS

    def __init__(self, setting: Setting, way: Point) -> None:
        self._place, self._way, self._limit_m = setting.zone.id, way, setting.zone.queue_m
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
        self._length_m = longest([(self._along(track), track) for track in tracks if track.id in self._queued])
        return [] if self._limit_m is None else self._level.update(self._length_m / self._limit_m, moment.at)

    def measure(self, at: int) -> Iterable[Measure]:
        """Its length now, 0 for none."""
        yield Measure(self._place, QUEUE_LENGTH, round(self._length_m, 1), at)

    def _stands(self, track: Track) -> bool:
        if track.ground is None:
            return False
        speed = math.hypot(track.ground.vx, track.ground.vy)
        return speed < (LEAVES_MPS if track.id in self._queued else JOINS_MPS)

    def _along(self, track: Track) -> float:
        assert track.ground is not None
        return track.ground.x * self._way[0] + track.ground.y * self._way[1]


def longest(queued: Iterable[tuple[float, Track]]) -> float:
    """Length of the longest queue among vehicles at places (metres along the lane), 0 for none."""
    best = 0.0
    tail = before = -math.inf
    for place, track in sorted(queued, key=lambda one: one[0]):
        tail = place if place - before > GAP_M else tail
        before = place
        best = max(best, place - tail + footprint(track.label).length_m)
    return best


def queue(setting: Setting) -> Queue | None:
    """For lanes of vehicles on known ground."""
    way = None if setting.ways is None else setting.ways.ground
    return None if way is None or not setting.vehicles else Queue(setting, way)
