"""Vehicles that stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.motion import Standing
from vision.analytics.vanished import STOOD_MS, Vanished
from vision.analytics.zone import VEHICLES, Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Stay


class Stopped(ZoneAnalytic):
    """Begins `stopped_s` after a vehicle came to a stand, dated to that moment; ends when it moves off or is gone.

    One that is hidden where it stands, and found there again as another track, has not moved.
    """

    def __init__(self, place: str, stopped_s: float) -> None:
        self._stopped_ms = round(stopped_s * 1000)
        self._lasting = Lasting(DetectionEvent.STOPPED, place)
        self._standing: dict[str, Standing] = {}
        self._vanished: Vanished[Standing] = Vanished()

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins and ends."""
        for stay in moment.left:
            yield from self._leave(stay)
        for stay in moment.present:
            if stay.track.label in VEHICLES:
                if stay.track.id not in self._standing:
                    self._standing[stay.track.id] = self._known(stay)
                yield from self._follow(stay.track, self._standing[stay.track.id])
        for gone in self._vanished.over(moment.at) if moment.open else self._vanished.all():
            yield from self._lasting.end(gone.track, gone.track.at)

    def _leave(self, stay: Stay) -> Iterator[Finding]:
        standing, at = self._standing.pop(stay.track.id, None), stay.left_at or stay.track.at
        if standing is not None and at - standing.since >= STOOD_MS:
            self._vanished.keep(stay.track, standing)
        else:
            yield from self._lasting.end(stay.track, at)

    def _known(self, stay: Stay) -> Standing:
        gone = self._vanished.claim(stay.first)
        if gone is None:
            return Standing(stay.first)
        self._lasting.rename(gone.track, stay.track)
        return gone.known

    def _follow(self, track: Track, standing: Standing) -> Iterator[Finding]:
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
