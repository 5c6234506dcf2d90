"""One connection to one camera: RTSP over TCP through PyAV, with its faults told apart and its clock read.

What PyAV 18 does on each fault was measured, not assumed: a refused port raises at once; a silent one gives
"invalid data" after the read time-out; a stall gives ExitError after twice the read time-out; a reset or a
removed path ENDS the iterator without an exception. PyAV's error texts hold the URL with the password, so no
text of PyAV leaves this module and no fault keeps its cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import av
import av.error
import av.logging

from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import IocError
from pipeline.core.events import CameraState
from vision.address import Address
from vision.picture import ClockSource

CLOCK_TRUSTED_MS = 120_000
"""A camera's clock further from ours than this is not used; it is the limit of the front doors."""
_PROBE_US = 1_000_000
"""Without it libav probes for seconds although the session description says everything."""

av.logging.set_level(None)  # libav writes URLs to standard error


class StreamFault(IocError):
    """Why there are no pictures, in one sentence without a secret, and the state that it puts the camera in."""

    exit_code = 3

    def __init__(self, state: CameraState, sentence: str) -> None:
        self.state = state
        super().__init__(sentence)


class Frame(NamedTuple):
    """One decoded frame: PyAV's object, its time and whose clock that is, arrival, and stream seconds if known."""

    video: Any
    at: int
    clock: ClockSource
    arrived: int
    stream_s: float | None


class Stream:
    """An open connection. `fps` is what the stream says of itself; it is often wrong."""

    def __init__(self, container: Any, video: Any, clock: Clock) -> None:
        self._container, self._video, self._clock = container, video, clock
        self.codec: str = video.codec_context.name
        self.fps = float(video.average_rate or 0)

    def frames(self) -> Iterator[Frame]:
        """All frames as they come. Never ends but by StreamFault: an ended live stream is a fault."""
        try:
            for video in self._container.decode(self._video):
                arrived = self._clock()
                at, clock = moment(getattr(self._container, "start_time_realtime", None), video.time, arrived)
                yield Frame(video, at, clock, arrived, video.time)
        except (av.error.FFmpegError, OSError) as error:
            fault = fault_of(error)
        else:
            fault = StreamFault(CameraState.OFFLINE, "the camera ended the stream")
        raise fault


@contextmanager
def opened(address: Address, *, open_s: float, read_s: float, clock: Clock = now_ms) -> Iterator[Stream]:
    """Open the camera's first video stream. Raises StreamFault, also out of the block's reads.

    `open_s` limits connecting, `read_s` one read; libav may take twice as long to notice.
    """
    container = _open(address, open_s, read_s)
    try:
        yield Stream(container, _first_video(container), clock)
    finally:
        container.close()


def _open(address: Address, open_s: float, read_s: float) -> Any:
    options = {
        "rtsp_transport": "tcp",
        "timeout": str(round(read_s * 1e6)),
        "analyzeduration": str(_PROBE_US),
        "fpsprobesize": "1",
    }
    try:
        return av.open(address.opened(), options=options, timeout=(open_s, read_s))
    except (av.error.FFmpegError, OSError) as error:
        fault = fault_of(error)
    raise fault  # outside the handler: the cause holds the password, and would stand in a traceback


def _first_video(container: Any) -> Any:
    if not container.streams.video:
        raise StreamFault(CameraState.UNSUPPORTED, "the stream has no video")
    video = container.streams.video[0]
    if getattr(video, "codec_context", None) is None:
        raise StreamFault(CameraState.UNSUPPORTED, "the video is in a format that is not known here")
    video.codec_context.thread_count = 1
    return video


def moment(start_us: int | None, stream_s: float | None, arrived: int) -> tuple[int, ClockSource]:
    """A frame's time in ms and whose clock it is.

    `start_us` is the wall time of stream second 0, from the RTCP sender report (RFC 3550, section 6.4.1); it is
    not known before the first report. Without it, or when the camera's clock is far off, arrival counts.
    """
    if start_us is None or stream_s is None:
        return arrived, "arrival"
    at = round(start_us / 1000 + stream_s * 1000)
    return (at, "rtcp") if abs(at - arrived) <= CLOCK_TRUSTED_MS else (arrived, "arrival")


_FAULTS: tuple[tuple[str, CameraState, str], ...] = (
    ("HTTPUnauthorizedError", CameraState.UNAUTHORISED, "the camera refuses the login, or wants one"),
    ("HTTPForbiddenError", CameraState.UNAUTHORISED, "the camera refuses the login, or wants one"),
    ("HTTPNotFoundError", CameraState.OFFLINE, "the camera has no stream under this path"),
    ("HTTPBadRequestError", CameraState.OFFLINE, "the camera has no stream under this path"),
    ("ConnectionRefusedError", CameraState.OFFLINE, "nothing listens at this address"),
    ("InvalidDataError", CameraState.OFFLINE, "no answer, or one that is not RTSP"),
    ("ExitError", CameraState.OFFLINE, "the camera sent nothing for too long"),
    ("TimeoutError", CameraState.OFFLINE, "the camera sent nothing for too long"),
    ("DecoderNotFoundError", CameraState.UNSUPPORTED, "the video is in a format that is not known here"),
    ("ProtocolNotFoundError", CameraState.UNSUPPORTED, "the address is of a kind that is not known here"),
    ("PatchWelcomeError", CameraState.UNSUPPORTED, "the video is in a format that is not known here"),
)


def fault_of(error: BaseException) -> StreamFault:
    """What an error of PyAV means, without its text."""
    names = {kind.__name__ for kind in type(error).__mro__}
    for name, state, sentence in _FAULTS:
        if name in names:
            return StreamFault(state, sentence)
    return StreamFault(CameraState.OFFLINE, f"the connection failed ({type(error).__name__})")
