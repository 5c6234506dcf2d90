"""Who moves against a zone's direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.motion import Reach, Standing, shift
from vision.analytics.zone import Finding, Setting, Ways, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Stay

FAR = Reach(3.0, 5.0, 1.0)
STRAIGHT = 0.5
"""Against the direction is within 60 degrees of its opposite: this is the cosine."""

STANDS_MS = 3000
"""Who stands for so long is where the mean of its places is. Of all places of one that stands, the farthest is that of
the greatest error; so short a time holds few of them."""


class _Farthest:
    """The place from which one object's way back counts: the farthest, or where it stands."""

    def __init__(self, track: Track) -> None:
        self.place, self._standing = track, Standing(track)

    def update(self, track: Track, ways: Ways) -> None:
        """Take in where it is."""
        self._standing.update(track)
        if track.at - self._standing.since >= STANDS_MS and self._standing.holds(track):
            self.place = self._standing.mean
        elif shift(self.place, track).along(ways) > 0:
            self.place = track


class WrongWay(ZoneAnalytic):
    """One finding for each that came back by more than FAR from the farthest it had gone in the right direction.

    From where it stands, if it has stood since.
    """

    def __init__(self, place: str, ways: Ways) -> None:
        self._place, self._ways = place, ways
        self._farthest: dict[str, _Farthest] = {}
        self._found: set[str] = set()

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Those who have now gone too far against it."""
        for stay in (*moment.left, *moment.present):
            if stay.track.id not in self._found and self._against(stay):
                self._found.add(stay.track.id)
                yield Finding(DetectionEvent.WRONG_WAY, stay.track.at, self._place, stay.track)
        for stay in moment.left:
            self._farthest.pop(stay.track.id, None)
            self._found.discard(stay.track.id)

    def _against(self, stay: Stay) -> bool:
        farthest = self._farthest.setdefault(stay.track.id, _Farthest(stay.first))
        farthest.update(stay.track, self._ways)
        by = shift(farthest.place, stay.track)
        back = -by.along(self._ways)
        return back >= STRAIGHT * by.length and FAR.beyond(back, by, farthest.place, stay.track)


def wrong_way(setting: Setting) -> WrongWay | None:
    """For zones that have a direction."""
    return None if setting.ways is None else WrongWay(setting.zone.id, setting.ways)
