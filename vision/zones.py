"""Who is in a zone, since when, and who left it. Pure; polygons and boxes in pixels, times in ms.

An object is where its foot is: the bottom centre of its box, or where the picture ends if the box reaches beyond. It
came in, or went out, when its foot crossed the border (found between two pictures by the straight way), and is believed
to have after CONFIRM_MS on the new side in at least two pictures; out is out by a margin only. Of a way right through
that shows it inside in one picture or none, the straight ways tell whether it took CONFIRM_MS. So a box that trembles
on the border neither enters nor leaves, and how many pictures a second there are changes no time by more than the
object's way is curved between two of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.core.catalogue import Zone
from pipeline.core.schedule import NEVER, Schedule, parse_hours
from vision import bounds
from vision.tracker import Track, Tracked

CONFIRM_MS = 100
MARGIN = 0.05
"""How far out one is out, and how far in who goes right through, in heights of the object's box."""
_HALVINGS = 12
Point = tuple[float, float]


@dataclass(slots=True)
class Stay:
    """One object's stay in a zone: since `entered_at`, as seen first and last, until `left_at`.

    Of who was over it between two pictures, `first` is the one before.
    """

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


class _Crossing(NamedTuple):
    """When and where a track came over the border, or was seen first, and how the first picture since shows it."""

    at: int
    place: Point
    held: Track


@dataclass(slots=True)
class _Path:
    """Where a track was last, and since when it is on this side of the border or, since `clear`, well out.

    `came`: where the way inside began that ended between the last two pictures.
    """

    last: Track
    foot: Point
    depth: float
    crossed: _Crossing
    clear: int | None = None
    came: _Crossing | None = None


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

    def foot(self, track: Track) -> Point:
        """Where a track stands, in the picture."""
        return bounds.within(track.box.foot, self._size)

    def through(self, a: Point, b: Point) -> tuple[float, float] | None:
        """The parts of the straight way between two points outside at which it comes in first and goes out last."""
        met = [part for p, q in pairwise((*self.corners, self.corners[0])) if (part := _meets(a, b, p, q)) is not None]
        return (min(met), max(met)) if met else None

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
        for stay in left:
            del self._stays[stay.track.id]
        ended, passed = self._drop([track.id for track in tracked.ended] + self._unseen(at))
        there = [track for track in (*tracked.live, *tracked.hidden) if self.polygon.holds(track)]
        present = tuple(self._stays.values())
        return Moment(at, present, [*entered, *passed], [*closed, *left, *ended, *passed], there)

    def end(self, at: int) -> Moment:
        """No more pictures come: everybody left when last seen."""
        ended, passed = self._drop(list(self._paths))
        return Moment(at, (), passed, [*ended, *passed], open=False)

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
            stay = self._entered(path)
            if stay is not None:
                self._stays[track.id] = stay
            return stay
        stay.track = track
        if path.clear is not None and _confirmed(path.clear, track.at):
            stay.left_at = path.crossed.at
        return None

    def _entered(self, path: _Path) -> Stay | None:
        """The stay of a track that had none; of one that went right through, now that it is out."""
        if path.depth >= 0:
            confirmed = _confirmed(path.crossed.held.at, path.last.at)
            return Stay(path.crossed.held, path.last, path.crossed.at) if confirmed else None
        came, out = path.came, path.crossed
        if came is None or not self._is_way_through(came, out.at, out.place, path.last):
            return None
        return Stay(came.held, path.last, came.at)

    def _is_way_through(self, came: _Crossing, at: int, place: Point, track: Track) -> bool:
        """Whether it took CONFIRM_MS and led well inside: who trembles goes in and out at one place of the border."""
        middle = ((came.place[0] + place[0]) / 2, (came.place[1] + place[1]) / 2)
        return at - came.at >= CONFIRM_MS and self.polygon.depth(middle) >= MARGIN * track.box.height

    def _path(self, track: Track) -> _Path:
        foot = self.polygon.foot(track)
        depth, before = self.polygon.depth(foot), self._paths.get(track.id)
        if before is None or track.at - before.last.at > self._gap_ms:
            path = _Path(track, foot, depth, _Crossing(track.at, foot, track))
        elif (depth >= 0) == (before.depth >= 0):
            path = _Path(track, foot, depth, before.crossed, before.clear)
            self._jump(before, path)
        else:
            crossed = _between(before, track, foot, self._border(before, foot), track)
            path = _Path(track, foot, depth, crossed, came=before.crossed if depth < 0 else None)
        if depth >= -MARGIN * track.box.height:
            path.clear = None
        elif path.clear is None:
            path.clear = track.at
        return path

    def _jump(self, before: _Path, path: _Path) -> None:
        """Whether a track that was outside in two pictures was inside between them."""
        if path.depth >= 0 or math.dist(before.foot, path.foot) < -before.depth - path.depth:
            return
        parts = self.polygon.through(before.foot, path.foot)
        if parts is not None:
            path.came = _between(before, path.last, path.foot, parts[0], before.last)
            path.crossed = _between(before, path.last, path.foot, parts[1], path.last)

    def _border(self, before: _Path, foot: Point) -> float:
        """The part of the straight way from the last foot point to this one at which it crossed the border."""
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            inside = self.polygon.depth(_along(before.foot, foot, middle)) >= 0
            low, high = (middle, high) if inside == (before.depth >= 0) else (low, middle)
        return high

    def _unseen(self, at: int) -> list[str]:
        return [id_ for id_, path in self._paths.items() if at - path.last.at > self._gap_ms]

    def _drop(self, ids: Iterable[str]) -> tuple[list[Stay], list[Stay]]:
        """These were not seen any more: they left when last seen, or when last in. The second list: those among them
        that came in by a way of which only this tells."""
        left, passed = [], []
        for id_ in ids:
            path, stay = self._paths.pop(id_, None), self._stays.pop(id_, None)
            if stay is not None:
                stay.left_at = path.crossed.at if path is not None and path.depth < 0 else stay.track.at
                left.append(stay)
            elif path is not None and path.depth >= 0:
                came, last = path.crossed, path.last
                if self._is_way_through(came, last.at, path.foot, last):
                    passed.append(Stay(came.held, last, came.at, last.at))
        return left, passed


def _confirmed(since: int, at: int) -> bool:
    return at > since and at - since >= CONFIRM_MS


def _between(before: _Path, now: Track, foot: Point, part: float, held: Track) -> _Crossing:
    """The crossing that `part` of the straight way since `before` had led to."""
    at = before.last.at + round((now.at - before.last.at) * part)
    return _Crossing(at, _along(before.foot, foot, part), held)


def _along(a: Point, b: Point, part: float) -> Point:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _meets(a: Point, b: Point, p: Point, q: Point) -> float | None:
    """The part of the way from `a` to `b` at which it meets the edge from `p` to `q`; None if it does not."""
    (x, y), (along, up) = (b[0] - a[0], b[1] - a[1]), (q[0] - p[0], q[1] - p[1])
    turn = x * up - y * along
    if turn == 0:
        return None
    part = ((p[0] - a[0]) * up - (p[1] - a[1]) * along) / turn
    of_edge = ((p[0] - a[0]) * y - (p[1] - a[1]) * x) / turn
    return part if 0 <= part <= 1 and 0 <= of_edge <= 1 else None


def scaled(polygon: Iterable[Point], drawn: tuple[int, int], real: tuple[int, int]) -> tuple[Point, ...]:
    """Points drawn on pictures of width and height `drawn`, in pixels of pictures of `real`."""
    across, down = real[0] / drawn[0], real[1] / drawn[1]
    return tuple((x * across, y * down) for x, y in polygon)
