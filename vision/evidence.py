"""Pictures as evidence: drawn upon, encoded, named by their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from vision.picture import Box, Image, Picture
from vision.tracker import Track

QUALITY = 85
_COLOUR = (0, 200, 255)
_INK = (0, 0, 0)
_FONT, _SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.45


class Evidence(NamedTuple):
    """A JPEG picture of one camera at one time (ms)."""

    camera: str
    at: int
    jpeg: bytes

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits of the bytes: the name under which it is stored."""
        return f"sha256:{hashlib.sha256(self.jpeg).hexdigest()}"


def evidence(camera: str, picture: Picture, tracks: Iterable[Track] = ()) -> Evidence:
    """The picture with the boxes of `tracks` drawn into a copy of it."""
    image = picture.image.copy()
    for track in tracks:
        _draw(image, track.box, f"{track.label} {track.confidence:.2f}")
    return Evidence(camera, picture.at, encode(image))


def encode(image: Image) -> bytes:
    """The image as a JPEG file."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(np.asarray(data))


def _draw(image: Image, box: Box, text: str) -> None:
    left, top = round(box.x), round(box.y)
    right, bottom = round(box.x + box.width), round(box.y + box.height)
    cv2.rectangle(image, (left, top), (right, bottom), _COLOUR, 2)
    (width, height), below = cv2.getTextSize(text, _FONT, _SCALE, 1)
    foot = max(top, height + below)
    cv2.rectangle(image, (left, foot - height - below), (left + width, foot), _COLOUR, cv2.FILLED)
    cv2.putText(image, text, (left, foot - below), _FONT, _SCALE, _INK, 1, cv2.LINE_AA)
