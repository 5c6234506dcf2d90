"""How densely vehicles stand on a road."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vision.analytics.panes import BLIND_MS, Panes
from vision.analytics.zone import VEHICLES, Finding, Measure, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

TRAFFIC_DENSITY = "traffic_density"
LEAST_S = 45.0
"""The mean of less of a minute is not told."""


class Density(ZoneAnalytic):
    """Each minute `traffic_density`, vehicles a kilometre on all lanes of the zone together: the seconds that vehicles
    spent there, by the seconds that were seen and the zone's length (Edie, Discussion of traffic stream measurements
    and definitions, 1963), so that times `mean_speed` it is the flow. Parked vehicles count: they take room.
    """

    def __init__(self, place: str, length_m: float) -> None:
        self._place, self._length_km = place, length_m / 1000
        self._panes = Panes()
        self._spent_ms = 0
        self._before: tuple[int, int] | None = None

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Add up who was there since the picture before; of a longer gap nobody knows."""
        vehicles = sum(track.label in VEHICLES for track in moment.there)
        if self._before is not None and moment.at - self._before[0] <= BLIND_MS:
            self._spent_ms += self._before[1] * (moment.at - self._before[0])
        self._before = moment.at, vehicles
        return ()

    def measure(self, at: int) -> Iterable[Measure]:
        """The mean of a minute that is over."""
        closed = self._panes.close(at)
        return () if closed is None else self._told(closed.end - 1, closed.seen_s)

    def rest(self, at: int) -> Iterable[Measure]:
        """That of the minute that was broken off."""
        closed, self._before = self._panes.rest(at), None
        return () if closed is None else self._told(at, closed.seen_s)

    def _told(self, at: int, seen_s: float) -> Iterable[Measure]:
        spent_s, self._spent_ms = self._spent_ms / 1000, 0
        if seen_s >= LEAST_S:
            yield Measure(self._place, TRAFFIC_DENSITY, round(spent_s / seen_s / self._length_km, 2), at)


def density(setting: Setting) -> Density | None:
    """For lanes of vehicles on known ground."""
    length_m = setting.length_m
    return None if length_m is None or not setting.vehicles else Density(setting.zone.id, length_m)
