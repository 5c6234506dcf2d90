"""What passes between the parts of one camera: pictures, and what was seen in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Rows x columns x 3, blue green red, 0 to 255."""

ClockSource = Literal["rtcp", "arrival"]
"""Whose time a picture carries: the camera's own (RTCP sender report) or that of its arrival."""


class Picture(NamedTuple):
    """One decoded picture. `at`: its time in ms; `arrived`: when it was decoded here, ms; `number` counts from 1.

    `quiet`: nothing changed since the detector last looked, see `vision.gate`.
    """

    image: Image
    at: int
    number: int = 1
    clock: ClockSource = "arrival"
    arrived: int = 0
    quiet: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


class Box(NamedTuple):
    """A rectangle in pixels of its picture, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def foot(self) -> tuple[float, float]:
        """The bottom centre: where the object stands."""
        return self.x + self.width / 2, self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle."""
        return self.x + self.width / 2, self.y + self.height / 2


class Seen(NamedTuple):
    """One object that a detector saw; `confidence` 0 to 1."""

    box: Box
    label: str
    confidence: float


def overlap(a: Box, b: Box) -> float:
    """Area of the intersection over area of the union of two boxes, 0 to 1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.width * a.height + b.width * b.height - shared)


def overlaps(a: Sequence[Box], b: Sequence[Box]) -> NDArray[np.float64]:
    """`overlap` of each of `a` with each of `b`."""
    if not a or not b:
        return np.zeros((len(a), len(b)))
    left, top, width, height = np.array(a).T[:, :, None]
    x, y, across, down = np.array(b).T[:, None, :]
    wide = np.minimum(left + width, x + across) - np.maximum(left, x)
    tall = np.minimum(top + height, y + down) - np.maximum(top, y)
    shared = np.where((wide > 0) & (tall > 0), wide * tall, 0.0)
    return np.asarray(shared / np.maximum(width * height + across * down - shared, np.finfo(float).tiny))
