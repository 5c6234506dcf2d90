"""Which frames of a stream are looked at, and how long to wait before connecting again. Pure."""

from __future__ import annotations

import random


class Sampler:
    """Takes frames at `fps` on the average, by their own times in seconds; a stream slower than that is taken whole."""

    def __init__(self, fps: float) -> None:
        self._period = 1 / fps
        self._due: float | None = None

    def take(self, at: float) -> bool:
        """Whether the frame of time `at` is looked at. A clock that jumps starts the sampling anew."""
        slack = self._period * 0.05
        if self._due is None or abs(at - self._due) > 2 * self._period:
            self._due = at
        if at < self._due - slack:
            return False
        self._due += self._period
        return True


class BackOff:
    """Pauses between attempts: doubling from `low` to `high` seconds, each cut at random by up to half.

    The jitter keeps two hundred cameras behind one rebooted switch from coming back in one moment.
    """

    def __init__(self, low_s: float = 1.0, high_s: float = 30.0, rng: random.Random | None = None) -> None:
        self._low, self._high, self._next = low_s, high_s, low_s
        self._rng = rng or random.Random()

    def reset(self) -> None:
        """The attempt went well."""
        self._next = self._low

    def pause(self, *, longest: bool = False) -> float:
        """Seconds to wait now; `longest` for what a quick repeat can only make worse (a refused login)."""
        whole = self._high if longest else self._next
        self._next = min(self._next * 2, self._high)
        return max(self._low, whole * self._rng.uniform(0.5, 1.0))
