"""Vehicles that stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.motion import Standing
from vision.analytics.zone import VEHICLES, Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment


class Stopped(ZoneAnalytic):
    """Begins `stopped_s` after a vehicle came to a stand, dated to that moment; ends when it moves off or is gone."""

    def __init__(self, place: str, stopped_s: float) -> None:
        self._stopped_ms = round(stopped_s * 1000)
        self._lasting = Lasting(DetectionEvent.STOPPED, place)
        self._standing: dict[str, Standing] = {}

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins and ends."""
        for stay in moment.left:
            self._standing.pop(stay.track.id, None)
            yield from self._lasting.end(stay.track, stay.left_at or stay.track.at)
        for stay in moment.present:
            if stay.track.label in VEHICLES:
                yield from self._follow(stay.track, self._standing.setdefault(stay.track.id, Standing(stay.first)))

    def _follow(self, track: Track, standing: Standing) -> Iterable[Finding]:
        moved_at = standing.update(track)
        if moved_at is not None:
            yield from self._lasting.end(track, moved_at)
        due = standing.since + self._stopped_ms
        if due <= track.at and track.id not in self._lasting:
            yield self._lasting.begin(track, due)


def stopped(setting: Setting) -> Stopped | None:
    """For zones of vehicles that say when a stand is one."""
    seconds = setting.zone.stopped_s
    return None if seconds is None or not setting.vehicles else Stopped(setting.zone.id, seconds)
