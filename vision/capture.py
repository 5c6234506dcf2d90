"""When a frame was taken: the camera's own clock where it can be trusted, the time of arrival where not.

A camera's clock comes from RTCP sender reports (RFC 3550, section 6.4.1). libav reads the first report of a
connection only, so three things are watched here: a clock that is far off from the start, one that jumps (cameras
step their clock, and their stream's time with it), and the drift of the stream's seconds against ours, some
seconds a day. A jump that a camera tells in its reports alone, without moving the stream's time, is not seen
before the next connection.
"""

from __future__ import annotations

from vision.picture import ClockSource

CLOCK_TRUSTED_MS = 120_000
"""A camera's clock further from ours than this is not used; it is the limit of the front doors."""
JUMP_MS = 2_000
"""So far from where it was, a clock has jumped, or drifted away."""
SETTLING_MS = 5_000
"""At first a camera sends what it had kept back: how late frames arrive is learned for so long, and at most so late."""
STANDS_MS = 1_000
"""Frames that come for so long and all say the same second have no times: late ones have each its own."""
DELAYED_MS = 10_000
"""Frames behind their time are late rather than a clock's fault; a line that stalled has caught up after so long."""


class CaptureClock:
    """Times of one connection's frames. After a jump all are those of arrival, and `jumped` is set."""

    def __init__(self) -> None:
        self.jumped = False
        self.ahead_ms: int | None = None
        """How far the camera's clock is ahead of ours, the delay of the line included; None while it told none."""
        self._usual: int | None = None
        self._settled_at = self._good_at = 0
        self._second: float | None = None
        self._moved_at = 0

    def of(self, start_us: int | None, stream_s: float | None, arrived: int) -> tuple[int, ClockSource]:
        """A frame's time, ms, and whose clock it is. `start_us`: wall time of stream second 0 by the camera."""
        if stream_s is not None and not self.jumped:
            if stream_s != self._second:
                self._second, self._moved_at = stream_s, arrived
            self.jumped = arrived - self._moved_at > STANDS_MS
            self._watch(round(stream_s * 1000) - arrived, arrived)
            self.ahead_ms = None if start_us is None else round(start_us / 1000 + stream_s * 1000) - arrived
        return (arrived, "arrival") if self.jumped else moment(start_us, stream_s, arrived)

    def _watch(self, ahead: int, arrived: int) -> None:
        if self._usual is None:
            self._usual, self._settled_at = ahead, arrived + SETTLING_MS
        if abs(ahead - self._usual) <= JUMP_MS:
            self._good_at = arrived
        if arrived <= self._settled_at and ahead - self._usual <= SETTLING_MS:
            self._usual, self._good_at = max(self._usual, ahead), arrived
        elif ahead - self._usual > JUMP_MS or arrived - self._good_at > DELAYED_MS:
            self.jumped = True


def moment(start_us: int | None, stream_s: float | None, arrived: int) -> tuple[int, ClockSource]:
    """A frame's time in ms and whose clock it is, by that frame alone.

    `start_us` is not known before the first report. Without it, or when the camera's clock is far off, arrival counts.
    """
    if start_us is None or stream_s is None:
        return arrived, "arrival"
    at = round(start_us / 1000 + stream_s * 1000)
    return (at, "rtcp") if abs(at - arrived) <= CLOCK_TRUSTED_MS else (arrived, "arrival")
