"""How many people and vehicles are in a zone now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vision.analytics.zone import NOT_PEOPLE, VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

ZONE_OCCUPANCY, ZONE_VEHICLES = "zone_occupancy", "zone_vehicles"


class Occupancy(ZoneAnalytic):
    """`zone_occupancy` counts people, and whatever is neither vehicle nor thing; `zone_vehicles` vehicles."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._people = self._vehicles = 0

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Count."""
        self._vehicles = sum(track.label in VEHICLES for track in moment.there)
        self._people = sum(track.label not in NOT_PEOPLE for track in moment.there)
        return ()

    def measure(self, at: int) -> Iterable[Measure]:
        """The count of each kind that the zone is about."""
        if self._setting.people:
            yield Measure(self._setting.zone.id, ZONE_OCCUPANCY, self._people, at)
        if self._setting.vehicles:
            yield Measure(self._setting.zone.id, ZONE_VEHICLES, self._vehicles, at)


def occupancy(setting: Setting) -> Occupancy:
    """For every zone."""
    return Occupancy(setting)
