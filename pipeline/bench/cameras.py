"""What a camera costs: decoding by size and codec, and how many quiet cameras a core can have.

The films are the shipped clip, scaled, and encoded by the codecs that PyAV brings, with a key frame every 2 s and at
rates that cameras are commonly set to. All times are CPU time of this process, one thread, the best of REPEATS; each
figure also stands as a ratio to bare decoding of the same film, which depends less on the machine. A quiet camera
is a picture of the clip that does not change but for a sensor's noise, read by the shipped reader: decoded, turned
into colour, compared by the gate. Every FULL_S seconds the default detector looks at it all the same; that is
counted in where its model is installed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.core.catalogue import Camera
from pipeline.core.errors import IocError
from pipeline.core.telemetry import log
from pipeline.local import clip
from vision.address import Address
from vision.detectors import DETECTORS, Options
from vision.gate import FULL_S
from vision.picture import Picture
from vision.reader import Reader, Timing

SIZES = {"4CIF": (704, 576), "720p": (1280, 720), "1080p": (1920, 1080)}
MBITS = {704: 1.0, 1280: 2.0, 1920: 4.0}
"""Megabits a second of a stream of 25 frames, by its width; at 5 frames a second it is half as much."""
CODECS = {"H.264": "libx264", "H.265": "libx265"}
CAMERA_FPS, LOOK_FPS, GOP_S = 25, 5, 2
FRAMES = 50
PICTURES = 300
NOISE = 2.0
"""Standard deviation of a pixel, of 255: a good sensor by day, after the camera's own noise reduction."""
REPEATS = 3
_SETTLED = 50
"""Pictures of the first ten seconds: the gate is open while it learns the scene."""
_WITHIN_S = 60.0
_PLAIN = {"libx265": {"x265-params": "log-level=none:bframes=0"}}
Drawn = NDArray[np.uint8]


def run(frames: int = FRAMES, sizes: tuple[str, ...] = tuple(SIZES), pictures: int = PICTURES) -> dict[str, Any]:
    """Measure everything: `decode` by size and codec with `frames` each, `quiet` and `busy` cameras with `pictures`."""
    with tempfile.TemporaryDirectory() as folder:
        decode = {
            f"{size} {codec}": decoding(film(Path(folder) / "film.mkv", street(SIZES[size]), frames, CODECS[codec]))
            for size in sizes
            for codec in CODECS
        }
        return {"cpu": _cpu(), "decode": decode, **reading(Path(folder), pictures)}


def decoding(path: Path) -> dict[str, float]:
    """Bare decoding of a film: ms a frame of the stream, in full and of key frames only."""
    full = _ms_a_frame(lambda: _decode(path, "DEFAULT"))
    key = _ms_a_frame(lambda: _decode(path, "NONKEY"))
    return {
        "full_ms": round(full, 3),
        "key_ms": round(key, 3),
        "key_to_full": round(key / full, 3),
        "streams_a_core": round(1000 / (full * CAMERA_FPS), 1),
        "streams_a_core_key": round(1000 / (key * CAMERA_FPS), 1),
    }


def reading(folder: Path, pictures: int = PICTURES) -> dict[str, dict[str, float]]:
    """Quiet and busy cameras of 4CIF that send, and are looked at, LOOK_FPS times a second."""
    size = SIZES["4CIF"]
    look = look_ms(next(street(size)))
    quiet = film(folder / "quiet.mkv", still(size), pictures, "libx264", LOOK_FPS)
    busy = film(folder / "busy.mkv", street(size), pictures, "libx264", LOOK_FPS)
    return {"quiet": _camera(quiet, pictures, look), "busy": _camera(busy, pictures, look)}


