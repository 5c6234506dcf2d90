"""Scores of windows are those that OpenCV's own people detector gives, and overlaps those of areas worked out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vision.detectors.windows import STEP, WINDOW, scores
from vision.picture import Box, overlap, overlaps


@pytest.mark.parametrize("size", [WINDOW, (101, 150), (200, 131), (64, 176)])
def test_every_window_has_the_score_that_opencv_gives(size: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    coarse = random.integers(0, 255, (1 + size[1] // 9, 1 + size[0] // 9), np.uint8)
    grey = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    detector = cv2.HOGDescriptor()
    detector.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    places, expected = detector.detect(grey, -1e9, (STEP, STEP), (0, 0))
    found = scores(grey)
    assert found.shape == ((size[0] - WINDOW[0]) // STEP + 1, (size[1] - WINDOW[1]) // STEP + 1)
    assert len(places) == found.size
    for (x, y), score in zip(places, np.asarray(expected).ravel(), strict=True):
        assert found[x // STEP, y // STEP] == pytest.approx(score, abs=1e-4)


def test_overlaps_are_areas_shared_over_areas_covered() -> None:
    boxes = [Box(0, 0, 4, 4), Box(2, 2, 4, 4), Box(4, 0, 4, 4), Box(1, 1, 2, 2), Box(1, 6, 2, 2)]
    expected: list[list[float]] = [
        [1, 4 / 28, 0, 4 / 16, 0],
        [4 / 28, 1, 4 / 28, 1 / 19, 0],
        [0, 4 / 28, 1, 0, 0],
        [4 / 16, 1 / 19, 0, 1, 0],
        [0, 0, 0, 0, 1],
    ]
    np.testing.assert_allclose(overlaps(boxes, boxes), expected)
    assert [overlap(boxes[0], each) for each in boxes] == pytest.approx(expected[0])
    assert overlaps([], boxes).shape == (0, 5)
