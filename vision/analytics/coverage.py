"""How much of a lane vehicles take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vision.analytics.vehicles import footprint
from vision.analytics.zone import SLOWLY_MS, VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

ROAD_OCCUPANCY = "road_occupancy"


class Coverage(ZoneAnalytic):
    """`road_occupancy`: the ground under vehicles, each as long as its kind and as wide as the road that it needs, by
    that of the lane. In one full lane of cars that is the share of its length that loops in the road measure; it also
    holds for motorcycles, which keep to no lane (area occupancy: Mallikarjuna and Rao, Transportmetrica 2, 2006).
    """

    every_ms = SLOWLY_MS

    def __init__(self, place: str, area_m2: float) -> None:
        self._place, self._area_m2 = place, area_m2
        self._taken_m2 = 0.0

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Add up who is there."""
        taken = [footprint(track.label) for track in moment.there if track.label in VEHICLES]
        self._taken_m2 = sum(each.length_m * each.width_m for each in taken)
        return ()

    def measure(self, at: int) -> Iterable[Measure]:
        """The share taken now."""
        yield Measure(self._place, ROAD_OCCUPANCY, round(min(100.0, 100 * self._taken_m2 / self._area_m2), 1), at)


def coverage(setting: Setting) -> Coverage | None:
    """For lanes of vehicles on known ground."""
    if setting.zone.direction is None or not setting.vehicles or setting.vehicles_m2 is None:
        return None
    return Coverage(setting.zone.id, setting.vehicles_m2)
