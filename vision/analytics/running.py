"""People who run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.zone import NOT_PEOPLE, Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

HOLD_MS = 1000
SLOWER = 0.8
"""It is over below this part of the limit."""
_VAGUE = 0.5
"""A speed whose standard error is a larger part of it says nothing."""


class Running(ZoneAnalytic):
    """Begins when somebody was faster than `running_mps` for HOLD_MS; ends when under SLOWER of it for as long."""

    def __init__(self, place: str, running_mps: float) -> None:
        self._limit_mps = running_mps
        self._lasting = Lasting(DetectionEvent.RUNNING, place)
        self._since: dict[str, int] = {}

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins and ends."""
        for stay in moment.left:
            self._since.pop(stay.track.id, None)
            yield from self._lasting.end(stay.track, stay.left_at or stay.track.at)
        for stay in moment.present:
            if stay.track.label not in NOT_PEOPLE and stay.track.at == moment.at:
                yield from self._follow(stay.track)

    def _follow(self, track: Track) -> Iterable[Finding]:
        runs = track.id in self._lasting
        if not self._turns(track, runs=runs):
            self._since.pop(track.id, None)
            return
        due = self._since.setdefault(track.id, track.at) + HOLD_MS
        if due <= track.at:
            del self._since[track.id]
            yield from self._lasting.end(track, due) if runs else [self._lasting.begin(track, due)]

    def _turns(self, track: Track, *, runs: bool) -> bool:
        ground = track.ground
        if ground is None:
            return False
        mps = math.hypot(ground.vx, ground.vy)
        if runs:
            return mps < SLOWER * self._limit_mps
        return mps > self._limit_mps and ground.sigma_mps <= _VAGUE * mps


def running(setting: Setting) -> Running | None:
    """For zones of people on known ground that say what running is."""
    mps = setting.zone.running_mps
    return None if mps is None or setting.plane is None or not setting.people else Running(setting.zone.id, mps)
