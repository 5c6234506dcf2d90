"""Look at a camera's pictures for a few seconds, as a technician does before registering it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from vision.address import Address
from vision.picture import ClockSource, Image
from vision.stream import Frame, NoKeyFrame, Stream, opened

OPEN_S = 6.0
READ_S = 3.0
LOOK_S = 4.0
WITHIN_S = 10.0
LEAST_LOOK_S = 1.0
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
    address: Address,
    look_s: float = LOOK_S,
    *,
    open_s: float = OPEN_S,
    read_s: float = READ_S,
    within_s: float = WITHIN_S,
    backend: str = "pyav",
) -> Probed:
    """Connect and look for at most `look_s` seconds, less where the first picture came late, but LEAST_LOOK_S.

    Raises StreamFault; NoKeyFrame among them, where no picture came within `within_s` of the begin. A read that
    blocks may take twice `read_s` more.
    """
    began = time.monotonic()
    with opened(address, open_s=open_s, read_s=read_s, backend=backend) as stream:
        frames = stream.frames()
        stream.until = began + within_s
        seen = [_first(frames, within_s)]
        image, first_s = seen[0].shown.image(), time.monotonic() - began
        stream.until = began + max(min(first_s + look_s, within_s), first_s + LEAST_LOOK_S)
        with suppress(NoKeyFrame):  # what was seen is enough
            while time.monotonic() < stream.until and not _enough(stream, seen):
                seen.append(next(frames))
        return _probed(stream, seen, image, first_s)


def _first(frames: Iterator[Frame], within_s: float) -> Frame:
    try:
        return next(frames)
    except NoKeyFrame:
        raise NoKeyFrame(within_s) from None  # it has counted since the connection stood


def _enough(stream: Stream, seen: Sequence[Frame]) -> bool:
    return len(seen) > _ENOUGH_FRAMES and stream.clock_ahead_ms is not None and _key_every(seen) is not None


def _probed(stream: Stream, seen: Sequence[Frame], image: Image, first_s: float) -> Probed:
    ahead = stream.clock_ahead_ms
    return Probed(
        stream.codec,
        *seen[-1].shown.size,
        rate(seen),
        seen[-1].clock,
        first_s,
        _key_every(seen),
        None if ahead is None else ahead / 1000,
        image,
    )


def _key_every(seen: Sequence[Frame]) -> float | None:
    keys = [frame.stream_s for frame in seen if frame.key and frame.stream_s is not None]
    return round(keys[-1] - keys[-2], 2) if len(keys) > 1 else None


def rate(seen: Sequence[Frame]) -> float:
    """Frames a second by the stream's own times, which not every frame has; 0 where one frame came.

    Those of arrival mislead, because the first frames come at once, and the next one sooner than the others: where
    nothing else is known, a gap tells that is longer than three quarters of them.
    """
    timed = [(number, frame.stream_s) for number, frame in enumerate(seen) if frame.stream_s is not None]
    if len(timed) > 1:
        frames, elapsed = timed[-1][0] - timed[0][0], timed[-1][1] - timed[0][1]
    else:
        gaps = sorted((after.arrived - before.arrived) / 1000 for before, after in itertools.pairwise(seen))
        frames, elapsed = 1, gaps[3 * len(gaps) // 4] if gaps else 0.0
    return round(frames / elapsed, 2) if elapsed > 0 else 0.0
