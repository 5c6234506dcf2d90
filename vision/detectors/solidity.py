"""Whether what moves is one solid thing or people side by side, when its size leaves that open.

A car that is seen from the front is as tall as a person and as wide as two. Two things tell them apart: a car fills
its box, people leave gaps between heads and legs; and nobody runs as fast as traffic rolls. Neither holds in every
picture, so blobs are followed (by the tracker of all detectors), and what a blob has shown for MEMORY_MS decides. A
verdict stays until the opposite is clear, and what was once as fast as traffic is a vehicle also when it stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from vision.motion import Floats, Measured
from vision.picture import Box, Seen
from vision.plane import Plane
from vision.tracker import KEEP_MS, Tracker

MEMORY_MS = 2000
FILL, UNSURE = 0.78, 0.04
"""How much of its box one solid thing fills at least, and how near to that nothing is clear: 151 groups of people on
public pictures (PETS09-S2L1, frames 1-400) fill at most .71, the front of a car .85 and more."""
WIDE_M = 1.5
"""The smallest cars are 1.6 m wide; what is narrower is judged by its speed alone."""
FAST_MPS, STRIDE_MS = 6.0, 400
"""So fast in each of two strides of that time and more goes no crowd: 22 km/h. Who runs so does, for a few seconds."""


class Mover(NamedTuple):
    """A blob: its box, how much of that it fills (0 to 1), and its size in metres."""

    box: Box
    fill: float
    wide_m: float
    tall_m: float


@dataclass(slots=True)
class _Past:
    """What one blob has shown: where it was and what a metre is there (in pixels where no ground is known), and how
    much of its box it filled where it was wide enough."""

    places: deque[tuple[int, Floats, float]] = field(default_factory=deque)
    fills: deque[tuple[int, float]] = field(default_factory=deque)
    solid: bool | None = None
    fast: bool = False

    def note(self, mover: Mover, measured: Measured, at: int) -> None:
        self.places.append((at, measured.at, measured.metre))
        if mover.wide_m >= WIDE_M:
            self.fills.append((at, mover.fill))
        while self.places[0][0] < at - MEMORY_MS:
            self.places.popleft()
        while self.fills and self.fills[0][0] < at - MEMORY_MS:
            self.fills.popleft()
        self.fast = self.fast or self._rolls()
        if self.fills:
            over = float(np.mean([fill for _, fill in self.fills])) - FILL
            self.solid = over > 0 if self.solid is None or abs(over) > UNSURE else self.solid

    @property
    def vehicle(self) -> bool:
        return self.fast or self.solid is True

    def _rolls(self) -> bool:
        """Whether the last two strides were as fast as traffic."""
        strides: list[float] = []
        end, here, wide = self.places[-1]
        for at, place, metre in reversed(self.places):
            if end - at >= STRIDE_MS:
                strides.append(float(np.hypot(*(here - place))) / max(metre, wide) * 1000 / (end - at))
                end, here, wide = at, place, metre
        return len(strides) >= 2 and min(strides[:2]) >= FAST_MPS


class Solidity:
    """Follows the blobs of one camera on one ground."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self._tracker = Tracker("", 0.0, plane, confirm_hits=1)
        self._pasts: dict[int, _Past] = {}

    def update(self, movers: Iterable[Mover], at: int) -> set[Box]:
        """The boxes of those that are one vehicle each, by all that they have shown; `at` in ms."""
        by_box = {mover.box: mover for mover in movers}
        tracked = self._tracker.update([Seen(box, "vehicle", 1.0) for box in by_box], at)
        for point in tracked.points:
            past = self._pasts.setdefault(point.track, _Past())
            past.note(by_box[point.seen.box], point.measured, at)
        self._pasts = {n: past for n, past in self._pasts.items() if at - past.places[-1][0] <= KEEP_MS}
        return {point.seen.box for point in tracked.points if self._pasts[point.track].vehicle}
