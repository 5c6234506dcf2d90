"""A camera's main stream, open only while more than the sub-stream shows is wanted: somebody watches, or is watched.

For stills it takes the sub-stream's place. Evidence of an event is its picture, too, when it has one of nearly the same
time by the same clock, with the boxes of that time; else the sub-stream's, and the main one's is the clear copy, which
is opened by right.

The first wish opens it, and its newest picture is there a second or two later; unwished for IDLE_S it is closed.
Only its key frames are decoded, so a still is at most as old as they lie apart, and of an event there is one near when
they lie no farther apart than a second. A main stream that cannot be
opened is tried again as any other, and disturbs nobody: the caller shows the sub-stream's picture instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from vision.address import Address
from vision.gauges import CameraGauges
from vision.picture import Picture
from vision.reader import Reader, Timing

IDLE_S = 15.0
NEAR_MS = 500
"""How far from the sub-stream's picture, by the time of capture, a picture shows the same event."""
SAME_MS = 200
"""So much the time that is told may be ahead of arrival, or behind it, in one stream more than in the other."""
FRESH_MS = 5_000
"""An older picture is no picture of now: the line stalled."""


class MainStream:
    """`address`: asked before each attempt. Used in one thread; pictures come in another."""

    def __init__(self, name: str, address: Callable[[], Address], timing: Timing | None, backend: str = "pyav") -> None:
        self._name, self._address, self._timing, self._backend = name, address, timing, backend
        self._reader: Reader | None = None
        self._newest: Picture | None = None
        self._before: Picture | None = None
        self._wished_at = 0.0

    def wished(self, now: int) -> Picture | None:
        """Its newest picture, as of `now` (ms of the wall clock); None until there is one."""
        self._wished_at = time.monotonic()
        if self._reader is None:
            gauges = CameraGauges(f"{self._name}:main")
            self._reader = Reader(
                self._name,
                self._address,
                1.0,
                self._keep,
                timing=self._timing,
                failed=gauges.failed,
                gauges=gauges,
                backend=self._backend,
                keys_only=True,
            )
            self._gauges = gauges
            self._reader.start()
        newest = self._newest
        return newest if newest is not None and now - newest.arrived <= FRESH_MS else None

    def near(self, picture: Picture) -> Picture | None:
        """Of the two newest pictures the one nearest to a picture of the sub-stream, if that is near."""
        there = [each for each in (self._newest, self._before) if each is not None and _same_clock(each, picture)]
        nearest = min(there, key=lambda each: abs(each.at - picture.at), default=None)
        return nearest if nearest is not None and abs(nearest.at - picture.at) <= NEAR_MS else None

    def tend(self) -> None:
        """Close it when nobody has wished for it for a while."""
        if self._reader is not None and time.monotonic() - self._wished_at > IDLE_S:
            self.stop()

    def stop(self) -> None:
        """Close it now."""
        if self._reader is not None:
            self._reader.stop()
            self._gauges.close()
            self._reader = self._newest = self._before = None

    def _keep(self, picture: Picture) -> None:
        self._before, self._newest = self._newest, picture


def _same_clock(one: Picture, other: Picture) -> bool:
    """Whether their times can be compared. One by arrival may be on its way from one clock to another."""
    if one.clock != other.clock:
        return False
    return one.clock == "rtcp" or abs((one.at - one.arrived) - (other.at - other.arrived)) <= SAME_MS
