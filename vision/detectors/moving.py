"""What moves before a background that is learned: blobs, for the detectors that need no weights.

MOG2 (Zivkovic and van der Heijden, Pattern Recognition Letters 27, 2006) on pictures of half the size. It forgets by
time, not by the number of pictures. What came and stands is kept out of it for half an hour
(vision.detectors.standing): without that, a fresh model of MEMORY_S takes it for background after a tenth of that.
The first seconds give ghosts of those who stood there first.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detectors.standing import Standing, Thing
from vision.picture import Box, Image, Picture
from vision.plane import Plane

MEMORY_S = 200.0
GAP_MOST_S = 10.0
"""After a longer gap the light may be another: the background is not believed more quickly than after this."""
FLOODED, FLOOD_S = 0.4, 5.0
"""When more of the picture than this moves, the light changed or the camera turned: nothing is told of it, and the
background is learned anew, unless it is no older than that many seconds."""
SHADE = 1 / 3
"""What a pixel in a shadow counts towards that: a cloud over all of the picture is none yet."""
_HALF = 0.5
PIXEL = 1 / _HALF
"""Of the reduced picture, in pixels of the picture."""
_VARIANCE = 16.0
_OPEN = np.ones((3, 3), np.uint8)
_JOIN = np.ones((9, 3), np.uint8)
"""Legs, body and head of one person come apart where the clothes are like the ground: joined upwards, not sideways."""
_SHADOW = 127


class Blob(NamedTuple):
    """Something that moves. `box` and `area`: pixels of the picture, with the margin that joined its parts; `mask`:
    what moves within the box, at half the size."""

    box: Box
    area: float
    mask: NDArray[np.bool_]

    @property
    def moving(self) -> float:
        """How many pixels of the picture move in it, without the margin."""
        return float(np.count_nonzero(self.mask)) / _HALF**2

    def columns(self, count: int) -> list[Box]:
        """What moves, without the margin, in `count` parts of equal width side by side; empty ones are left out."""
        across = np.flatnonzero(self.mask.any(0))
        if not len(across):
            return []
        edges = np.linspace(across[0], across[-1] + 1, count + 1).round().astype(int).tolist()
        return [box for left, right in pairwise(edges) if (box := self._part(left, right)) is not None]

    def _part(self, left: int, right: int) -> Box | None:
        rows = np.flatnonzero(self.mask[:, left:right].any(1))
        if not len(rows):
            return None
        x, y = self.box.x + left / _HALF, self.box.y + float(rows[0]) / _HALF
        return Box(x, y, (right - left) / _HALF, float(rows[-1] + 1 - rows[0]) / _HALF)


class Background:
    """The background of one camera."""

    def __init__(self) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(round(MEMORY_S), _VARIANCE, detectShadows=True)
        self._size = (0, 0)
        self._standing = Standing(0, 0)
        self._at: int | None = None
        self._learned_s = 0.0

    def blobs(self, picture: Picture) -> list[Blob]:
        """What moves in the picture, and what came and stands; learns from it."""
        moving, things = self._moving(picture)
        return [*_movers(moving), *(_standing(thing) for thing in things)]

    def _moving(self, picture: Picture) -> tuple[NDArray[np.uint8], list[Thing]]:
        """Half the size, 255 where something moves; shadows do not. And what stands."""
        small = np.asarray(cv2.resize(picture.image, None, fx=_HALF, fy=_HALF, interpolation=cv2.INTER_AREA), np.uint8)
        if picture.size != self._size:
            self._size, self._at = picture.size, None
            self._begin(small)
        mask = self._model.apply(self._standing.learnable(small), learningRate=self._rate(picture.at))
        moving = np.asarray(cv2.inRange(mask, (_SHADOW + 1,), (255,)), np.uint8)
        shadows = cv2.countNonZero(mask) - cv2.countNonZero(moving)
        if cv2.countNonZero(moving) + SHADE * shadows > FLOODED * moving.size:
            if self._learned_s > FLOOD_S:
                self._begin(small)
            return np.zeros_like(moving), []
        return self._standing.update(small, moving, self._learned, picture.at, 1000 * self._learned_s)

    def _begin(self, small: Image) -> None:
        """Learn anew, as from the first picture."""
        self._learned_s = 0.0
        self._model.clear()
        self._model.apply(small, learningRate=1.0)
        self._standing = Standing(*small.shape[:2])

    def _learned(self) -> NDArray[np.uint8]:
        return np.asarray(self._model.getBackgroundImage(), np.uint8)

    def _rate(self, at: int) -> float:
        """How much of the background this picture is: by the time since the one before, and more at the beginning."""
        if self._at is None:
            self._at = at
            return 1.0
        gap = min(max((at - self._at) / 1000, 0.0), GAP_MOST_S)
        self._at = at
        self._learned_s += gap
        young = gap / (2 * (self._learned_s + gap)) if gap else 0.0
        return max(1 - math.exp(-gap / MEMORY_S), young)


def _movers(moving: NDArray[np.uint8]) -> list[Blob]:
    """What moves, without specks, in parts that hang together."""
    if not cv2.countNonZero(moving):
        return []
    mask = cv2.morphologyEx(moving, cv2.MORPH_OPEN, _OPEN)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, _JOIN))
    return [_blob(mask, labels, n, row) for n, row in enumerate(stats.tolist()) if n]


def _blob(mask: NDArray[Any], labels: NDArray[Any], number: int, row: list[int]) -> Blob:
    x, y, width, height, area = row
    there = np.s_[y : y + height, x : x + width]
    box = Box(x / _HALF, y / _HALF, width / _HALF, height / _HALF)
    return Blob(box, area / _HALF**2, (labels[there] == number) & (mask[there] > 0))


def _standing(thing: Thing) -> Blob:
    rows, columns = thing.where
    height, width = thing.mask.shape
    box = Box(columns.start / _HALF, rows.start / _HALF, width / _HALF, height / _HALF)
    return Blob(box, np.count_nonzero(thing.mask) / _HALF**2, thing.mask)


def expected_heights(boxes: list[Box], plane: Plane | None) -> list[float]:
    """How tall a person is at the foot of each box; the height of the box where nothing better is known."""
    expected = plane.expected_height([box.foot for box in boxes]) if plane is not None and boxes else None
    if expected is None:
        return [box.height for box in boxes]
    return [box.height if math.isnan(height) else height for box, height in zip(boxes, expected.tolist(), strict=True)]
