"""Follows objects from picture to picture: on the ground where the camera is calibrated, else in the picture. Pure.

Times in ms, boxes in pixels. Each track predicts its foot point by a Kalman filter (vision.motion). Boxes of high
confidence are given to tracks first, then weak ones, which may continue a track but never begin one (ByteTrack,
https://arxiv.org/abs/2110.06864). A track is confirmed by its second box and kept for KEEP_MS without one.

Two outputs. Live: what is known now, for occupancy and for events that cannot wait; somebody hidden longer than
COAST_MS is not there. Final (`vision.delayed`): up to 3 s later, for events and counts that had better be right;
gaps are filled, what was too short is gone, and speeds are smoothed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vision.assignment import assign_within
from vision.motion import Gait, GroundSpace, Measured, Motion, PictureSpace, Space, gait
from vision.picture import Box, Seen, overlap
from vision.plane import Plane

KEEP_MS = 3000
KEEP_UNCONFIRMED_MS = 500
COAST_MS = 300
HIDDEN_MS = 2000
WEAK_MS = 500
"""How long weak boxes alone may continue a track: something that looks a little like a person stays for ever."""
CONFIRM_HITS = 2
DISTANCE_MOST = 3.0
"""Sigmas between where a track should be and a box that may be its own."""
_SURELY_SAME = 0.5
"""A box that overlaps the expected or the last one more than this may be the track's own whatever the sigmas say."""
_SIZE_GAIN = 0.5
_SHAPE_MOST = 1.8
"""A box this many times as tall as the track's is another object, or several."""
_SAME_OBJECT = 0.6
"""A box left over that overlaps a followed one more than this is the same object seen twice."""


class Ground(NamedTuple):
    """Where an object is in metres, how it moves in m/s, and one sigma of both (along the worst direction)."""

    x: float
    y: float
    vx: float
    vy: float
    sigma_m: float
    sigma_mps: float

    @property
    def mps(self) -> float:
        """Speed."""
        return float(np.hypot(self.vx, self.vy))


class Track(NamedTuple):
    """A confirmed track as of one picture. `at`: the time of its last box; `seen`: that is this picture.

    `box` lies between the seen and the expected one when seen, else it is the expected one. `ground` is None
    without a calibrated ground.
    """

    id: str
    label: str
    box: Box
    confidence: float
    at: int
    seen: bool
    ground: Ground | None = None


class Point(NamedTuple):
    """One box of a track that has its id or will have one: `track` numbers all tracks begun, `id` is empty before
    its confirmation."""

    track: int
    id: str
    seen: Seen
    measured: Measured


class Tracked(NamedTuple):
    """What one picture gave: tracks that are there now (seen less than COAST_MS ago), and tracks that ended.

    `hidden`: tracks seen longer ago, up to HIDDEN_MS, where they should be now: nobody vanishes in the middle of a
    place, so occupancy counts them. `points`: every box that a track took.
    """

    live: list[Track]
    ended: list[Track]
    hidden: Sequence[Track] = ()
    points: Sequence[Point] = ()


@dataclass(slots=True)
class _State:
    """One followed object; `at` is the time of its last box."""

    number: int
    motion: Motion
    how: Gait
    box: Box
    size: tuple[float, float]
    label: str
    confidence: float
    at: int
    strong_at: int
    id: str = ""
    hits: int = 1

    def take(self, seen: Seen, measured: Measured, at: int, high: float) -> None:
        if seen.confidence >= high:
            self.strong_at = at
        self.motion = self.motion.predicted((at - self.at) / 1000, self.how).updated(measured)
        width, height = self.size
        found = seen.box
        self.size = (width + _SIZE_GAIN * (found.width - width), height + _SIZE_GAIN * (found.height - height))
        self.box, self.confidence, self.at, self.hits = found, seen.confidence, at, self.hits + 1


class _Guess(NamedTuple):
    """Where a track should be now."""

    state: _State
    motion: Motion
    box: Box
    reach: float


class _Candidate(NamedTuple):
    seen: Seen
    measured: Measured


