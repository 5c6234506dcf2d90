"""Cameras of a test: RTSP servers of their own, that can be frozen, killed and started again, and clips for them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.local import clip, rtsp
from pipeline.local.ports import choose

SERVER = Path(rtsp.__file__).with_name("rtsp_server.py")
Drawn = NDArray[np.uint8]


class CameraServer:
    """One camera that is a process of its own; `port` stays the same over restarts."""

    def __init__(
        self,
        folder: Path,
        film: Path,
        *,
        login: tuple[str, str] = ("cam", "p"),
        fps: float = 10,
        path: str = rtsp.PATH,
        more: Sequence[str] = (),
    ) -> None:
        ports = choose(("open", "protected"), {}, str(folder / film.name))
        self.port, self.protected_port = ports["open"], ports["protected"]
        where = ("--port", str(self.port), "--protected-port", str(self.protected_port), "--path", path)
        self._argv = (rtsp.SYSTEM_PYTHON, str(SERVER), str(film), *where, "--fps", str(fps), *more)
        self._env = {"IOC_RTSP_USER": login[0], "IOC_RTSP_PASSWORD": login[1], "PATH": "/usr/bin:/bin"}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return rtsp.url(self.port)

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._argv, env=self._env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait(self, within_s: float = 10) -> None:
        """Return when it answers."""
        until = time.monotonic() + within_s
        while not (rtsp.answers(self.port) and rtsp.answers(self.protected_port)):
            assert time.monotonic() < until, "the RTSP server does not answer"
            time.sleep(0.05)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Also when it is frozen."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def serving(*servers: CameraServer) -> Iterator[None]:
    """All of `servers`, answering."""
    try:
        for server in servers:
            server.start()
        for server in servers:
            server.wait()
        yield
    finally:
        for server in servers:
            server.kill()


def film(
    target: Path,
    pictures: Iterable[Drawn],
    *,
    fps: int = 10,
    key_every: int = 10,
    codec: str = "h264",
    quality: str = "crf=23",
) -> Path:
    """Encode pictures (BGR) as a raw stream that the server can loop."""
    with av.open(str(target), "w", format=codec) as out:
        stream = out.add_stream({"h264": "libx264", "hevc": "libx265"}[codec], rate=fps)
        stream.pix_fmt = "yuv420p"
        name, _, value = quality.partition("=")
        stream.options = {"preset": "veryfast", name: value, "bf": "0", "g": str(key_every)}
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if number == 0:
                stream.width, stream.height = frame.width, frame.height
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return target


def street(frames: int, size: tuple[int, int] = (384, 288)) -> Iterator[Drawn]:
    """The first pictures of the shipped clip, smaller."""
    with av.open(str(clip.encoded())) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number == frames:
                return
            yield frame.reformat(*size).to_ndarray(format="bgr24")
