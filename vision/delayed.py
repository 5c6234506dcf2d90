"""What was there, known up to DELAY_MS later: gaps filled, short tracks gone. Pure; times in ms.

For events and counts that had better be right than early. A picture becomes final when the time is DELAY_MS past it.
By then a track that was hidden is found again, and a false one has ended: it is filled in where it was hidden for at
most KEEP_MS, and left out when it lived for less than LEAST_LIFE_MS or had fewer than LEAST_HITS boxes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from vision.picture import Box
from vision.tracker import KEEP_MS, Point, Track, Tracked

DELAY_MS = 3000
LEAST_LIFE_MS = 500
LEAST_HITS = 4


class Final(NamedTuple):
    """What was there at `at`; a track that was hidden then has `seen` false and a box in between."""

    at: int
    tracks: list[Track]


@dataclass(slots=True)
class _Life:
    """One track's boxes, as far back as they are still needed; `born` and `hits` count all."""

    born: int
    id: str = ""
    hits: int = 0
    times: list[int] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def add(self, at: int, point: Point) -> None:
        self.id = point.id or self.id
        self.hits += 1
        self.times.append(at)
        self.points.append(point)

    @property
    def real(self) -> bool:
        return bool(self.id) and self.hits >= LEAST_HITS and self.times[-1] - self.born >= LEAST_LIFE_MS

    def track(self, at: int) -> Track | None:
        """The track at `at`; None when it was not there."""
        n = bisect_left(self.times, at)
        if n == len(self.times) or (self.times[n] != at and n == 0):
            return None
        after, label = self.points[n].seen, self.points[-1].seen.label
        if self.times[n] == at:
            return Track(self.id, label, after.box, after.confidence, at, True)
        begin, end = self.times[n - 1], self.times[n]
        if end - begin > KEEP_MS:
            return None
        share = (at - begin) / (end - begin)
        box = Box(*(a + (b - a) * share for a, b in zip(self.points[n - 1].seen.box, after.box, strict=True)))
        return Track(self.id, label, box, after.confidence, begin, False)

    def forget(self, before: int) -> None:
        """Drop what is older than `before`, but for the last box of it."""
        n = bisect_left(self.times, before) - 1
        if n > 0:
            del self.times[:n], self.points[:n]


class Delayed:
    """Final pictures of one camera, made of what its tracker gives for each picture."""

    def __init__(self) -> None:
        self._lives: dict[int, _Life] = {}
        self._waiting: deque[int] = deque()

    def update(self, tracked: Tracked, at: int) -> list[Final]:
        """Take in what the tracker gave at `at`; returns the pictures that are final now, oldest first."""
        self._waiting.append(at)
        for point in tracked.points:
            self._lives.setdefault(point.track, _Life(at)).add(at, point)
        finals = []
        while self._waiting and self._waiting[0] <= at - DELAY_MS:
            finals.append(self._final(self._waiting.popleft()))
        self._forget(at - DELAY_MS)
        return finals

    def end(self) -> list[Final]:
        """No more pictures come: all that wait are final."""
        finals = [self._final(at) for at in self._waiting]
        self._waiting.clear()
        self._lives.clear()
        return finals

    def _final(self, at: int) -> Final:
        tracks = [track for life in self._lives.values() if life.real and (track := life.track(at))]
        return Final(at, tracks)

    def _forget(self, before: int) -> None:
        for number, life in list(self._lives.items()):
            if life.times[-1] < before - KEEP_MS:
                del self._lives[number]
            else:
                life.forget(before)
