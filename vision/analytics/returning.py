"""Who was lost in a zone and is found again as another track, where `gap_s` is longer than a tracker waits. Pure."""

from __future__ import annotations

from pipeline.core.catalogue import Zone
from vision.analytics.vanished import Vanished
from vision.tracker import KEEP_MS, Track, Tracked
from vision.zones import Polygon


class Returning:
    """Tells of the tracks of one zone as if none had ended that was lost in it less than `gap_s` ago.

    A new track of the same kind, first seen where one was lost, goes by its id from then on: to all who watch the zone
    it is the same one, that was not seen for a while.
    """

    def __init__(self, zone: Zone, polygon: Polygon) -> None:
        gap_ms = round(zone.gap_s * 1000)
        self._polygon, self._waits = polygon, gap_ms > KEEP_MS
        self._lost: Vanished[None] = Vanished(gap_ms)
        self._names: dict[str, str] = {}
        """The ids by which tracks go that have not ended."""

    def update(self, tracked: Tracked, at: int) -> Tracked:
        """The tracks of the picture of `at`, under the ids by which they go."""
        if not self._waits:
            return tracked
        left = []
        for track in map(self._named, tracked.ended):
            if self._polygon.holds(track):
                self._lost.keep(track, None)
            else:
                left.append(track)
        for track in tracked.ended:
            self._names.pop(track.id, None)
        live = [self._known(track) for track in tracked.live]
        left += [gone.track for gone in self._lost.over(at)]
        return Tracked(live, left, [self._named(track) for track in tracked.hidden])

    def end(self) -> None:
        """No more pictures come: nobody is waited for."""
        self._names.clear()
        self._lost.clear()

    def _named(self, track: Track) -> Track:
        return track.named(self._names.get(track.id, track.id))

    def _known(self, track: Track) -> Track:
        if track.id not in self._names and track.label in self._polygon.labels:
            gone = self._lost.claim(track)
            self._names[track.id] = track.id if gone is None else gone.track.id
        return self._named(track)
