"""Film to MP4 (H.264), people blurred or not, the time in every picture."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from vision.evidence import caption, digest, local_time
from vision.film import Shot
from vision.picture import Box, Image
from vision.privacy import SMEAR_MS, blurred

LAST_MS = 200
"""How long the last picture is shown."""
_TICKS = 1000
_OPTIONS = {"preset": "veryfast", "crf": "26", "threads": "1", "bf": "0"}


class Clip(NamedTuple):
    """An MP4 of one camera between two times (ms). `clear` as in Evidence: empty when nobody was blurred."""

    camera: str
    since: int
    until: int
    mp4: bytes
    clear: bytes = b""

    @property
    def digest(self) -> str:
        """The name under which it is stored, for everybody."""
        return digest(self.mp4)


def clip(camera: str, shots: Sequence[Shot], zone: tzinfo) -> Clip:
    """A clip of at least one shot. Raises av.FFmpegError, or OSError when no temporary file can be had."""
    people = [_around(shots, shot.at) for shot in shots]
    clear = _encoded(camera, shots, zone, [()] * len(shots))
    hidden = b"" if all(each == () for each in people) else _encoded(camera, shots, zone, people)
    return Clip(camera, shots[0].at, shots[-1].at + LAST_MS, hidden or clear, clear if hidden else b"")


def _around(shots: Sequence[Shot], at: int) -> tuple[Box, ...] | None:
    """Everybody seen near `at`; None when nobody looked at the picture of `at` itself."""
    near = [shot for shot in shots if abs(shot.at - at) <= SMEAR_MS]
    if any(shot.people is None and shot.at == at for shot in near):
        return None
    return tuple(box for shot in near for box in shot.people or ())


def _encoded(camera: str, shots: Sequence[Shot], zone: tzinfo, people: Sequence[tuple[Box, ...] | None]) -> bytes:
    """An MP4 whose index stands first, so that players need not fetch its end before they begin."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:  # moving the index means opening the file once more
        with av.open(file.name, "w", format="mp4", options={"movflags": "+faststart"}) as out:
            _encode(out, (_frame(camera, *each, zone) for each in zip(shots, people, strict=True)), shots)
        return Path(file.name).read_bytes()


def _encode(out: av.container.OutputContainer, images: Iterable[Image], shots: Sequence[Shot]) -> None:
    stream = out.add_stream("libx264", rate=5)
    stream.options, stream.pix_fmt = dict(_OPTIONS), "yuv420p"
    stream.codec_context.time_base = Fraction(1, _TICKS)
    for shot, image in zip(shots, images, strict=True):
        if shot is shots[0]:
            stream.height, stream.width = image.shape[:2]
        elif image.shape[:2] != (stream.height, stream.width):  # the camera's pictures changed their size
            image = np.asarray(cv2.resize(image, (stream.width, stream.height)), np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = shot.at - shots[0].at, Fraction(1, _TICKS)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())


def _frame(camera: str, shot: Shot, people: tuple[Box, ...] | None, zone: tzinfo) -> Image:
    image = np.asarray(cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    image = image if people == () else blurred(image, people)
    caption(image, f"{camera}  {local_time(shot.at, zone)}")
    return image
