"""Try a camera once, as a technician does before registering it."""

from __future__ import annotations

import time
from typing import NamedTuple

from vision.address import Address
from vision.picture import ClockSource
from vision.stream import Frame, opened

OPEN_S = 6.0
READ_S = 3.0
LOOK_S = 4.0
_ENOUGH_FRAMES = 10


class Probed(NamedTuple):
    """What a camera sends. `fps` is measured; `first_picture_s` counts from the begin of connecting."""

    codec: str
    width: int
    height: int
    fps: float
    clock: ClockSource
    first_picture_s: float


def probe(address: Address, look_s: float = LOOK_S) -> Probed:
    """Connect and look for at most `look_s` seconds. Raises StreamFault."""
    began = time.monotonic()
    with opened(address, open_s=OPEN_S, read_s=READ_S) as stream:
        frames = stream.frames()
        first = last = next(frames)
        first_s = time.monotonic() - began
        count = 0
        while time.monotonic() - began - first_s < look_s:
            last, count = next(frames), count + 1
            if count >= _ENOUGH_FRAMES and last.clock == "rtcp":
                break
        width, height = first.video.width, first.video.height
        return Probed(stream.codec, width, height, _rate(first, last, count), last.clock, first_s)


def _rate(first: Frame, last: Frame, count: int) -> float:
    if first.stream_s is not None and last.stream_s is not None:
        elapsed = last.stream_s - first.stream_s
    else:
        elapsed = (last.arrived - first.arrived) / 1000
    return round(count / elapsed, 2) if elapsed > 0 else 0.0
