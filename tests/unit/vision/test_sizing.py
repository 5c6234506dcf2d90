"""Which boxes are believed."""

from __future__ import annotations

from pipeline.core.catalogue import Calibration, Camera
from vision.detectors import followed
from vision.detectors.hog import Hog
from vision.detectors.nanodet import NanoDet
from vision.naming import people_among
from vision.picture import Box, Seen
from vision.plane import Plane
from vision.sizing import cut_off, person_sized

PLANE = Plane.of(Calibration(height=((300, 50), (500, 90))), (800, 600), (800, 600))


def seen(height: float, label: str = "person") -> Seen:
    return Seen(Box(100, 400 - height, 30, height), label, 0.9)


def test_people_of_a_height_that_nobody_has_there_are_doubted() -> None:
    # feet at 400: 70 px; from .75 of it, 52.5, to 1.33, 93.1
    found = person_sized([seen(52), seen(53), seen(93), seen(94), seen(200, "bus")], PLANE)
    assert [each.box.height for each in found if each.label != "person?"] == [53, 93, 200]
    assert [each.box.height for each in found if each.label == "person?"] == [52, 94]


def test_whoever_is_doubted_is_no_event_and_is_blurred() -> None:
    child = person_sized([seen(40)], PLANE)
    camera = Camera(id="cam", site="s", url="rtsp://127.0.0.1/")
    assert followed([*child, seen(70)], camera) == [seen(70)]
    for detector in (NanoDet, Hog):
        assert people_among(each.label for each in child) <= set(detector.people)


def test_without_an_expected_height_everything_stays() -> None:
    assert person_sized([seen(10)], None) == [seen(10)]


def test_a_box_cut_off_by_a_side_may_go_on_but_not_begin() -> None:
    left, whole, right = (Seen(Box(x, 100, 30, 80), "person", 0.9) for x in (0, 100, 769))
    assert [each.confidence for each in cut_off([left, whole, right], 800)] == [0.45, 0.9, 0.45]
