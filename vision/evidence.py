"""Pictures as evidence: zones, boxes and time drawn upon them, people blurred, named by their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

import cv2
import numpy as np

from pipeline.core.catalogue import Camera
from vision.picture import Box, Image, Picture
from vision.privacy import blurred
from vision.tracker import Track
from vision.zones import scaled

QUALITY = 85
LARGER = 2.0
"""Who is too small for the detector is not blurred, and must not be recognisable in a larger picture either. Detectors
find people from 40 pixels on: twice that is 47 pixels a metre, less than the 62 that EN 62676-4 asks for observing
somebody, and far from its 125 for recognising him."""
_COLOUR = (0, 200, 255)
_OUTLINE = (255, 190, 60)
_INK = (0, 0, 0)
_WHITE = (255, 255, 255)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_ROWS = 576
"""Height of a picture for which the lines and letters are made; larger pictures have larger ones."""


class Evidence(NamedTuple):
    """A JPEG picture of one camera at one time (ms); people are blurred in it.

    `clear` is the same with nobody blurred; empty when there is nobody in it, so that `jpeg` is clear itself.
    """

    camera: str
    at: int
    jpeg: bytes
    clear: bytes = b""

    @property
    def digest(self) -> str:
        """The name under which it is stored, for everybody: that of the blurred picture."""
        return digest(self.jpeg)


class View(NamedTuple):
    """What is drawn on a camera's pictures: its zones and lines, in pixels of `size`, and times of `zone`."""

    zone: tzinfo = UTC
    outlines: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, camera: Camera, zone: tzinfo) -> View:
        """As the camera's document says."""
        zones = [(each.id, each.polygon) for each in camera.zones]
        return cls(zone, (*zones, *((each.id, each.points) for each in camera.lines)), camera.frame_size)


def digest(content: bytes) -> str:
    """`sha256:` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def evidence(
    camera: str,
    picture: Picture,
    tracks: Iterable[Track] = (),
    *,
    people: Iterable[Box] | None = (),
    view: View = View(),  # noqa: B008 - a frozen tuple
    stream: str = "",
    analysed: tuple[int, int] | None = None,
) -> Evidence:
    """The picture with the boxes of `tracks`, the zones and the time drawn into copies of it.

    `people`: where people are; None when nobody looked for them, and then everything is blurred. `stream`: the name
    of the camera's stream, where it has several. `analysed`: the size of the pictures in which boxes and zones lie,
    when that is another stream; then the blurred copy is at most LARGER times as large as those.
    """
    tracks, people, frame = list(tracks), None if people is None else list(people), analysed or picture.size
    view = view._replace(size=view.size or frame)
    name = f"{camera} [{stream}]" if stream else camera

    def made(image: Image, people: list[Box] | None) -> bytes:
        factors = image.shape[1] / frame[0], image.shape[0] / frame[1]
        hidden = blurred(image, None if people is None else [_resized(box, factors) for box in people])
        ours = [track._replace(box=_resized(track.box, factors)) for track in tracks]
        return encode(drawn(hidden, name, picture.at, ours, view))

    shown = _limited(picture.image, frame)
    jpeg = made(shown, people)
    same = people == [] and shown is picture.image
    return Evidence(camera, picture.at, jpeg, b"" if same else made(picture.image, []))


def _limited(image: Image, frame: tuple[int, int]) -> Image:
    """At most LARGER times as large as `frame`."""
    factor = LARGER * max(frame[0] / image.shape[1], frame[1] / image.shape[0])
    if factor >= 1:
        return image
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _resized(box: Box, factors: tuple[float, float]) -> Box:
    across, down = factors
    return Box(box.x * across, box.y * down, box.width * across, box.height * down)


def encode(image: Image, quality: int = QUALITY) -> bytes:
    """The image as a JPEG file."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(np.asarray(data))


def drawn(image: Image, camera: str, at: int, tracks: Iterable[Track], view: View) -> Image:
    """The image itself, drawn upon."""
    size = (image.shape[1], image.shape[0])
    for name, polygon in view.outlines:
        _outline(image, name, scaled(polygon, view.size or size, size))
    for track in tracks:
        _draw(image, track.box, f"{track.label} {track.confidence:.2f}")
    caption(image, f"{camera}  {local_time(at, view.zone)}")
    return image


def local_time(at: int, zone: tzinfo) -> str:
    """`2026-11-20 19:00:05.250 +07:00`: the time with the offset that it was read in."""
    moment = datetime.fromtimestamp(at / 1000, zone)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at % 1000:03d} {moment.isoformat()[-6:]}"


def caption(image: Image, text: str) -> None:
    """White on black along the lower edge: readable on any picture."""
    rows, columns = image.shape[:2]
    scale, thick = _sizes(image)
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thick)
    if width + height > columns:
        scale *= columns / (width + height)
        (width, height), below = cv2.getTextSize(text, _FONT, scale, thick)
    top = max(rows - height - 2 * below, 0)
    cv2.rectangle(image, (0, top), (width + height, rows), _INK, cv2.FILLED)
    cv2.putText(image, text, (height // 2, rows - below), _FONT, scale, _WHITE, thick, cv2.LINE_AA)


def _sizes(image: Image) -> tuple[float, int]:
    """Scale of letters and thickness of lines, by the picture's height."""
    scale = max(image.shape[0] / _ROWS, 0.5)
    return 0.5 * scale, max(round(scale), 1)


def _outline(image: Image, name: str, polygon: tuple[tuple[float, float], ...]) -> None:
    scale, thick = _sizes(image)
    corners = np.asarray(polygon, np.float64).round().astype(np.int32)
    cv2.polylines(image, [corners], True, _OUTLINE, 2 * thick, cv2.LINE_AA)
    left, top = (int(side) for side in corners[corners.sum(1).argmin()])
    _label(image, name, left, top, _OUTLINE, scale, thick)


def _draw(image: Image, box: Box, text: str) -> None:
    scale, thick = _sizes(image)
    left, top = round(box.x), round(box.y)
    right, bottom = round(box.x + box.width), round(box.y + box.height)
    cv2.rectangle(image, (left, top), (right, bottom), _COLOUR, 2 * thick)
    _label(image, text, left, top, _COLOUR, scale, thick)


def _label(
    image: Image, text: str, left: int, top: int, colour: tuple[int, int, int], scale: float, thick: int
) -> None:
    """Text in a plate of its own that stands on (left, top), moved into the picture."""
    (width, height), below = cv2.getTextSize(text, _FONT, scale * 0.9, thick)
    left = max(min(left, image.shape[1] - width), 0)
    plate = height + below + 2 * thick
    foot = min(max(top, plate), image.shape[0])
    cv2.rectangle(image, (left, foot - plate), (left + width, foot), colour, cv2.FILLED)
    cv2.putText(image, text, (left, foot - below), _FONT, scale * 0.9, _INK, thick, cv2.LINE_AA)
