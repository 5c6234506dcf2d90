"""Those who stood when they were seen last: who appears at the same place soon after is the same. Pure; times in ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from vision.analytics.motion import Reach, shift
from vision.tracker import Track

T = TypeVar("T")
GRACE_MS = 10_000
"""A lorry that passes, or people who stand before it, hide what stands for longer than a tracker waits."""
SAME_PLACE = Reach(1.5, 4.0, 0.4)
STOOD_MS = 2000
"""Who stood for less may have been driving away."""


class Gone(NamedTuple, Generic[T]):
    """A track as it was seen last, and what was known of it."""

    track: Track
    known: T


class Vanished(Generic[T]):
    """Remembers them for GRACE_MS."""

    def __init__(self) -> None:
        self._gone: list[Gone[T]] = []

    def keep(self, track: Track, known: T) -> None:
        """A track that stood ended at its place."""
        self._gone.append(Gone(track, known))

    def claim(self, track: Track) -> Gone[T] | None:
        """The nearest one at whose place a new track appears; it is remembered no longer."""
        near = []
        for n, gone in enumerate(self._gone):
            by = shift(gone.track, track)
            if not SAME_PLACE.beyond(by.length, by, track):
                near.append((by.length, n))
        return self._gone.pop(min(near)[1]) if near else None

    def over(self, at: int) -> Iterator[Gone[T]]:
        """Those who did not appear again in time; they are remembered no longer."""
        kept = [gone for gone in self._gone if at - gone.track.at <= GRACE_MS]
        yield from (gone for gone in self._gone if at - gone.track.at > GRACE_MS)
        self._gone = kept

    def all(self) -> Iterator[Gone[T]]:
        """All of them: nobody can appear again."""
        gone, self._gone = self._gone, []
        yield from gone
