"""How long people and things stay in a zone, in seconds of event time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.zone import NOT_PEOPLE, SLOWLY_MS, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Stay

ZONE_DWELL = "zone_dwell"


class Dwell(ZoneAnalytic):
    """`zone_dwell` is the longest stay of those who are there, 0 for none; the event begins `dwell_s` after entering.

    The begin is dated to that very moment, whenever the next picture came; leaving ends it and starts anew. Where the
    zone is about people, a parked vehicle or a bag is not counted among those who stay.
    """

    every_ms = SLOWLY_MS

    def __init__(self, setting: Setting) -> None:
        self._place, self._people, dwell_s = setting.zone.id, setting.people, setting.zone.dwell_s
        self._dwell_ms = None if dwell_s is None else round(dwell_s * 1000)
        self._lasting = Lasting(DetectionEvent.DWELL, self._place)
        self._longest_s = 0.0

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins of those who stay too long, ends of those who left."""
        stays = [stay for stay in moment.present if not (self._people and stay.track.label in NOT_PEOPLE)]
        self._longest_s = max((stay.track.at - stay.entered_at for stay in stays), default=0) / 1000
        for stay in moment.left:
            yield from self._begin(stay, stay.left_at or stay.track.at)
            yield from self._lasting.end(stay.track, stay.left_at or stay.track.at)
        for stay in sorted(moment.present, key=lambda stay: stay.entered_at):
            yield from self._begin(stay, stay.track.at)

    def _begin(self, stay: Stay, until: int) -> Iterable[Finding]:
        if self._dwell_ms is None or stay.track.id in self._lasting:
            return
        due = stay.entered_at + self._dwell_ms
        if due <= until:
            yield self._lasting.begin(stay.track, due)

    def measure(self, at: int) -> Iterable[Measure]:
        """The longest stay so far."""
        yield Measure(self._place, ZONE_DWELL, round(self._longest_s, 2), at)


def dwell(setting: Setting) -> Dwell:
    """For every zone."""
    return Dwell(setting)
