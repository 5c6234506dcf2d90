"""Look at a camera's pictures for a few seconds, as a technician does before registering it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from vision.address import Address
from vision.picture import ClockSource, Image
from vision.stream import Frame, Stream, opened

OPEN_S = 6.0
READ_S = 3.0
LOOK_S = 4.0
_ENOUGH_FRAMES = 10


class Probed(NamedTuple):
    """What a camera sends. `fps` is measured; times count from the begin of connecting.

    `key_every_s`: None when no second key frame came. `clock_ahead_s`: the camera's clock against ours; None when
    it told none.
    """

    codec: str
    width: int
    height: int
    fps: float
    clock: ClockSource
    first_picture_s: float
    key_every_s: float | None
    clock_ahead_s: float | None
    image: Image


def probe(
    address: Address, look_s: float = LOOK_S, *, open_s: float = OPEN_S, read_s: float = READ_S, backend: str = "pyav"
) -> Probed:
    """Connect and look for at most `look_s` seconds. Raises StreamFault."""
    began = time.monotonic()
    with opened(address, open_s=open_s, read_s=read_s, backend=backend) as stream:
        frames = stream.frames()
        seen = [next(frames)]
        image, first_s = seen[0].shown.image(), time.monotonic() - began
        while time.monotonic() - began - first_s < look_s:
            seen.append(next(frames))
            if len(seen) > _ENOUGH_FRAMES and stream.clock_ahead_ms is not None and _key_every(seen) is not None:
                break
        return _probed(stream, seen, image, first_s)


def _probed(stream: Stream, seen: Sequence[Frame], image: Image, first_s: float) -> Probed:
    ahead = stream.clock_ahead_ms
    return Probed(
        stream.codec,
        *seen[-1].shown.size,
        _rate(seen),
        seen[-1].clock,
        first_s,
        _key_every(seen),
        None if ahead is None else ahead / 1000,
        image,
    )


def _key_every(seen: Sequence[Frame]) -> float | None:
    keys = [frame.stream_s for frame in seen if frame.key and frame.stream_s is not None]
    return round(keys[-1] - keys[-2], 2) if len(keys) > 1 else None


def _rate(seen: Sequence[Frame]) -> float:
    """Frames a second by the stream's own times; those of arrival mislead, because the first frames come at once."""
    times = [frame.stream_s for frame in seen if frame.stream_s is not None]
    times = times if len(times) > 1 else [frame.arrived / 1000 for frame in seen]
    elapsed = times[-1] - times[0]
    return round((len(times) - 1) / elapsed, 2) if elapsed > 0 else 0.0