def _camera(path: Path, pictures: int, look: float) -> dict[str, float]:
    bare = _ms_a_frame(lambda: _decode(path, "DEFAULT"))
    share = 0.0

    def read() -> int:
        nonlocal share
        quiet = _read(path, pictures)
        share = sum(not each for each in quiet[_SETTLED:]) / len(quiet[_SETTLED:])
        return len(quiet)

    reader = _ms_a_frame(read)
    # a film is read faster than it plays, so its forced looks come too seldom
    whole = reader + look * max(share, 1 / (FULL_S * LOOK_FPS))
    return {
        "decode_ms": round(bare, 3),
        "reader_ms": round(reader, 3),
        "reader_to_decode": round(reader / bare, 2),
        "look_ms": round(look, 1),
        "looked_at": round(share, 4),
        "whole_ms": round(whole, 3),
        "whole_to_decode": round(whole / bare, 2),
        "cameras_a_core": round(1000 / (whole * LOOK_FPS), 1),
    }


def look_ms(image: Drawn) -> float:
    """What one look of the default detector takes; 0 where its model is not installed."""
    camera = Camera(id="bench", site="bench", url="")
    try:
        detector = DETECTORS[camera.detector](Options(camera.threshold))
    except IocError as error:
        log.warning("looks are not counted in", why=str(error))
        return 0.0
    return _ms_a_frame(lambda: len([detector.detect(Picture(image, at)) for at in range(0, 5000, 1000)]))


def _decode(path: Path, mode: str) -> int:
    """Decode a film; the number of its frames, decoded or not."""
    frames = 0
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = 1
        video.codec_context.skip_frame = mode
        for packet in container.demux(video):
            frames += packet.size > 0
            packet.decode()
    return frames


def _read(path: Path, pictures: int) -> list[bool]:
    """Let the shipped reader have a film; whether each picture was quiet."""
    quiet: list[bool] = []
    note, timing = (lambda picture: quiet.append(picture.quiet)), Timing(catching_up_s=0)
    reader = Reader("bench", lambda: Address(str(path)), LOOK_FPS, note, timing=timing)
    reader.start()
    until = time.monotonic() + _WITHIN_S
    while len(quiet) < pictures and time.monotonic() < until:
        time.sleep(0.002)
    reader.stop()
    return quiet


def _ms_a_frame(work: Callable[[], int]) -> float:
    """The least CPU time, in ms, for each of the frames that `work` says it had."""
    found = []
    for _ in range(REPEATS):
        began = time.process_time()
        frames = work()
        found.append((time.process_time() - began) * 1000 / frames)
    return min(found)


def film(path: Path, pictures: Iterator[Drawn], frames: int, codec: str, fps: int = CAMERA_FPS) -> Path:
    """Encode `frames` pictures with their times."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=fps)
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "superfast", "bf": "0", "g": str(fps * GOP_S), **_PLAIN.get(codec, {})}
        for number, picture in enumerate(islice(pictures, frames)):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.bit_rate = round(MBITS[stream.width] * 1e6 / (1 if fps == CAMERA_FPS else 2))
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def street(size: tuple[int, int]) -> Iterator[Drawn]:
    """The shipped clip in another size, over and over."""
    while True:
        with av.open(str(clip.encoded())) as video:
            for frame in video.decode(video=0):
                yield frame.reformat(*size).to_ndarray(format="bgr24")


def still(size: tuple[int, int]) -> Iterator[Drawn]:
    """One picture of the clip for ever, with a sensor's noise."""
    random, picture = np.random.default_rng(1), next(street(size)).astype(np.float32)
    for _ in count():
        noise = random.normal(0, NOISE, picture.shape[:2]).astype(np.float32)
        yield np.clip(picture + noise[:, :, None], 0, 255).astype(np.uint8)


def _cpu() -> str:
    """What the machine says of itself: model, and whether it multiplies small integers in one go (VNNI)."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in named.items()}
    vnni = any("vnni" in flag for flag in fields.get("flags", "").split())
    return f"{fields.get('model name', 'unknown')}, VNNI: {'yes' if vnni else 'no'}"
