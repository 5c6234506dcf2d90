"""One connection to one camera: what every back end promises, and the table of back ends.

A back end turns an address into frames with their times, and everything that goes wrong into a StreamFault whose
sentence holds no secret. The library's own errors never leave it: they hold the URL with the password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import NamedTuple, Protocol

from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import IocError
from pipeline.core.events import CameraState
from pipeline.core.extensions import ExtensionTable
from vision.address import Address
from vision.gate import Small
from vision.picture import ClockSource, Image

RTSP_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "rtsp_transport": "tcp",
        "analyzeduration": "1000000",  # us; libav probes for seconds, though the description says it all
        "fpsprobesize": "1",
        "allowed_media_types": "video",  # packets of sound or metadata would keep a read from ever timing out
    }
)
"""How libav opens a camera, whichever library it comes with."""


class StreamFault(IocError):
    """Why there are no pictures, in one sentence without a secret, and the state that it puts the camera in."""

    exit_code = 3

    def __init__(self, state: CameraState, sentence: str) -> None:
        self.state = state
        super().__init__(sentence)


class NoKeyFrame(StreamFault):
    """Data came for `within_s` seconds, but no picture: every picture needs a key frame to begin with."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        super().__init__(CameraState.OFFLINE, f"no key frame within {within_s:.0f} s")


class Shown(Protocol):
    """A decoded frame that has not been converted yet: both forms cost time, and most frames need neither."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""

    def image(self) -> Image:
        """In colour, as large as it came."""

    def small(self) -> Small:
        """In grey, as large as the gate wants it."""


class Frame(NamedTuple):
    """One clean frame: its time in ms and whose clock that is, its arrival, its stream seconds if known."""

    shown: Shown
    at: int
    clock: ClockSource
    arrived: int
    stream_s: float | None
    key: bool = False


class Stream(Protocol):
    """An open connection. `fps` is what the stream says of itself; it is often wrong."""

    codec: str
    fps: float
    key_frames_only: bool
    """Set it to decode key frames only; cleared in the handling of a key frame, no frame after it is lost."""

    until: float
    """Steady seconds: past it `frames` still gives what has come, and then ends with NoKeyFrame. At first never."""

    @property
    def came(self) -> int:
        """Frames that came, decoded or not."""

    @property
    def broken(self) -> int:
        """Frames that were spoiled on the way, and those that build on them: not handed out."""

    @property
    def clock_jumped(self) -> bool:
        """The camera's clock cannot be used any more on this connection; opening it again may help."""

    @property
    def clock_ahead_ms(self) -> int | None:
        """The camera's clock against ours, trusted or not; None while it told none."""

    def frames(self) -> Iterator[Frame]:
        """All frames as they come. Never ends but by StreamFault: an ended live stream is a fault."""


class Opening(NamedTuple):
    """Time limits of a connection in seconds: `open_s` for connecting, `read_s` for one read; and our clock."""

    open_s: float
    read_s: float
    clock: Clock


BACKENDS: ExtensionTable[Callable[[Address, Opening], AbstractContextManager[Stream]]] = ExtensionTable(
    "camera.backend",
    {
        "pyav": "vision.backends.pyav:opened",
        "opencv": "vision.backends.opencv:opened",
    },
)
"""What opens a stream, by the name that a camera may give. Raises StreamFault, also out of the block's reads."""


def opened(
    address: Address, *, open_s: float, read_s: float, clock: Clock = now_ms, backend: str = "pyav"
) -> AbstractContextManager[Stream]:
    """Open the camera's first video stream. Raises StreamFault, also out of the block's reads; BadInput."""
    if address.login is not None and not address.login.fits:
        raise StreamFault(CameraState.UNAUTHORISED, "the login is longer than what opens streams can take")
    return BACKENDS[backend](address, Opening(open_s, read_s, clock))
