"""Who is in a zone, since when, and who left it. Pure; polygons and boxes in pixels, times in ms.

An object is where its foot is: the bottom centre of its box, or where the picture ends if the box reaches beyond. It
came in, or went out, when its foot crossed the border (found between two pictures by the straight way), and is believed
to have after CONFIRM_MS on the new side in at least two pictures; out is out by a margin only. So a box that trembles
on the border neither enters nor leaves, and how many pictures a second there are changes no time by more than the
object's way is curved between two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.core.catalogue import Zone
from pipeline.core.schedule import NEVER, Schedule, parse_hours
from vision import bounds
from vision.tracker import Track, Tracked

CONFIRM_MS = 100
MARGIN = 0.05
"""How far out one is out, in heights of the object's box."""
_HALVINGS = 12
Point = tuple[float, float]


@dataclass(slots=True)
class Stay:
    """One object's stay in a zone: since `entered_at`, as seen first and last, until `left_at`."""

    first: Track
    track: Track
    entered_at: int
    left_at: int | None = None


class Moment(NamedTuple):
    """What one picture changed in one zone, and who is in it now. `open`: the zone's schedule is in force.

    `there`: all whose foot is in the zone now, where one that is hidden for a moment is where it should be; it says how
    many there are, at once. `present` are those who are believed to have entered.
    """

    at: int
    present: Sequence[Stay]
    entered: Sequence[Stay] = ()
    left: Sequence[Stay] = ()
    there: Sequence[Track] = ()
    open: bool = True


@dataclass(slots=True)
class _Path:
    """Where a track was last, and since when it is on this side of the border. `held`: as the first picture says."""

    at: int
    foot: Point
    depth: float
    crossed: int
    held: Track
    clear: int | None = None


class Polygon:
    """A polygon on pictures of width and height `real`, drawn on pictures of `drawn`."""

    def __init__(self, zone: Zone, drawn: tuple[int, int] | None, real: tuple[int, int]) -> None:
        self.labels = frozenset(zone.labels)
        self.corners = scaled(bounds.drawn(zone.polygon, drawn or real), drawn or real, real)
        self._size = real
        self._contour = np.asarray(self.corners, np.float32)
        self._hours = hours_of(zone)

    def depth(self, point: Point) -> float:
        """How far inside a point is, pixels; below 0 outside. The border is inside, and what is beyond the picture on
        the picture's."""
        return float(cv2.pointPolygonTest(self._contour, bounds.within(point, self._size), True))

    def holds(self, track: Track) -> bool:
        """Whether a track of its labels is in it now. One that is not seen and expected beyond the picture has left."""
        if track.label not in self.labels:
            return False
        gone = not track.seen and bounds.beyond(track.box.foot, self._size) > MARGIN * track.box.height
        return not gone and self.depth(track.box.foot) >= 0

    def open_until(self, at: int) -> int | None:
        """End of the hours that hold `at`, ms; None out of hours."""
        return NEVER if self._hours is None else self._hours.open_until(at)

    def hides(self, track: Track) -> bool:
        """Whether, as an exclusion zone, it hides a track now."""
        return track.label in self.labels and self.depth(track.box.foot) >= 0 and self.open_until(track.at) is not None


def hours_of(zone: Zone) -> Schedule | None:
    """A zone's hours; None when it is always in force. Raises ValueError for hours that registration would refuse."""
    hours = zone.schedule
    return None if hours is None else Schedule(parse_hours(hours.when), hours.timezone)


def visible(tracks: Iterable[Track], exclusions: Sequence[Polygon]) -> list[Track]:
    """Those tracks that no exclusion zone hides."""
    return [track for track in tracks if not any(each.hides(track) for each in exclusions)]


