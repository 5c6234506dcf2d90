"""Those who were at a place when they were seen last: who appears there soon after is the same. Pure; times in ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from vision.analytics.motion import Reach, shift
from vision.kinds import same_kind
from vision.tracker import Track

T = TypeVar("T")
GRACE_MS = 10_000
"""A lorry that passes, or people who stand before it, hide what stands for longer than a tracker waits."""
SAME_PLACE = Reach(1.5, 4.0, 0.4)
MOST = 64
"""So many are remembered at most; the oldest of more do not appear again."""
STOOD_MS = 2000
"""Who stood for less may have been driving away."""


class Gone(NamedTuple, Generic[T]):
    """A track as it was seen last, and what was known of it."""

    track: Track
    known: T


class Vanished(Generic[T]):
    """Remembers them for `grace_ms`."""

    def __init__(self, grace_ms: int = GRACE_MS) -> None:
        self._grace_ms = grace_ms
        self._gone: list[Gone[T]] = []

    def keep(self, track: Track, known: T) -> None:
        """A track ended at its place."""
        self._gone.append(Gone(track, known))

    def claim(self, track: Track) -> Gone[T] | None:
        """The nearest one of the kind at whose place a new track appears; it is remembered no longer."""
        near = []
        for n, gone in enumerate(self._gone):
            by = shift(gone.track, track)
            if same_kind(gone.track.label, track.label) and not SAME_PLACE.beyond(by.length, by, track):
                near.append((by.length, n))
        return self._gone.pop(min(near)[1]) if near else None

    def over(self, at: int) -> Iterator[Gone[T]]:
        """Those who did not appear again in time; they are remembered no longer."""
        over = [gone for gone in self._gone if at - gone.track.at > self._grace_ms]
        kept = [gone for gone in self._gone if at - gone.track.at <= self._grace_ms]
        self._gone = kept[-MOST:]
        yield from over + kept[:-MOST]

    def clear(self) -> None:
        """Forget them."""
        self._gone.clear()

    def all(self) -> Iterator[Gone[T]]:
        """All of them: nobody can appear again."""
        gone, self._gone = self._gone, []
        yield from gone
