"""Who stands in a zone, and who entered or left it. Pure; polygons and boxes in pixels.

An object is where its foot is: the bottom centre of its box. It counts as inside or outside only after two
pictures in a row say so: a box that trembles on the border must not enter and leave with every picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.core.catalogue import Zone
from pipeline.core.places import inside
from vision.tracker import Track, Tracked

CONFIRM_PICTURES = 2
COUNTED_MS = 2000
"""An object that was not seen for longer is kept as a member, but not counted."""


class Passage(NamedTuple):
    """A track entered or left a zone; `track.at` is when."""

    zone: str
    entered: bool
    track: Track


class ZoneWatch:
    """Members of one zone. `frame_size` is that of the polygon, `picture_size` that of the real pictures."""

    def __init__(self, zone: Zone, frame_size: tuple[int, int] | None, picture_size: tuple[int, int]) -> None:
        self.id, self._labels = zone.id, frozenset(zone.labels)
        self._polygon = scaled(zone.polygon, frame_size or picture_size, picture_size)
        self._members: dict[str, int] = {}
        self._doubts: dict[str, int] = {}

    def update(self, tracked: Tracked) -> list[Passage]:
        """Take in one picture's tracks; returns who entered and who left, in the order of the tracks."""
        passages = [
            Passage(self.id, entered, track) for track in tracked.live if (entered := self._judge(track)) is not None
        ]
        return passages + self.forget(tracked.ended)

    def forget(self, ended: Iterable[Track]) -> list[Passage]:
        """Tracks that ended leave, at the time when they were seen last."""
        passages = []
        for track in ended:
            self._doubts.pop(track.id, None)
            if self._members.pop(track.id, None) is not None:
                passages.append(Passage(self.id, False, track))
        return passages

    def occupancy(self, at: int) -> int:
        """How many members were seen within COUNTED_MS before `at`."""
        return sum(at - last <= COUNTED_MS for last in self._members.values())

    def _judge(self, track: Track) -> bool | None:
        """True when the track entered now, False when it left, None when nothing changed."""
        if not track.seen or track.label not in self._labels:
            return None
        member = track.id in self._members
        if member:
            self._members[track.id] = track.at
        if inside(track.box.foot, self._polygon) == member:
            self._doubts.pop(track.id, None)
            return None
        self._doubts[track.id] = self._doubts.get(track.id, 0) + 1
        if self._doubts[track.id] < CONFIRM_PICTURES:
            return None
        del self._doubts[track.id]
        if member:
            del self._members[track.id]
        else:
            self._members[track.id] = track.at
        return not member


def scaled(
    polygon: Iterable[tuple[float, float]], drawn: tuple[int, int], real: tuple[int, int]
) -> tuple[tuple[float, float], ...]:
    """A polygon drawn on pictures of width and height `drawn`, in pixels of pictures of `real`."""
    across, down = real[0] / drawn[0], real[1] / drawn[1]
    return tuple((x * across, y * down) for x, y in polygon)
