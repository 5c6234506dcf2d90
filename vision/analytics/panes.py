"""Minutes of event time: which one is over, and how much of it was seen. Pure."""

from __future__ import annotations

from typing import NamedTuple

PANE_MS = 60_000
BLIND_MS = 5000
"""No picture for longer: that time was not seen."""


class Pane(NamedTuple):
    """A minute that is over, or was broken off: its end (ms, excluded), and how many seconds of it were seen."""

    end: int
    seen_s: float


class Panes:
    """Follows event time; asked at least once a second while pictures come."""

    def __init__(self) -> None:
        self._end = self._last = self._seen = 0

    def close(self, at: int) -> Pane | None:
        """The pane that was over by `at`, if one was since the last call."""
        if not self._end:
            self._start(at)
            return None
        gap = at - self._last
        self._seen += min(at, self._end) - self._last if gap <= BLIND_MS else 0
        self._last = at
        if at < self._end:
            return None
        closed = Pane(self._end, self._seen / 1000)
        self._seen = at - max(self._end, at - gap) if gap <= BLIND_MS else 0
        self._end = _end(at)
        return closed

    def rest(self, at: int) -> Pane | None:
        """What was seen of the pane that is broken off at `at`; the next call begins anew."""
        if not self._end:
            return None
        gap = at - self._last
        closed = Pane(self._end, (self._seen + (gap if gap <= BLIND_MS else 0)) / 1000)
        self._end = 0
        return closed

    def _start(self, at: int) -> None:
        self._end, self._last, self._seen = _end(at), at, 0


def _end(at: int) -> int:
    return (at // PANE_MS + 1) * PANE_MS
