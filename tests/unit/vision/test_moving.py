"""The detectors without weights on rendered scenes: a level camera 5 m up (see test_tracker), grey ground."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from pipeline.core.catalogue import Calibration, GroundPoint
from pipeline.local import clip
from vision.detectors import DETECTORS, Options
from vision.detectors.hog import Crop, confidence, merged, score
from vision.picture import Box, Picture, Seen, overlap

SIZE = (800, 600)
CORNERS = [(x, z) for x in (-4.0, 0.0, 4.0) for z in (8.0, 14.0, 20.0)]
CALIBRATION = Calibration(
    points=tuple(GroundPoint(picture=(400 + 500 * x / z, 300 + 2500 / z), metres=(x, z)) for x, z in CORNERS),
    camera_height=5,
)


def standing(x: float, z: float, wide: float, tall: float) -> Box:
    """The box of something `wide` and `tall` metres at X, Z."""
    return Box(400 + 500 * (x - wide / 2) / z, 300 + 2500 / z - 500 * tall / z, 500 * wide / z, 500 * tall / z)


def scene(*boxes: Box) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    image[::8] = 135  # a paving, so that the ground has something in it
    for box in boxes:
        cv2.rectangle(
            image,
            (round(box.x), round(box.y)),
            (round(box.x + box.width), round(box.y + box.height)),
            (20, 30, 200),
            -1,
        )
    return image


def watched(calibration: Calibration | None, *boxes: Box) -> list[Seen]:
    """What `motion` says when the boxes come into an empty scene."""
    detector = DETECTORS["motion"](Options(0.3, calibration=calibration))
    for n in range(10):
        assert detector.detect(Picture(scene(), n * 200, n + 1)) == []
    return detector.detect(Picture(scene(*boxes), 2000, 11))


def test_movers_are_named_by_their_size_on_the_ground() -> None:
    person, car = standing(-3, 12, 0.5, 1.7), standing(2, 14, 4.2, 1.5)
    found = watched(CALIBRATION, person, car)
    assert Counter(seen.label for seen in found) == {"person": 1, "vehicle": 1}
    by_label = {seen.label: seen.box for seen in found}
    assert overlap(by_label["person"], person) > 0.6
    assert overlap(by_label["vehicle"], car) > 0.8


def test_a_person_near_and_a_car_far_away_are_not_confused_though_equally_tall() -> None:
    found = watched(CALIBRATION, standing(-1, 8, 0.5, 1.7), standing(3, 20, 4.2, 1.5))
    assert sorted(seen.label for seen in found) == ["person", "vehicle"]


def test_two_side_by_side_are_two() -> None:
    found = watched(CALIBRATION, standing(-0.35, 10, 0.5, 1.7), standing(0.35, 10, 0.9, 1.7))
    assert [seen.label for seen in found] == ["person", "person"]


def test_a_dog_is_neither_person_nor_vehicle() -> None:
    assert watched(CALIBRATION, standing(0, 10, 0.6, 0.5)) == []


def test_without_a_calibration_shape_decides() -> None:
    found = watched(None, Box(100, 200, 40, 100), Box(400, 300, 150, 60), Box(700, 100, 6, 12))
    assert sorted(seen.label for seen in found) == ["person", "vehicle"]


def test_memory_is_time_and_not_pictures() -> None:
    kept = {}
    for period in (100, 400):
        detector = DETECTORS["motion"](Options(0.3, calibration=CALIBRATION))
        for at in range(0, 6000, period):
            detector.detect(Picture(scene(), at))
        there = [
            detector.detect(Picture(scene(standing(0, 10, 0.5, 1.7)), 6000 + at)) for at in range(0, 20_000, period)
        ]
        kept[period] = sum(bool(found) for found in there) / len(there)
    assert kept[100] == pytest.approx(kept[400], abs=0.1)


def test_hog_sees_nothing_where_nothing_moves() -> None:
    detector = DETECTORS["hog"](Options(0.3, calibration=CALIBRATION))
    assert [detector.detect(Picture(scene(), n * 200)) for n in range(3)] == [[], [], []]


def test_hog_finds_the_walkers_of_the_clip_without_a_calibration_too() -> None:
    video, detector = cv2.VideoCapture(str(clip.source())), DETECTORS["hog"](Options(0.5))
    found: list[Seen] = []
    for n in range(40):
        found = detector.detect(Picture(np.asarray(video.read()[1], np.uint8), n * 143, n + 1))
    assert found
    assert all(0.5 <= seen.confidence <= 1 and seen.label == "person" for seen in found)


def test_a_score_and_its_confidence_are_two_names_of_one_thing() -> None:
    assert confidence(0.2) == 0.5
    for value in (0.1, 0.35, 0.8):
        assert confidence(score(value)) == pytest.approx(value)


def test_crops_that_overlap_are_one_unless_they_are_of_very_different_people() -> None:
    near, far = Crop(0, 0, 100, 200, 120), Crop(50, 50, 90, 120, 40)
    assert merged([near, far]) == [near, far]
    assert merged([near, Crop(90, 0, 190, 200, 100)]) == [Crop(0, 0, 190, 200, 110)]
