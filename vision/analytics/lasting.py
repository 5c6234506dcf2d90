"""Begin and end of what lasts, such that the newest edge of a zone says whether there is any. Pure."""

from __future__ import annotations

from pipeline.core.events import DetectionEvent, Edge
from vision.analytics.zone import Finding
from vision.tracker import Track


class Lasting:
    """What lasts in one zone, by track. Rules hear edges of a zone, not of a track.

    So when one of several ends, the one that has gone on for longest begins again with it.
    """

    def __init__(self, event: DetectionEvent, place: str) -> None:
        self._event, self._place = event, place
        self._going_on: dict[str, Track] = {}

    def __contains__(self, track: object) -> bool:
        return track in self._going_on

    def begin(self, track: Track, at: int) -> Finding:
        """It begins for a track for which it did not go on."""
        self._going_on[track.id] = track
        return Finding(self._event, at, self._place, track, Edge.BEGIN)

    def rename(self, before: Track, track: Track) -> None:
        """What went on for one track goes on for another, the same object, under the name that it began with."""
        self._going_on = {track.id if id_ == before.id else id_: one for id_, one in self._going_on.items()}

    def end(self, track: Track, at: int) -> list[Finding]:
        """It is over for a track; nothing when it did not go on."""
        begun = self._going_on.pop(track.id, None)
        if begun is None:
            return []
        ended = Finding(self._event, at, self._place, track.named(begun.id), Edge.END)
        longest = next(iter(self._going_on.values()), None)
        return [ended] if longest is None else [ended, ended._replace(track=longest, edge=Edge.BEGIN)]
