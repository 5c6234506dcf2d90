"""What moves before a background that is learned: blobs, for the detectors that need no weights.

MOG2 (Zivkovic and van der Heijden, Pattern Recognition Letters 27, 2006) on pictures of half the size. It forgets by
time, not by the number of pictures: what stands for MEMORY_S becomes background. The first seconds give ghosts of
those who stood there first.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.picture import Box, Picture
from vision.plane import Plane

MEMORY_S = 200.0
GAP_MOST_S = 10.0
"""After a longer gap the light may be another: the background is not believed more quickly than after this."""
_HALF = 0.5
_VARIANCE = 16.0
_OPEN = np.ones((3, 3), np.uint8)
_JOIN = np.ones((9, 3), np.uint8)
"""Legs, body and head of one person come apart where the clothes are like the ground: joined upwards, not sideways."""
_SHADOW = 127


class Blob(NamedTuple):
    """Something that moves: its bounding box and its area, in pixels of the picture."""

    box: Box
    area: float


class Background:
    """The background of one camera."""

    def __init__(self) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(round(MEMORY_S), _VARIANCE, detectShadows=True)
        self._size = (0, 0)
        self._at: int | None = None
        self._pictures = 0

    def blobs(self, picture: Picture) -> list[Blob]:
        """What moves in the picture; learns from it."""
        mask = self._moving(picture)
        joined = cv2.dilate(cv2.morphologyEx(mask, cv2.MORPH_OPEN, _OPEN), _JOIN)
        _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
        return [
            Blob(Box(*(float(side) / _HALF for side in row[:4])), float(row[4]) / _HALF**2)
            for row in stats[1:].tolist()
        ]

    def _moving(self, picture: Picture) -> NDArray[np.uint8]:
        """Half the size, 255 where something moves; shadows do not."""
        if picture.size != self._size:
            self._size, self._pictures, self._at = picture.size, 0, None
            self._model.clear()
        small = cv2.resize(picture.image, None, fx=_HALF, fy=_HALF, interpolation=cv2.INTER_AREA)
        mask = self._model.apply(small, learningRate=self._rate(picture.at))
        return np.asarray((mask > _SHADOW) * 255, np.uint8)

    def _rate(self, at: int) -> float:
        """How much of the background this picture is: by the time since the one before, and more at the beginning."""
        self._pictures += 1
        gap = GAP_MOST_S if self._at is None else min(max((at - self._at) / 1000, 0.0), GAP_MOST_S)
        self._at = at
        return max(1 - math.exp(-gap / MEMORY_S), 1 / (2 * self._pictures)) if self._pictures > 1 else 1.0


def expected_heights(boxes: list[Box], plane: Plane | None) -> list[float]:
    """How tall a person is at the foot of each box; the height of the box where nothing better is known."""
    expected = plane.expected_height([box.foot for box in boxes]) if plane is not None and boxes else None
    if expected is None:
        return [box.height for box in boxes]
    return [box.height if math.isnan(height) else height for box, height in zip(boxes, expected.tolist(), strict=True)]
