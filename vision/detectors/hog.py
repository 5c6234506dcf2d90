"""People without weights: histograms of oriented gradients where something moves, at the size that the ground says.

HOG and its people detector are OpenCV's (Dalal and Triggs, Histograms of Oriented Gradients for Human Detection,
CVPR 2005): a window of 64 x 128 pixels that a person of 96 pixels fills. Only around what moves (vision.detectors.
moving) is it asked, in crops rescaled so that the person expected there has that height. For fixed cameras by
daylight; it sees neither vehicles nor people who sit, and whoever stood there first only when they move. Without a
calibration what moves is taken to be a person from head to foot, which groups are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from vision.detectors import Options
from vision.detectors.moving import Background, Blob, expected_heights
from vision.detectors.windows import STEP, WINDOW, scores
from vision.naming import DOUBTED, PERSON
from vision.picture import Box, Image, Picture, Seen, overlaps
from vision.plane import PlaneOfSize
from vision.sizing import cut_off, person_sized

PERSON_PX = 96.0
ASPECT = 0.41
"""Width over height of a person's box (Dollár and others, Pedestrian Detection, PAMI 2012)."""
SCALES = (0.8, 0.9, 1.0, 1.12, 1.25)
SURE_HIT = 0.2
"""The distance from the classifier's plane that is a confidence of one half."""
STRONG_HIT = 0.35
"""The confidence from which a hit has a say in where a box lies."""
STEEPNESS = 2.0
NMS_OVERLAP = 0.3
SAME_HIT_OVERLAP = 0.5
LEAST_HEIGHT_PX = 24.0
LEAST_AREA, LEAST_HEIGHT = 0.1, 0.3
"""What moves must have this part of a person's area and height."""
_SIDES, _TOP, _BOTTOM = 0.35, 0.25, 0.3
CROPS_MOST = 32
"""Crops looked at in one picture, the largest first: rain and flicker are many small blobs."""


class Crop(NamedTuple):
    """A part of the picture to look at, and how tall a person is in it."""

    left: float
    top: float
    right: float
    bottom: float
    height: float


class _Hit(NamedTuple):
    box: Box
    score: float


class Hog:
    """People who move. One instance a camera: it learns the background."""

    people = (PERSON, DOUBTED)

    def __init__(self, options: Options) -> None:
        self._lowest = options.lowest
        self._plane = PlaneOfSize(options.calibration, options.frame_size)
        self._background = Background()

    def detect(self, picture: Picture) -> list[Seen]:
        """People where something moves, boxes in pixels."""
        plane = self._plane.of(picture.size)
        blobs = self._background.blobs(picture)
        crops = merged(crops_of(blobs, expected_heights([blob.box for blob in blobs], plane)))
        largest = sorted(crops, key=lambda crop: (crop.left - crop.right) * (crop.bottom - crop.top))[:CROPS_MOST]
        grey = cv2.cvtColor(picture.image, cv2.COLOR_BGR2GRAY)
        hits = [hit for crop in largest for hit in self._hits(np.asarray(grey, np.uint8), crop)]
        found = [Seen(hit.box, "person", confidence(hit.score)) for hit in told(hits)]
        sized = person_sized(cut_off(found, picture.size[0]), plane)
        return [each for each in sized if each.confidence >= self._lowest]

    def _hits(self, grey: Image, crop: Crop) -> Iterable[_Hit]:
        lowest = score(self._lowest)
        for scale in SCALES:
            factor = PERSON_PX * scale / crop.height
            part, left, top = cut(grey, crop, factor)
            found = scores(part)
            for column, row in zip(*np.nonzero(found >= lowest), strict=True):
                x, y = int(column) * STEP, int(row) * STEP
                middle, head = (x + WINDOW[0] / 2) / factor + left, (y + (WINDOW[1] - PERSON_PX) / 2) / factor + top
                height = PERSON_PX / factor
                yield _Hit(Box(middle - ASPECT * height / 2, head, ASPECT * height, height), float(found[column, row]))


