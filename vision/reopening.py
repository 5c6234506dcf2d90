"""When a stream is opened anew because its camera's clock jumped. Pure; times in seconds of a steady clock.

Opening it again gives the clock back where it was a jump. Where it is a clock that cannot be trusted, each opening only
costs pictures: then the next one waits twice as long.
"""

from __future__ import annotations

AFTER_S, AFTER_MOST_S = 60.0, 3600.0


class Reopening:
    """One camera's, over all of its connections."""

    def __init__(self) -> None:
        self._after, self._since, self._jumped = AFTER_S, 0.0, False

    def connected(self, now: float) -> None:
        """A connection begins."""
        if not self._jumped:
            self._after = AFTER_S
        self._since, self._jumped = now, False

    def jumped(self) -> bool:
        """The clock is lost on this connection; whether that is news."""
        news, self._jumped = not self._jumped, True
        return news

    def due(self, now: float) -> bool:
        """Whether to open the stream anew. Say yes once: the next time comes later."""
        if not self._jumped or now - self._since <= self._after:
            return False
        self._after = min(2 * self._after, AFTER_MOST_S)
        return True
