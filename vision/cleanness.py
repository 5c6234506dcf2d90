"""Which decoded frames are clean: those that no spoiled frame has left its traces in. Pure, in ms of arrival."""

from __future__ import annotations

FADED_MS = 2_000
"""A stream without a key frame for so long is taken as it is: the traces fade as the picture moves on."""
HOPELESS_MS = 6_000
"""So long without a clean frame, while data comes, is a broken stream."""


class Cleanness:
    """One connection's frames, clean or not."""

    def __init__(self, now: int) -> None:
        self.broken = 0
        self._spoiled_at: int | None = None
        self._clean_at = now

    def spoiled(self, now: int) -> None:
        """A frame could not be decoded, or only in part."""
        self.broken += 1
        self._spoiled_at = now

    def clean(self, now: int, *, key: bool) -> bool:
        """Whether a frame that was decoded well may be used: not if it builds on a spoiled one."""
        if self._spoiled_at is not None and not key and now - self._spoiled_at < FADED_MS:
            self.broken += 1
            return False
        self._spoiled_at, self._clean_at = None, now
        return True

    def hopeless(self, now: int) -> bool:
        """Whether frames come, but none that can be used."""
        return self._spoiled_at is not None and now - self._clean_at > HOPELESS_MS
