"""Try a camera once, as a technician does before registering it."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
        seen = [next(frames)]
        first_s = time.monotonic() - began
        while time.monotonic() - began - first_s < look_s:
            seen.append(next(frames))
            if len(seen) > _ENOUGH_FRAMES and seen[-1].clock == "rtcp":
                break
        width, height = seen[-1].shown.size
        return Probed(stream.codec, width, height, _rate(seen), seen[-1].clock, first_s)


def _rate(seen: Sequence[Frame]) -> float:
    """Frames a second by the stream's own times; those of arrival mislead, because the first frames come at once."""
    times = [frame.stream_s for frame in seen if frame.stream_s is not None]
    times = times if len(times) > 1 else [frame.arrived / 1000 for frame in seen]
    elapsed = times[-1] - times[0]
    return round((len(times) - 1) / elapsed, 2) if elapsed > 0 else 0.0
