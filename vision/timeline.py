"""The times of one camera's pictures: between them pass the stream's own seconds, whichever clock they are told by.

A camera tells its clock in its first sender report, at once or up to some ten seconds after the connection began
(RFC 3550, section 6.2), and that clock may be two minutes off. Going over to it in one step would put a hole into
everybody's stay, or bring time to a halt. So a camera's clock is taken when it is known at its first picture, or when
it agrees with the time told so far; the rest, mostly the delay of the line, is made up at a fiftieth of time. A clock
that does not agree is left alone, and pictures go on by their arrival. How far the camera's time is from ours is kept
over its connections. Time never goes backwards. Pure; times in ms.
"""

from __future__ import annotations

from vision.picture import ClockSource
from vision.stream import Frame

AGREES_MS = 2_000
"""So near to the time told so far, a camera's clock is another clock of the same time: lines delay by less."""
LED_OVER_MS = 100
"""Nearer than this the time is called the camera's own: a seventh of what evidence is blurred before and after."""
LEAD_OVER = 0.02
"""Time goes faster or slower by this part at most, less than a speed is exact to."""
REMEMBERED_MS = 30_000
"""A camera that told its clock in the last connection has so long to tell it in this one."""
CATCHING_UP_S = 5.0
"""A camera first sends what it had kept back, faster than it was taken: waited for so long at most."""
_CRYSTAL = 0.001
"""Two clocks part by less than this part of the time (crystals: 0.0001)."""


class Timeline:
    """One camera since one start. Every frame is to be shown to it, and every new connection.

    With `steps` each picture has the best time that is known for it by itself: for who looks at single pictures.
    """

    def __init__(self, *, steps: bool = False, catching_up_s: float = CATCHING_UP_S) -> None:
        self._told, self._steps, self._catching_up_ms = 0, steps, catching_up_s * 1000
        self._lead: float | None = None
        """How far the time told is ahead of the time of a frame's arrival, when that is not late; None at first."""
        self._follows = False
        """Whether the time is the camera's clock, or on the way there; else it is that of arrival."""
        self.connected()

    def connected(self) -> None:
        """A new connection begins; the stream's seconds begin anew, too."""
        self._base: float | None = None
        self._lead_before = 0.0
        self._stream = self._arrived = self._opened_at = 0.0
        self._least = 0.0
        self._settled = not self._catching_up_ms
        self._whose: ClockSource = "arrival"

    def of(self, frame: Frame) -> tuple[int, ClockSource] | None:
        """A frame's time and whose clock that is, by this connection's report.

        None while the camera sends what it had kept back.
        """
        if self._steps:
            self._told = max(frame.at, self._told + 1)
            return self._told, frame.clock
        if not self._caught_up(frame):
            return None
        at = self._by_arrival(frame) if frame.stream_s is None else self._by_stream(frame, frame.stream_s * 1000)
        self._arrived = frame.arrived
        self._told = max(round(at), self._told + 1)
        return self._told, self._whose

    def _caught_up(self, frame: Frame) -> bool:
        """Whether frames come as fast as they were taken. A first frame alone does not show it."""
        if self._settled or frame.stream_s is None:
            return True
        stream, passed = frame.stream_s * 1000, frame.arrived - self._arrived
        if self._opened_at:
            waited_enough = frame.arrived - self._opened_at >= self._catching_up_ms
            self._settled = waited_enough or passed >= (stream - self._stream) / 2
        else:
            self._opened_at = frame.arrived
        self._stream, self._arrived = stream, frame.arrived
        return self._settled

    def _by_arrival(self, frame: Frame) -> float:
        """Where the stream does not say its own time, or not any more."""
        self._follows, self._whose = False, "arrival"
        if self._base is not None:  # what was gained since the connection began was the stream's fault
            self._base, self._lead = None, min(self._lead or 0.0, max(self._lead_before, 0.0))
        passed = frame.arrived - self._arrived if self._arrived else 0.0
        self._lead = _nearer(self._lead or 0.0, 0.0, passed)
        return frame.arrived + self._lead

    def _by_stream(self, frame: Frame, stream: float) -> float:
        reported = frame.at - stream if frame.clock == "rtcp" else None
        passed, late = stream - self._stream, frame.arrived - stream
        self._stream = stream
        if self._base is None:
            self._least, self._base = late, self._first(late, reported)
            self._lead_before = self._base - late
        elif passed < 0:
            self._least, self._base = late, self._first(late, None)
        self._least = min(self._least + _CRYSTAL * max(0.0, passed), late)
        self._base = _nearer(self._base, self._aim(self._base, reported, frame), passed)
        self._lead = self._base - self._least
        told = reported is not None and abs(reported - self._base) <= LED_OVER_MS
        self._whose = "rtcp" if told else "arrival"
        return stream + self._base

    def _first(self, late: float, reported: float | None) -> float:
        """The time of the stream's second 0 as a connection begins, or as its seconds were set back."""
        if self._lead is not None:
            return late + self._lead
        return late if reported is None else reported

    def _aim(self, base: float, reported: float | None, frame: Frame) -> float:
        """The time of the stream's second 0 that is to be told in the end."""
        if reported is not None:
            self._follows = abs(reported - base) <= AGREES_MS
        elif frame.arrived - self._opened_at > REMEMBERED_MS:
            self._follows = False
        if not self._follows:
            return self._least
        return base if reported is None else reported


def _nearer(value: float, wanted: float, passed: float) -> float:
    """From `value` to `wanted`, as far as it may go in the time that passed."""
    most = LEAD_OVER * max(0.0, passed)
    return value + min(max(wanted - value, -most), most)
