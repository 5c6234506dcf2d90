"""Begin and end of what lasts, such that the newest edge of a zone says whether there is any. Pure."""

from __future__ import annotations

from pipeline.core.events import DetectionEvent, Edge
from vision.analytics.zone import Finding
from vision.tracker import Track


class Lasting:
    """What lasts in one zone, by track. Rules hear edges of a zone, not of a track.

    So when one of several ends, the one that has gone on for longest begins again a millisecond later; and no edge is
    dated before, or with, the one that was told before it: a rule holds the newest for true.
    """

    def __init__(self, event: DetectionEvent, place: str) -> None:
        self._event, self._place = event, place
        self._going_on: dict[str, Track] = {}
        self._told = -1

    def __contains__(self, track: object) -> bool:
        return track in self._going_on

    def begin(self, track: Track, at: int) -> Finding:
        """It begins for a track for which it did not go on."""
        self._going_on[track.id] = track
        return self._tell(track, at, Edge.BEGIN)

    def end(self, track: Track, at: int) -> list[Finding]:
        """It is over for a track; nothing when it did not go on."""
        if self._going_on.pop(track.id, None) is None:
            return []
        ended = [self._tell(track, at, Edge.END)]
        longest = next(iter(self._going_on.values()), None)
        return ended if longest is None else [*ended, self._tell(longest, at, Edge.BEGIN)]

    def _tell(self, track: Track, at: int, edge: Edge) -> Finding:
        self._told = max(at, self._told + 1)
        return Finding(self._event, self._told, self._place, track, edge)