class Tracker:
    """Tracks of one camera since one start; ids are `<prefix>-<n>`, n from 1, in order of confirmation.

    `high`: the confidence from which a box may begin a track. `confirm_hits`: how many boxes confirm one. `plane`:
    the ground; without one, or with heights alone, the picture is the space and tracks have no `ground`.
    """

    def __init__(
        self, prefix: str, high: float, plane: Plane | None = None, *, confirm_hits: int = CONFIRM_HITS
    ) -> None:
        self._prefix, self._high, self._confirm_hits = prefix, high, confirm_hits
        self._space: Space = GroundSpace(plane) if plane is not None and plane.grounded else PictureSpace()
        self._states: list[_State] = []
        self._begun = self._confirmed = 0

    def update(self, seen: Iterable[Seen], at: int) -> Tracked:
        """Take in what was seen at `at`, which must be later than the last time.

        A box above the horizon of the ground is no object on it, and is left out.
        """
        strong, weak = self._by_confidence(seen)
        free = [self._guess(state, at) for state in self._states]
        points: list[Point] = []
        left = _match(free, strong, at, self._high, points)
        sure = [guess for guess in free if at - guess.state.strong_at <= WEAK_MS]
        _match(sure, weak, at, self._high, points)
        self._begin(left, at, points)
        self._confirm()
        ended = self._drop(at)
        ids = {state.number: state.id for state in self._states}
        there = [self._track(state, at) for state in self._states if state.id and at - state.at <= HIDDEN_MS]
        live = [track for track in there if at - track.at <= COAST_MS]
        hidden = [track for track in there if at - track.at > COAST_MS]
        return Tracked(live, ended, hidden, [point._replace(id=ids.get(point.track, "")) for point in points])

    def end(self) -> list[Track]:
        """End all tracks: no more pictures come."""
        ended = [self._track(state, state.at) for state in self._states if state.id]
        self._states = []
        return ended

    def _by_confidence(self, seen: Iterable[Seen]) -> tuple[list[_Candidate], list[_Candidate]]:
        strong: list[_Candidate] = []
        weak: list[_Candidate] = []
        for each in seen:
            measured = self._space.measure(each.box)
            if measured is not None:
                (strong if each.confidence >= self._high else weak).append(_Candidate(each, measured))
        return strong, weak

    def _guess(self, state: _State, at: int) -> _Guess:
        gap = (at - state.at) / 1000
        motion = state.motion.predicted(gap, state.how)
        reach = (state.how.reach_m + state.how.reach_mps * gap) * motion.metre
        return _Guess(state, motion, self._box(state, motion), reach)

    def _box(self, state: _State, motion: Motion) -> Box:
        """The box that a foot would have; the last one where the foot is not seen."""
        foot = self._space.foot(motion.state[:2])
        if foot is None:
            return state.box
        width, height = state.size
        return Box(foot[0] - width / 2, foot[1] - height, width, height)

    def _begin(self, left: Iterable[_Candidate], at: int, points: list[Point]) -> None:
        taken = [state.box for state in self._states if state.at == at]
        for seen, measured in left:
            if any(overlap(seen.box, box) > _SAME_OBJECT for box in taken):
                continue
            how, box = gait(seen.label), seen.box
            self._begun += 1
            motion = Motion.begun(measured, how)
            size = (box.width, box.height)
            self._states.append(_State(self._begun, motion, how, box, size, seen.label, seen.confidence, at, at))
            points.append(Point(self._begun, "", seen, measured))

    def _confirm(self) -> None:
        for state in self._states:
            if not state.id and state.hits >= self._confirm_hits:
                self._confirmed += 1
                state.id = f"{self._prefix}-{self._confirmed}"

    def _drop(self, at: int) -> list[Track]:
        def stays(state: _State) -> bool:
            return at - state.at <= (KEEP_MS if state.id else KEEP_UNCONFIRMED_MS)

        gone = [state for state in self._states if not stays(state)]
        self._states = [state for state in self._states if stays(state)]
        return [self._track(state, state.at) for state in gone if state.id]

    def _track(self, state: _State, at: int) -> Track:
        seen = state.at == at
        motion = state.motion if seen else state.motion.predicted((at - state.at) / 1000, state.how)
        box = self._box(state, motion)
        if seen:  # half of each: a filter is steadier than a detector, and slower
            box = Box(*((a + b) / 2 for a, b in zip(state.box, box, strict=True)))
        ground = ground_of(motion) if isinstance(self._space, GroundSpace) else None
        return Track(state.id, state.label, box, state.confidence, state.at, seen, ground)


def ground_of(motion: Motion) -> Ground:
    """A motion on the ground as it is published."""
    place, speed = (np.sqrt(np.linalg.eigvalsh(motion.covariance[n : n + 2, n : n + 2])[1]) for n in (0, 2))
    x, y, vx, vy = (float(value) for value in motion.state)
    return Ground(x, y, vx, vy, float(place), float(speed))


def _match(
    free: list[_Guess], found: Sequence[_Candidate], at: int, high: float, points: list[Point]
) -> list[_Candidate]:
    """Give boxes to tracks at the least cost in all; takes matched tracks out of `free`, returns boxes left over."""
    costs = np.array([[_cost(guess, each) for each in found] for guess in free]).reshape(len(free), len(found))
    pairs = assign_within(costs, costs >= 0)
    for n, m in pairs:
        free[n].state.take(*found[m], at, high)
        points.append(Point(free[n].state.number, "", *found[m]))
    tracks, boxes = {n for n, _ in pairs}, {m for _, m in pairs}
    free[:] = [guess for n, guess in enumerate(free) if n not in tracks]
    return [each for m, each in enumerate(found) if m not in boxes]


def _cost(guess: _Guess, found: _Candidate) -> float:
    """How badly a box fits a track, from 0; -1 when it cannot be the same object."""
    box, size = found.seen.box, guess.state.size[1]
    if found.seen.label != guess.state.label or max(box.height, size) > _SHAPE_MOST * min(box.height, size):
        return -1.0
    off = float(np.hypot(*(found.measured.at - guess.motion.state[:2])))
    if off > guess.reach:
        return -1.0
    distance = guess.motion.distance(found.measured) / DISTANCE_MOST
    if distance > 1 and max(overlap(guess.box, box), overlap(guess.state.box, box)) < _SURELY_SAME:
        return -1.0
    return 1 - overlap(guess.box, box) + 0.5 * min(distance, 1.0)