def confidence(hit: float) -> float:
    """A classifier's score as a confidence: one half at SURE_HIT."""
    return 1 / (1 + math.exp(-STEEPNESS * (hit - SURE_HIT)))


def score(confidence_: float) -> float:
    """The classifier's score of a confidence."""
    inner = min(max(confidence_, 0.01), 0.99)
    return SURE_HIT + math.log(inner / (1 - inner)) / STEEPNESS


def crops_of(blobs: Sequence[Blob], heights: Sequence[float]) -> list[Crop]:
    """Blobs that may be people, with room around them."""
    return [
        Crop(
            blob.box.x - _SIDES * height,
            min(blob.box.y, blob.box.y + blob.box.height - height) - _TOP * height,
            blob.box.x + blob.box.width + _SIDES * height,
            blob.box.y + blob.box.height + _BOTTOM * height,
            height,
        )
        for blob, height in zip(blobs, heights, strict=True)
        if height >= LEAST_HEIGHT_PX
        and blob.box.height >= LEAST_HEIGHT * height
        and blob.area >= LEAST_AREA * ASPECT * height**2
    ]


def merged(crops: Iterable[Crop]) -> list[Crop]:
    """Crops that overlap become one around both, for people a little nearer than the mean."""
    done: list[Crop] = []
    for crop in sorted(crops):
        while (other := next((each for each in done if _touch(each, crop)), None)) is not None:
            done.remove(other)
            crop = _joined(other, crop)
        done.append(crop)
    return done


def _touch(a: Crop, b: Crop) -> bool:
    return (
        min(a.right, b.right) > max(a.left, b.left)
        and min(a.bottom, b.bottom) > max(a.top, b.top)
        and max(a.height, b.height) < 1.5 * min(a.height, b.height)
    )


def _joined(a: Crop, b: Crop) -> Crop:
    height = (a.height + b.height) / 2
    return Crop(min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom), height)


def cut(grey: Image, crop: Crop, factor: float) -> tuple[Image, float, float]:
    """The crop enlarged by `factor`, at least a window large, and its corner; beyond the picture its edge goes on."""
    rows, columns = grey.shape[:2]
    left, top, right, bottom = (math.floor(side) for side in crop[:4])
    right, bottom = max(right, left + math.ceil(WINDOW[0] / factor)), max(bottom, top + math.ceil(WINDOW[1] / factor))
    inner = grey[max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    part = cv2.copyMakeBorder(
        inner, max(-top, 0), max(bottom - rows, 0), max(-left, 0), max(right - columns, 0), cv2.BORDER_REPLICATE
    )
    size = (max(round(part.shape[1] * factor), WINDOW[0]), max(round(part.shape[0] * factor), WINDOW[1]))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.uint8), left, top


def told(hits: Sequence[_Hit]) -> list[_Hit]:
    """The people of hits. Weak hits may be people of their own; they do not move the boxes of strong ones."""
    strong = [hit for hit in hits if hit.score >= score(STRONG_HIT)]
    return settled(strong) + [each for each in settled(hits) if each.score < score(STRONG_HIT)]


def settled(hits: Sequence[_Hit]) -> list[_Hit]:
    """Non-maximum suppression; each box that stays becomes the mean of all hits on the same person, by score."""
    if not hits:
        return []
    best = sorted(hits, key=lambda each: -each.score)
    boxes = [hit.box for hit in best]
    shared = overlaps(boxes, boxes)
    kept: list[int] = []
    left = np.arange(len(best))
    while len(left):
        kept.append(int(left[0]))
        left = left[shared[left[0], left] <= NMS_OVERLAP]
    weights = np.array([confidence(hit.score) for hit in best]) * (shared[kept] > SAME_HIT_OVERLAP)
    means = weights @ np.array(boxes) / weights.sum(1, keepdims=True)
    return [_Hit(Box(*mean), best[n].score) for n, mean in zip(kept, means.tolist(), strict=True)]