class ZoneWatch:
    """Stays in one inclusion zone. `frame_size` is that of the polygon, `picture_size` that of the real pictures."""

    def __init__(self, zone: Zone, frame_size: tuple[int, int] | None, picture_size: tuple[int, int]) -> None:
        self.id, self.polygon = zone.id, Polygon(zone, frame_size, picture_size)
        self._gap_ms = round(zone.gap_s * 1000)
        self._stays: dict[str, Stay] = {}
        self._paths: dict[str, _Path] = {}
        self._open_until: int | None = None

    def update(self, tracked: Tracked, at: int) -> Moment:
        """Take in one picture's tracks, less those that are hidden."""
        closed = self._close(at)
        if self._open_until is None:
            return Moment(at, (), (), closed, open=False)
        entered = [stay for track in tracked.live if (stay := self._follow(track)) is not None]
        left = [stay for stay in self._stays.values() if stay.left_at is not None]
        gone = [track.id for track in tracked.ended] + self._unseen(at)
        for stay in left:
            del self._stays[stay.track.id]
        left = [*closed, *left, *self._drop(gone)]
        there = [track for track in (*tracked.live, *tracked.hidden) if self.polygon.holds(track)]
        return Moment(at, tuple(self._stays.values()), entered, left, there)

    def end(self, at: int) -> Moment:
        """No more pictures come: everybody left when last seen."""
        self._paths.clear()
        return Moment(at, (), (), self._drop(list(self._stays)), open=False)

    def _close(self, at: int) -> list[Stay]:
        """Those who stayed until the zone's hours were over."""
        until = self._open_until
        if until is not None and at < until:
            return []
        self._open_until = self.polygon.open_until(at)
        if until is None:
            return []
        self._paths.clear()
        left = list(self._stays.values())
        for stay in left:
            stay.left_at = min(until, stay.track.at + self._gap_ms)
        self._stays.clear()
        return left

    def _follow(self, track: Track) -> Stay | None:
        """Take in where a track is; returns its stay if it entered now, and writes `left_at` if it left."""
        if not track.seen or track.label not in self.polygon.labels:
            return None
        path = self._paths[track.id] = self._path(track)
        stay = self._stays.get(track.id)
        if stay is None:
            if path.depth < 0 or not _confirmed(path.held.at, track.at):
                return None
            stay = self._stays[track.id] = Stay(path.held, track, path.crossed)
            return stay
        stay.track = track
        if path.clear is not None and _confirmed(path.clear, track.at):
            stay.left_at = path.crossed
        return None

    def _path(self, track: Track) -> _Path:
        foot = track.box.foot
        depth, before = self.polygon.depth(foot), self._paths.get(track.id)
        if before is None or track.at - before.at > self._gap_ms:
            path = _Path(track.at, foot, depth, track.at, track)
        elif (depth >= 0) == (before.depth >= 0):
            path = _Path(track.at, foot, depth, before.crossed, before.held, before.clear)
        else:
            path = _Path(track.at, foot, depth, self._crossed(before, track), track)
        if depth >= -MARGIN * track.box.height:
            path.clear = None
        elif path.clear is None:
            path.clear = track.at
        return path

    def _crossed(self, before: _Path, track: Track) -> int:
        """When the straight way from the last foot point to this one crossed the border."""
        (x1, y1), (x2, y2) = before.foot, track.box.foot
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            inside = self.polygon.depth((x1 + (x2 - x1) * middle, y1 + (y2 - y1) * middle)) >= 0
            low, high = (middle, high) if inside == (before.depth >= 0) else (low, middle)
        return before.at + round((track.at - before.at) * high)

    def _unseen(self, at: int) -> list[str]:
        return [id_ for id_, path in self._paths.items() if at - path.at > self._gap_ms]

    def _drop(self, ids: Iterable[str]) -> list[Stay]:
        """These were not seen any more: they left when last seen, or when last in."""
        left = []
        for id_ in ids:
            path, stay = self._paths.pop(id_, None), self._stays.pop(id_, None)
            if stay is not None:
                stay.left_at = path.crossed if path is not None and path.depth < 0 else stay.track.at
                left.append(stay)
        return left


def _confirmed(since: int, at: int) -> bool:
    return at > since and at - since >= CONFIRM_MS


def scaled(polygon: Iterable[Point], drawn: tuple[int, int], real: tuple[int, int]) -> tuple[Point, ...]:
    """Points drawn on pictures of width and height `drawn`, in pixels of pictures of `real`."""
    across, down = real[0] / drawn[0], real[1] / drawn[1]
    return tuple((x * across, y * down) for x, y in polygon)
