"""What was there DELAY_MS ago, now that it is settled: tracks with their places on the ground, and how fast they were.

Pure; times in ms. Between `vision.delayed`, which knows which boxes belong together, and the analytics, which want to
know where on the ground they were.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np

from pipeline.core.events import Speed
from vision.delayed import DELAY_MS, Delayed, Final
from vision.motion import GroundSpace
from vision.pace import LAG_MS, PaceMeter, well_known
from vision.plane import Plane
from vision.tracker import Ground, Track, Tracked


class Settled(NamedTuple):
    """One picture's tracks for good; `tracked.ended` are those that were in the picture before and never come back."""

    at: int
    tracked: Tracked


class Settling:
    """Settles the pictures of one camera; `plane` is the ground of its pictures, if it is known."""

    def __init__(self, plane: Plane | None) -> None:
        self._plane = plane if plane is not None and plane.grounded else None
        self._space = None if self._plane is None else GroundSpace(self._plane)
        self._delayed, self._pace = Delayed(), PaceMeter(self._plane)
        self._recent: deque[tuple[int, Tracked]] = deque()
        self._paced, self._metered = 0, -1
        """How many of the recent pictures the meter has seen, and the time of the last one of all that it saw."""
        self._before: dict[str, Track] = {}

    def update(self, tracked: Tracked, at: int) -> list[Settled]:
        """Take in what the tracker gave at `at`; returns the pictures that are settled now, oldest first."""
        self._recent.append((at, tracked))
        settled = [self._settle(final) for final in self._delayed.update(tracked, at)]
        self._follow_pace(at - DELAY_MS + LAG_MS)
        while self._recent[0][0] < at - DELAY_MS:
            self._recent.popleft()
            self._paced -= 1
        return settled

    def end(self) -> list[Settled]:
        """No more pictures come: all that wait are settled."""
        settled = [self._settle(final) for final in self._delayed.end()]
        if self._recent:
            self._follow_pace(self._recent[-1][0])
        self._recent.clear()
        self._paced, self._before = 0, {}
        return settled

    def speed(self, track: Track) -> Speed | None:
        """How fast a settled track was in the second before, or a live one is now; None when that is not well known."""
        if track.at > self._metered:
            return self._own_speed(track)
        pace = self._pace.pace(track.followed_as or track.id, track.at)
        return None if pace is None else Speed(round(pace.mps, 2), round(pace.sigma_mps, 2))

    def _own_speed(self, track: Track) -> Speed | None:
        """As the track's own filter has it at once."""
        ground = track.ground
        if ground is None or self._plane is None:
            return None
        sigma = self._plane.speed_sigma((ground.x, ground.y), (ground.vx, ground.vy), ground.sigma_mps)
        return Speed(round(ground.mps, 2), round(sigma, 2)) if well_known(ground.mps, sigma) else None

    def _follow_pace(self, until: int) -> None:
        """Speeds are best known LAG_MS later, not three seconds: let the meter see no more than that."""
        if self._space is None:
            return
        while self._paced < len(self._recent) and self._recent[self._paced][0] <= until:
            at, tracked = self._recent[self._paced]
            self._pace.update(tracked, at)
            self._paced, self._metered = self._paced + 1, at

    def _settle(self, final: Final) -> Settled:
        known = {track.id: track.ground for track in self._tracked_at(final.at).live if track.seen}
        tracks = [track._replace(ground=known.get(track.id) or self._ground(track)) for track in final.tracks]
        now = {track.id: track for track in tracks}
        ended = [track for id_, track in self._before.items() if id_ not in now]
        self._before = now
        return Settled(final.at, Tracked(tracks, ended))

    def _tracked_at(self, at: int) -> Tracked:
        return next((tracked for when, tracked in self._recent if when == at), Tracked([], []))

    def _ground(self, track: Track) -> Ground | None:
        """Where a box stands by itself: its track was not confirmed yet, or was hidden. Its speed is not known."""
        (measured,) = (None,) if self._space is None else self._space.measure([track.box])
        if measured is None:
            return None
        x, y = (float(value) for value in measured.at)
        sigma = math.sqrt(float(np.linalg.eigvalsh(measured.covariance)[1]))
        return Ground(x, y, math.nan, math.nan, sigma, math.inf)
