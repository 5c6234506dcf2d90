"""How densely people stand in a zone, and whether that is a crowd."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.level import Level
from vision.analytics.zone import NOT_PEOPLE, SLOWLY_MS, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

CROWD_DENSITY = "crowd_density"


class Crowd(ZoneAnalytic):
    """`crowd_density` in people a square metre where the ground is known; the event from a number or a density on."""

    every_ms = SLOWLY_MS

    def __init__(self, setting: Setting) -> None:
        self._zone, self._area_m2 = setting.zone, setting.people_m2
        self._level = Level(DetectionEvent.CROWD, setting.zone.id)
        self._people = 0

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begin and end of a crowd."""
        if not moment.open:
            return self._level.close(moment.at)
        self._people = sum(track.label not in NOT_PEOPLE for track in moment.there)
        return self._level.update(self._share(), moment.at)

    def measure(self, at: int) -> Iterable[Measure]:
        """The density now."""
        if self._area_m2 is not None:
            yield Measure(self._zone.id, CROWD_DENSITY, round(self._people / self._area_m2, 4), at)

    def _share(self) -> float:
        """People or density as a part of what is a crowd, whichever is more; 0 where nothing is."""
        by_number = 0.0 if self._zone.crowd is None else self._people / self._zone.crowd
        if self._zone.crowd_density is None or self._area_m2 is None:
            return by_number
        return max(by_number, self._people / self._area_m2 / self._zone.crowd_density)


def crowd(setting: Setting) -> Crowd | None:
    """For zones of people that have a known area or a number that is a crowd."""
    asked = setting.people and (setting.people_m2 is not None or setting.zone.crowd is not None)
    return Crowd(setting) if asked else None
