"""Follows objects from picture to picture in the image plane. Pure; times in ms, boxes in pixels.

Each track predicts its box by constant velocity (an alpha-beta filter, the steady state of a Kalman filter). Boxes
of high confidence are matched first, then weak ones, which may continue a track but never begin one (ByteTrack,
https://arxiv.org/abs/2110.06864). A track is confirmed by its second box and kept for 2 s without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vision.picture import Box, Seen, overlap

KEEP_MS = 2000
KEEP_UNCONFIRMED_MS = 500
COAST_MS = 300
CONFIRM_HITS = 2
_LEAST_GAP_S = 0.04
"""Boxes that come closer together were delayed on their way: so short a time says nothing of speed."""
_POSITION_GAIN = 0.7
_VELOCITY_GAIN = 0.3
_SIZE_GAIN = 0.5
_GATE_HEIGHTS = 0.5
_GATE_HEIGHTS_PER_S = 1.0
_GATE_HEIGHTS_MOST = 1.5


class Ground(NamedTuple):
    """Where a track is on the ground, metres, and how fast, metres a second, with standard deviations."""

    x: float
    y: float
    vx: float
    vy: float
    sigma_m: float
    sigma_mps: float


class Track(NamedTuple):
    """A confirmed track as of one picture. `seen`: it has a box in this picture, else `box` is predicted."""

    id: str
    label: str
    box: Box
    confidence: float
    at: int
    seen: bool
    ground: Ground | None = None


class Tracked(NamedTuple):
    """What one picture gave: tracks that are there now (seen less than COAST_MS ago), and tracks that ended."""

    live: list[Track]
    ended: list[Track]


@dataclass(slots=True)
class _State:
    """One followed object; `at` is the time of its last box."""

    box: Box
    label: str
    confidence: float
    at: int
    id: str = ""
    hits: int = 1
    vx: float = 0.0
    vy: float = 0.0

    def predicted(self, at: int) -> Box:
        gap = (at - self.at) / 1000
        return self.box._replace(x=self.box.x + self.vx * gap, y=self.box.y + self.vy * gap)

    def update(self, seen: Seen, at: int) -> None:
        gap = max((at - self.at) / 1000, _LEAST_GAP_S)
        expected, found = self.predicted(at), seen.box
        width = self.box.width + _SIZE_GAIN * (found.width - self.box.width)
        height = self.box.height + _SIZE_GAIN * (found.height - self.box.height)
        off_x, off_y = (b - a for a, b in zip(expected.centre, found.centre, strict=True))
        x, y = expected.centre[0] + _POSITION_GAIN * off_x, expected.centre[1] + _POSITION_GAIN * off_y
        self.vx += _VELOCITY_GAIN * off_x / gap
        self.vy += _VELOCITY_GAIN * off_y / gap
        self.box = Box(x - width / 2, y - height / 2, width, height)
        self.confidence, self.at, self.hits = seen.confidence, at, self.hits + 1

    def track(self, at: int) -> Track:
        return Track(self.id, self.label, self.predicted(at), self.confidence, self.at, self.at == at)


class Tracker:
    """Tracks of one camera since one start; ids are `<prefix>-<n>`, n from 1, in order of confirmation."""

    def __init__(self, prefix: str, high: float) -> None:
        self._prefix, self._high = prefix, high
        self._states: list[_State] = []
        self._confirmed = 0

    def update(self, seen: Iterable[Seen], at: int) -> Tracked:
        """Take in what was seen at `at`, which must be later than the last time."""
        strong, weak = _by_confidence(seen, self._high)
        free = list(self._states)
        begun = _match(free, strong, at)
        _match(free, weak, at)
        self._states += [_State(each.box, each.label, each.confidence, at) for each in begun]
        self._confirm()
        ended = self._drop(at)
        live = [state.track(at) for state in self._states if state.id and at - state.at <= COAST_MS]
        return Tracked(live, ended)

    def end(self) -> list[Track]:
        """End all tracks: no more pictures come."""
        ended = [state.track(state.at) for state in self._states if state.id]
        self._states = []
        return ended

    def _confirm(self) -> None:
        for state in self._states:
            if not state.id and state.hits >= CONFIRM_HITS:
                self._confirmed += 1
                state.id = f"{self._prefix}-{self._confirmed}"

    def _drop(self, at: int) -> list[Track]:
        def stays(state: _State) -> bool:
            return at - state.at <= (KEEP_MS if state.id else KEEP_UNCONFIRMED_MS)

        ended = [state.track(state.at) for state in self._states if state.id and not stays(state)]
        self._states = [state for state in self._states if stays(state)]
        return ended


def _by_confidence(seen: Iterable[Seen], high: float) -> tuple[list[Seen], list[Seen]]:
    strong: list[Seen] = []
    weak: list[Seen] = []
    for each in seen:
        (strong if each.confidence >= high else weak).append(each)
    return strong, weak


def _match(free: list[_State], seen: Sequence[Seen], at: int) -> list[Seen]:
    """Give boxes to tracks, the best pair first; takes matched tracks out of `free`, returns boxes left over."""
    pairs = [
        (cost, n, m)
        for n, state in enumerate(free)
        for m, each in enumerate(seen)
        if (cost := _cost(state, each, at)) >= 0
    ]
    tracks: dict[int, int] = {}
    taken: set[int] = set()
    for _, n, m in sorted(pairs):
        if n not in tracks and m not in taken:
            tracks[n] = m
            taken.add(m)
    for n, m in tracks.items():
        free[n].update(seen[m], at)
    free[:] = [state for n, state in enumerate(free) if n not in tracks]
    return [each for m, each in enumerate(seen) if m not in taken]


def _cost(state: _State, seen: Seen, at: int) -> float:
    """How badly a box fits a track, from 0; -1 when it cannot be the same object."""
    if seen.label != state.label:
        return -1.0
    box = state.predicted(at)
    (x1, y1), (x2, y2) = box.centre, seen.box.centre
    heights = ((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5 / max(box.height, seen.box.height)
    gate = min(_GATE_HEIGHTS + _GATE_HEIGHTS_PER_S * (at - state.at) / 1000, _GATE_HEIGHTS_MOST)
    return 1 - overlap(box, seen.box) + heights if heights <= gate else -1.0
