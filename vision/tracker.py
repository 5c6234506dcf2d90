"""Follows objects from picture to picture: on the ground where the camera is calibrated, else in the picture. Pure.

Times in ms, boxes in pixels. Each track predicts its foot point by a Kalman filter (vision.motion). Boxes of high
confidence are given to tracks first, then weak ones, which may continue a track but never begin one (ByteTrack,
https://arxiv.org/abs/2110.06864). A track is confirmed by its second box and kept for KEEP_MS without one.

Two outputs. Live: what is known now, for occupancy and for events that cannot wait; somebody hidden longer than
COAST_MS is not there. Final (`vision.delayed`): up to 3 s later, for events and counts that had better be right;
gaps are filled, what was too short is gone, and speeds are smoothed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vision.assignment import assign_within
from vision.kinds import KINDS
from vision.motion import WALKER, Floats, Gait, GroundSpace, Measured, Motion, PictureSpace, Space, distance, gait
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
_RENAMED = 0.3
"""What a box of another label costs more than one of the track's own, where 1 is a box that overlaps nothing."""
_MISSED = 0.3
"""What a box costs a vehicle more for each second that pictures did not show it. In traffic the next one soon is where
one was lost, and at three pictures a second that fits better than a way of which the speed is not known yet."""
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
    without a calibrated ground. `followed_as`: the id that its tracker gave it, where it goes by the id of one that
    was lost and is the same object.
    """

    id: str
    label: str
    box: Box
    confidence: float
    at: int
    seen: bool
    ground: Ground | None = None
    followed_as: str = ""

    def named(self, id_: str) -> Track:
        """The same under another id."""
        return self if id_ == self.id else self._replace(id=id_, followed_as=self.followed_as or self.id)


class Point(NamedTuple):
    """One box of a track that has its id or will have one: `track` numbers all tracks begun, `id` is empty before
    its confirmation. The label of `seen` is what the track is called by then."""

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
    """One followed object; `at` is the time of its last box, `motion` is as of then, `now` as of the last picture."""

    number: int
    motion: Motion
    now: Motion
    how: Gait
    box: Box
    size: tuple[float, float]
    label: str
    names: dict[str, float]
    confidence: float
    at: int
    strong_at: int
    id: str = ""
    hits: int = 1

    def reach(self, at: int) -> float:
        return (self.how.reach_m + self.how.reach_mps * (at - self.at) / 1000) * self.now.metre

    def take(self, seen: Seen, measured: Measured, at: int, high: float) -> None:
        if seen.confidence >= high:
            self.strong_at = at
        self.names[seen.label] = self.names.get(seen.label, 0.0) + seen.confidence
        if self.names[seen.label] > self.names[self.label]:
            self.label, self.how = seen.label, gait(seen.label)
        self.motion = self.now = self.now.updated(measured)
        width, height = self.size
        found = seen.box
        self.size = (width + _SIZE_GAIN * (found.width - width), height + _SIZE_GAIN * (found.height - height))
        self.box, self.confidence, self.at, self.hits = found, seen.confidence, at, self.hits + 1


class _Guess(NamedTuple):
    """Where a track should be now; `reach`: how far from there it can be; `missed_s`: for how long pictures came that
    did not show it."""

    state: _State
    box: Box
    reach: float
    missed_s: float


class _Candidate(NamedTuple):
    seen: Seen
    measured: Measured


class Tracker:
    """Tracks of one camera since one start; ids are `<prefix>-<n>`, n from 1, in order of confirmation.

    `high`: the confidence from which a box may begin a track. `confirm_hits`: how many boxes confirm one. `plane`:
    the ground; without one, or with heights alone, the picture is the space and tracks have no `ground`. `kinds`:
    labels that may mean the same object.
    """

    def __init__(
        self,
        prefix: str,
        high: float,
        plane: Plane | None = None,
        *,
        confirm_hits: int = CONFIRM_HITS,
        kinds: Mapping[str, str] = KINDS,
    ) -> None:
        self._prefix, self._high, self._confirm_hits, self._kinds = prefix, high, confirm_hits, kinds
        self._space: Space = GroundSpace(plane) if plane is not None and plane.grounded else PictureSpace()
        self._states: list[_State] = []
        self._begun = self._confirmed = self._before = 0

    def update(self, seen: Iterable[Seen], at: int) -> Tracked:
        """Take in what was seen at `at`, which must be later than the last time.

        A box above the horizon of the ground is no object on it, and is left out.
        """
        strong, weak = self._by_confidence(seen)
        free = self._guesses(at)
        points: list[Point] = []
        left = self._match(free, strong, at, points)
        sure = [guess for guess in free if at - guess.state.strong_at <= WEAK_MS]
        self._match(sure, weak, at, points)
        self._begin(left, at, points)
        self._confirm()
        ended = self._drop(at)
        self._before = at
        ids = {state.number: state.id for state in self._states}
        there = self._tracks([state for state in self._states if state.id and at - state.at <= HIDDEN_MS], at)
        live = [track for track in there if at - track.at <= COAST_MS]
        hidden = [track for track in there if at - track.at > COAST_MS]
        return Tracked(live, ended, hidden, [point._replace(id=ids.get(point.track, "")) for point in points])

    def end(self) -> list[Track]:
        """End all tracks: no more pictures come."""
        ended = self._last(self._states)
        self._states = []
        return ended

    def _by_confidence(self, seen: Iterable[Seen]) -> tuple[list[_Candidate], list[_Candidate]]:
        strong: list[_Candidate] = []
        weak: list[_Candidate] = []
        everything = list(seen)
        for each, measured in zip(everything, self._space.measure([each.box for each in everything]), strict=True):
            if measured is not None:
                (strong if each.confidence >= self._high else weak).append(_Candidate(each, measured))
        return strong, weak

    def _guesses(self, at: int) -> list[_Guess]:
        """Where all tracks should be at `at`."""
        for state in self._states:
            state.now = state.motion.predicted((at - state.at) / 1000, state.how)
        return [
            _Guess(state, box, state.reach(at), (self._before - state.at) / 1000)
            for state, box in zip(self._states, self._boxes(self._states), strict=True)
        ]

    def _boxes(self, states: Sequence[_State]) -> list[Box]:
        """The boxes that the feet would have now; the last one where a foot is not seen."""
        feet = self._space.feet([state.now.state[:2] for state in states])
        return [
            state.box
            if foot is None
            else Box(foot[0] - state.size[0] / 2, foot[1] - state.size[1], state.size[0], state.size[1])
            for state, foot in zip(states, feet, strict=True)
        ]

    def _match(self, free: list[_Guess], found: Sequence[_Candidate], at: int, points: list[Point]) -> list[_Candidate]:
        """Give boxes to tracks at the least cost; takes matched tracks out of `free`, returns boxes left over."""
        if not free or not found:
            return list(found)
        costs = _costs(free, found, self._kinds)
        pairs = assign_within(costs, costs >= 0)
        for n, m in pairs:
            state, (seen, measured) = free[n].state, found[m]
            state.take(seen, measured, at, self._high)
            points.append(Point(state.number, "", seen._replace(label=state.label), measured))
        tracks, boxes = {n for n, _ in pairs}, {m for _, m in pairs}
        free[:] = [guess for n, guess in enumerate(free) if n not in tracks]
        return [each for m, each in enumerate(found) if m not in boxes]

    def _begin(self, left: Iterable[_Candidate], at: int, points: list[Point]) -> None:
        taken = [state.box for state in self._states if state.at == at]
        for seen, measured in sorted(left, key=lambda each: -each.seen.confidence):
            box, label, confidence = seen
            if any(overlap(box, other) > _SAME_OBJECT for other in taken):
                continue
            taken.append(box)
            how = gait(label)
            self._begun += 1
            motion = Motion.begun(measured, how)
            size, names = (box.width, box.height), {label: confidence}
            self._states.append(_State(self._begun, motion, motion, how, box, size, label, names, confidence, at, at))
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
        return self._last(gone)

    def _last(self, states: Iterable[_State]) -> list[Track]:
        """Confirmed tracks as of their last boxes."""
        ended = [state for state in states if state.id]
        for state in ended:
            state.now = state.motion
        return [track for state in ended for track in self._tracks([state], state.at)]

    def _tracks(self, states: Sequence[_State], at: int) -> list[Track]:
        grounded = isinstance(self._space, GroundSpace)
        found = []
        for state, box in zip(states, self._boxes(states), strict=True):
            seen = state.at == at
            if seen:  # half of each: a filter is steadier than a detector, and slower
                box = Box(*((a + b) / 2 for a, b in zip(state.box, box, strict=True)))
            ground = ground_of(state.now) if grounded else None
            found.append(Track(state.id, state.label, box, state.confidence, state.at, seen, ground))
        return found


def ground_of(motion: Motion) -> Ground:
    """A motion on the ground as it is published."""
    place, speed = (_worst(motion.covariance[n : n + 2, n : n + 2]) for n in (0, 2))
    x, y, vx, vy = motion.state.tolist()
    return Ground(x, y, vx, vy, place, speed)


def _worst(covariance: Floats) -> float:
    """One sigma along the worst direction: the root of the larger eigenvalue."""
    (a, b), (_, d) = covariance.tolist()
    return math.sqrt((a + d) / 2 + math.hypot((a - d) / 2, b))


def _costs(free: Sequence[_Guess], found: Sequence[_Candidate], kinds: Mapping[str, str]) -> Floats:
    """How badly boxes fit tracks, from 0, tracks x boxes; -1 where it cannot be the same object."""
    costs = np.full((len(free), len(found)), -1.0)
    places = [each.measured.at.tolist() for each in found]
    for n, guess in enumerate(free):
        here = guess.state.now.state[:2].tolist()
        for m, place in enumerate(places):
            if math.dist(here, place) <= guess.reach:
                costs[n, m] = _cost(guess, found[m], kinds)
    return costs


def _cost(guess: _Guess, found: _Candidate, kinds: Mapping[str, str]) -> float:
    """That of one track and a box within its reach."""
    state, (box, label, _) = guess.state, found.seen
    same, wanted = state.label == label, state.size[1]
    if not same and kinds.get(state.label) != kinds.get(label, ""):
        return -1.0
    if max(box.height, wanted) > _SHAPE_MOST * min(box.height, wanted):
        return -1.0
    shared, off = overlap(guess.box, box), distance(state.now, found.measured) / DISTANCE_MOST
    if off > 1 and max(shared, overlap(state.box, box)) < _SURELY_SAME:
        return -1.0
    missed = 0.0 if state.how is WALKER else _MISSED * guess.missed_s
    return 1 - shared + 0.5 * min(off, 1.0) + (0.0 if same else _RENAMED) + missed
