"""When a quiet camera's stream may rest on its key frames: less to decode, and a late awakening. Pure."""

from __future__ import annotations

from vision.stream import Frame

QUIET_S = 10.0
"""Nothing changed for so long."""
LONGEST_GOP_S = 2.2
"""Key frames at least so often (2 s and some jitter): the longest that a change can go unnoticed."""


class Resting:
    """One connection's key frames, by stream time."""

    def __init__(self) -> None:
        self._key_s: float | None = None
        self._gop_s: float | None = None

    def frame(self, frame: Frame) -> None:
        """Take note of a frame; those of a stream without times are never key frames here."""
        if not frame.key or frame.stream_s is None:
            return
        if self._key_s is not None:
            self._gop_s = frame.stream_s - self._key_s
        self._key_s = frame.stream_s

    def may_rest(self, quiet_s: float) -> bool:
        """Whether key frames are enough, after so many quiet seconds."""
        return self._gop_s is not None and 0 < self._gop_s <= LONGEST_GOP_S and quiet_s >= QUIET_S
