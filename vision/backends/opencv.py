"""The reader's second back end: OpenCV's own FFmpeg, for streams that PyAV's does not take.

What it cannot do, as measured with OpenCV 4.14: left as it is, it opens one stream of the process after the other, so
a camera that plays nothing would keep all others waiting (its lock is turned off: the FFmpeg of its wheels needs none,
nor does PyAV's); it never says why there is no picture, so the camera is asked after a failure; a read that blocks
returns after three times its limit (which is why it gets a third); it has no sender reports, so all times are those of
arrival; it marks no spoiled frame and cannot skip frames, so broken pictures are shown and a quiet camera is decoded in
full; it converts no interlaced pictures and repeats one instead, so such a camera is said to be frozen. RTSP goes over
TCP: an option of the whole process.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import cv2
import numpy as np

from pipeline.core.events import CameraState
from vision.address import Address
from vision.capture import CaptureClock
from vision.gate import SIZE, Small
from vision.picture import Image
from vision.rtsp import Answer, Asking, NotRtsp
from vision.stream import RTSP_OPTIONS, Frame, Opening, StreamFault

_BLOCKS_TIMES = 3
_ASK_S = 1.5
_USUAL = re.compile(r"^a=rtpmap:\d+ (?:H264|H265|JPEG)/|^m=video \d+ RTP/AVP 26\b", re.IGNORECASE | re.MULTILINE)
"""What every FFmpeg decodes; JPEG needs no more than its number (RFC 3551)."""
_OPTIONS = {
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "|".join(map(";".join, RTSP_OPTIONS.items())),
    "OPENCV_FFMPEG_IS_THREAD_SAFE": "1",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # AV_LOG_QUIET: libav writes URLs to standard error
}
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # silent, for the same reason


class Taken:
    """A frame of OpenCV: converted already."""

    __slots__ = ("_image",)

    def __init__(self, image: Image) -> None:
        self._image = image

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._image.shape[1], self._image.shape[0]

    def image(self) -> Image:
        """In colour, as large as it came."""
        return self._image

    def small(self) -> Small:
        """In grey, as large as the gate wants it."""
        shrunk = cv2.resize(self._image, SIZE, interpolation=cv2.INTER_AREA)
        return cast("Small", cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY))


class OpenCvStream:
    """An open connection, see `vision.stream.Stream`."""

    key_frames_only = False
    until = math.inf
    """Not needed: a read without a picture ends in time, whatever comes."""

    @property
    def broken(self) -> int:
        """It does not tell."""
        return 0

    @property
    def clock_jumped(self) -> bool:
        """It has no camera's clock."""
        return False

    def __init__(self, capture: Any, opening: Opening) -> None:
        self._capture, self._now = capture, opening.clock
        self._watch = CaptureClock()
        self.came = 0
        self.codec = _four_letters(int(capture.get(cv2.CAP_PROP_FOURCC)))
        self.fps = float(capture.get(cv2.CAP_PROP_FPS))

    @property
    def clock_ahead_ms(self) -> int | None:
        """It has no camera's clock."""
        return None

    def frames(self) -> Iterator[Frame]:
        """All frames as they come. Never ends but by StreamFault."""
        while True:
            came, image = self._capture.read()
            if not came:
                raise StreamFault(CameraState.OFFLINE, "the camera ended the stream, or sent nothing for too long")
            self.came += 1
            yield self._frame(np.asarray(image, np.uint8))

    def _frame(self, image: Image) -> Frame:
        """Its stream seconds are told until they part from ours: OpenCV guesses them where the stream has none."""
        arrived, ms = self._now(), float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        at, clock = self._watch.of(None, ms / 1000 if ms > 0 else None, arrived)
        return Frame(Taken(image), at, clock, arrived, ms / 1000 if ms > 0 and not self._watch.jumped else None)


@contextmanager
def opened(address: Address, opening: Opening) -> Iterator[OpenCvStream]:
    """Open the camera's first video stream."""
    for name, value in _OPTIONS.items():
        os.environ.setdefault(name, value)
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        round(opening.open_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        round(opening.read_s * 1000 / _BLOCKS_TIMES),
        cv2.CAP_PROP_N_THREADS,
        1,
    ]
    capture = cv2.VideoCapture(address.opened(), cv2.CAP_FFMPEG, limits)
    try:
        if not capture.isOpened():
            raise _why(address)
        yield OpenCvStream(capture, opening)
    finally:
        capture.release()


def _asked(address: Address, question: Callable[[Asking], Answer]) -> Answer | StreamFault:
    """What the camera answers to somebody who asks."""
    try:
        with Asking(address, _ASK_S) as asking:
            return question(asking)
    except ConnectionRefusedError:
        return StreamFault(CameraState.OFFLINE, "nothing listens at this address")
    except (OSError, NotRtsp, ValueError):  # the last: no host, or no port
        return StreamFault(CameraState.OFFLINE, "no answer, or one that is not RTSP")


def _why(address: Address) -> StreamFault:
    answer = _asked(address, lambda asking: asking.describe(_ASK_S))
    return answer if isinstance(answer, StreamFault) else fault_of(answer.status, answer.body)


def fault_of(status: int, described: str = "") -> StreamFault:
    """What an RTSP status, and the description that came with it, mean for a stream that could not be opened."""
    if status in (401, 403):
        return StreamFault(CameraState.UNAUTHORISED, "the camera refuses the login, or wants one")
    if status in (400, 404):
        return StreamFault(CameraState.OFFLINE, "the camera has no stream under this path")
    if status == 200 and _USUAL.search(described):  # it may have been busy, or the line bad: trying again may help
        return StreamFault(CameraState.OFFLINE, "the camera describes its stream and sends no pictures")
    if status == 200:
        return StreamFault(CameraState.UNSUPPORTED, "the video is in a format that is not known here")
    return StreamFault(CameraState.OFFLINE, "the camera refuses the connection")


def _four_letters(code: int) -> str:
    with suppress(UnicodeDecodeError):
        return code.to_bytes(4, "little").decode("ascii").strip("\0").lower()
    return ""
