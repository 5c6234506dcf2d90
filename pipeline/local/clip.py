"""The camera's clip: OpenCV's pedestrian street scene, encoded to H.264 once.

Source: `vtest.avi` of Debian's opencv-doc (768x576, 10 frames a second, 795 frames).
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from fractions import Fraction
from pathlib import Path

from pipeline.core.folders import cache_folder
from pipeline.local import packages
from pipeline.local.environment import venv_python
from pipeline.local.installing import InstallError, run

FRAMES_PER_SECOND = 10
_MEMBER = "./usr/share/doc/opencv-doc/examples/data/vtest.avi"
_KEY_FRAME_EVERY = 10


def source() -> Path:
    """The clip as Debian ships it, in the cache."""
    return cache_folder() / "clip" / "vtest.avi"


def encoded() -> Path:
    """The clip as a raw H.264 byte stream (Annex B), ready to be looped, in the cache."""
    return cache_folder() / "clip" / "vtest.h264"


def missing() -> str:
    """What must be fetched, or nothing."""
    return "" if encoded().exists() else "fetching opencv-doc for vtest.avi"


def install() -> None:
    """Fetch the clip and encode it (in the project's environment, which has the codec)."""
    source().parent.mkdir(parents=True, exist_ok=True)
    if not source().exists():
        _fetch()
    partial = encoded().with_suffix(".partial")
    run((str(venv_python()), "-m", "pipeline.local.clip", str(source()), str(partial)))
    partial.replace(encoded())


def _fetch() -> None:
    with tempfile.TemporaryDirectory(dir=source().parent) as folder:
        packages.download("opencv-doc", Path(folder))
        archives = list(Path(folder).glob("opencv-doc_*.deb"))
        if not archives:
            raise InstallError("apt-get download opencv-doc left no archive")
        partial = Path(folder) / "vtest.avi"
        partial.write_bytes(_member(archives[0]))
        partial.replace(source())


def _member(archive: Path) -> bytes:
    unpacking = subprocess.Popen(("dpkg-deb", "--fsys-tarfile", str(archive)), stdout=subprocess.PIPE)
    with unpacking, tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
        for member in tar:
            if member.name == _MEMBER and (file := tar.extractfile(member)):
                found = file.read()
                unpacking.kill()
                return found
    raise InstallError(f"{archive.name} has no {_MEMBER}")


def encode(source_path: Path, target: Path) -> int:
    """Encode a video to a raw H.264 stream without reordered frames; returns the number of frames.

    The server gives frame n the time n / fps, which is only right when no frame is sent out of order.
    """
    import av

    frames = 0
    with av.open(str(source_path)) as video, av.open(str(target), "w", format="h264") as out:
        stream = out.add_stream("libx264", rate=FRAMES_PER_SECOND)
        stream.width, stream.height = video.streams.video[0].width, video.streams.video[0].height
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23", "bf": "0", "g": str(_KEY_FRAME_EVERY)}
        for frame in video.decode(video=0):
            frame.pts, frame.time_base = frames, Fraction(1, FRAMES_PER_SECOND)
            out.mux(stream.encode(frame))
            frames += 1
        out.mux(stream.encode())
    return frames


if __name__ == "__main__":
    encode(Path(sys.argv[1]), Path(sys.argv[2]))
