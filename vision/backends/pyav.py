"""The reader's first back end: RTSP over TCP through PyAV, with its faults told apart and its clock read.

What PyAV 18 does on each fault was measured, not assumed: a refused port raises at once; a silent one gives
"invalid data" after the read time-out; a stall gives ExitError after twice the read time-out; a reset or a
removed path ENDS the iterator without an exception; a spoiled packet raises, or gives a frame that is marked
corrupt, and the frames built on it are not. PyAV's error texts hold the URL with the password, so no text of PyAV
leaves this module and no fault keeps its cause.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import av
import av.error
import av.logging

from pipeline.core.events import CameraState
from vision.address import Address
from vision.capture import CaptureClock
from vision.cleanness import Cleanness
from vision.gate import SIZE, Small
from vision.picture import Image
from vision.stream import RTSP_OPTIONS, Frame, NoKeyFrame, Opening, StreamFault

av.logging.set_level(None)  # libav writes URLs to standard error


class Video:
    """A frame of PyAV."""

    __slots__ = ("_frame",)

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._frame.width, self._frame.height

    def image(self) -> Image:
        """In colour, as large as it came."""
        return cast("Image", self._frame.to_ndarray(format="bgr24"))

    def small(self) -> Small:
        """In grey, as large as the gate wants it."""
        shrunk = self._frame.reformat(*SIZE, format="gray", interpolation="AREA")
        return cast("Small", shrunk.to_ndarray())


class PyAvStream:
    """An open connection, see `vision.stream.Stream`."""

    def __init__(self, container: Any, video: Any, opening: Opening) -> None:
        self._container, self._video, self._now = container, video, opening.clock
        self.codec: str = video.codec_context.name
        self.fps = float(video.average_rate or 0)
        self._capture = CaptureClock()
        self._cleanness = Cleanness(self._now())
        self._key_frames_only = False
        self._opened_s, self.until = time.monotonic(), math.inf
        self.came = 0

    @property
    def broken(self) -> int:
        """Frames that were spoiled, and those that build on them."""
        return self._cleanness.broken

    @property
    def clock_jumped(self) -> bool:
        """Whether the camera's clock jumped since the connection was opened."""
        return self._capture.jumped

    @property
    def clock_ahead_ms(self) -> int | None:
        """The camera's clock against ours; None while it told none."""
        return self._capture.ahead_ms

    @property
    def key_frames_only(self) -> bool:
        """Whether only key frames are decoded."""
        return self._key_frames_only

    @key_frames_only.setter
    def key_frames_only(self, wanted: bool) -> None:
        if wanted == self._key_frames_only:
            return
        self._key_frames_only = wanted
        self._video.codec_context.skip_frame = "NONKEY" if wanted else "DEFAULT"

    def frames(self) -> Iterator[Frame]:
        """All clean frames as they come. Never ends but by StreamFault."""
        try:
            for packet in self._container.demux(self._video):
                self.came += bool(packet.size)  # the last one is empty: it asks for what is kept back
                for video in self._decoded(packet):
                    yield self._frame(video)
                if self._cleanness.hopeless(self._now()) or time.monotonic() > self.until:
                    break
        except (av.error.FFmpegError, OSError) as error:
            fault = fault_of(error)
        else:
            fault = self._end()
        raise fault

    def _decoded(self, packet: Any) -> list[Any]:
        now = self._now()
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError:  # this frame is lost, the connection is not
            self._cleanness.spoiled(now)
            return []
        return [video for video in decoded if self._usable(video, now)]

    def _usable(self, video: Any, now: int) -> bool:
        if video.is_corrupt:
            self._cleanness.spoiled(now)
            return False
        return self._cleanness.clean(now, key=bool(video.key_frame))

    def _frame(self, video: Any) -> Frame:
        arrived = self._now()
        start_us = getattr(self._container, "start_time_realtime", None)
        at, clock = self._capture.of(start_us, video.time, arrived)
        stream_s = None if self._capture.jumped else video.time
        return Frame(Video(video), at, clock, arrived, stream_s, bool(video.key_frame))

    def _end(self) -> StreamFault:
        if self._cleanness.hopeless(self._now()):
            return StreamFault(CameraState.UNSUPPORTED, "the pictures cannot be decoded: they arrive broken")
        if time.monotonic() > self.until:
            return NoKeyFrame(self.until - self._opened_s)
        return StreamFault(CameraState.OFFLINE, "the camera ended the stream")


@contextmanager
def opened(address: Address, opening: Opening) -> Iterator[PyAvStream]:
    """Open the camera's first video stream; libav may take twice `read_s` to notice that a read takes too long."""
    container = _open(address, opening)
    try:
        yield PyAvStream(container, _first_video(container), opening)
    finally:
        container.close()


def _open(address: Address, opening: Opening) -> Any:
    options = {**RTSP_OPTIONS, "timeout": str(round(opening.read_s * 1e6))}
    try:
        return av.open(address.opened(), options=options, timeout=(opening.open_s, opening.read_s))
    except (av.error.FFmpegError, OSError) as error:
        fault = fault_of(error)
    raise fault  # outside the handler: the cause holds the password, and would stand in a traceback


def _first_video(container: Any) -> Any:
    if not container.streams.video:  # by RTSP libav finds that out itself: it is refused when it plays nothing
        raise StreamFault(CameraState.UNSUPPORTED, "the stream has no video")
    video = container.streams.video[0]
    if getattr(video, "codec_context", None) is None:
        raise StreamFault(CameraState.UNSUPPORTED, "the video is in a format that is not known here")
    video.codec_context.thread_count = 1
    return video


_FAULTS: tuple[tuple[str, CameraState, str], ...] = (
    ("HTTPUnauthorizedError", CameraState.UNAUTHORISED, "the camera refuses the login, or wants one"),
    ("HTTPForbiddenError", CameraState.UNAUTHORISED, "the camera refuses the login, or wants one"),
    ("HTTPNotFoundError", CameraState.OFFLINE, "the camera has no stream under this path"),
    ("HTTPBadRequestError", CameraState.OFFLINE, "the camera has no stream under this path"),
    ("HTTPOtherClientError", CameraState.OFFLINE, "the camera refuses the stream, or it has no video"),
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
