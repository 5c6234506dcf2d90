"""Live and settled: what is told at once, what three seconds later, and which picture belongs to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.events import DetectionEvent
from tests.unit.vision.street import PERSON, SIZE, Mover, Street, by_points, ms, times
from tests.unit.vision.watching import CAMERA, SQUARE
from vision.analysis import Analysis
from vision.analytics.zone import Finding
from vision.picture import Box, Picture, Seen
from vision.plane import Plane
from vision.settling import Settled, Settling
from vision.tracker import Tracker

WALK = Street([Mover(PERSON, by_points((0, 0, 30), (20, 0, 14.5)))], CAMERA)
"""In the square from 24 m on, 7.7 s after the beginning."""


def picture(time: float, size: tuple[int, int] = SIZE) -> Picture:
    return Picture(np.zeros((size[1], size[0], 3), np.uint8), ms(time))


def analysis(zones: tuple[Zone, ...] = (Zone(id="san", polygon=SQUARE),)) -> Analysis:
    calibration = CAMERA.calibration()
    return Analysis(Camera(id="c", site="s", url="u", frame_size=SIZE, calibration=calibration, zones=zones), 7)


def test_an_entry_is_told_three_seconds_later_with_the_picture_of_when_it_seemed_to_happen() -> None:
    looking, told = analysis(), list[tuple[float, Finding, str]]()
    for time in times(5, 14):
        found = looking.update(WALK.seen(time), picture(time))
        if found.begins:
            looking.pictured(found.begins, f"sha256:{time}")
        told += [(time, each, looking.picture_of(each)) for each in found.said.findings]
    ((time, entered, digest),) = told
    assert entered.event is DetectionEvent.ENTER
    assert entered.at / 1000 == pytest.approx(7.7, abs=0.4)
    taken = float(digest.removeprefix("sha256:"))
    assert taken == pytest.approx(7.9, abs=0.4)
    assert time - taken == pytest.approx(3, abs=0.5)


def test_a_better_picture_takes_the_place_of_one_that_is_not_told_yet() -> None:
    looking, told = analysis(), list[str]()
    for time in times(5, 14):
        found = looking.update(WALK.seen(time), picture(time))
        if found.begins:
            looking.pictured(found.begins, "sha256:sub")
            assert looking.awaits("sha256:sub")
            looking.repictured("sha256:sub", "sha256:main")
            looking.repictured("sha256:other", "sha256:wrong")
        told += [looking.picture_of(each) for each in found.said.findings]
    assert told == ["sha256:main"]
    assert not looking.awaits("sha256:main")
    assert not looking.awaits("")


def test_a_camera_that_changes_its_picture_size_ends_what_was_and_names_tracks_anew() -> None:
    looking, said = analysis(), list[Finding]()
    for time in times(5, 10):
        said += looking.update(WALK.seen(time), picture(time)).said.findings
    half = (SIZE[0] // 2, SIZE[1] // 2)
    for time in times(5, 8, begin_s=10.2):
        smaller = [each._replace(box=Box(*(side / 2 for side in each.box))) for each in WALK.seen(time)]
        said += looking.update(smaller, picture(time, half)).said.findings
    named = [(found.event.value, found.track.id if found.track else "") for found in said]
    assert named == [("enter", "7-1"), ("leave", "7-1"), ("enter", "7.2-1")]


def test_a_camera_on_which_nothing_is_watched_wants_no_detector() -> None:
    assert analysis().wanted
    assert not analysis(()).wanted


def settled(boxes: list[Seen | None], plane: Plane | None) -> list[Settled]:
    """Five pictures a second, with one object or none."""
    tracker, settling, found = Tracker("1", 0.5, plane), Settling(plane), list[Settled]()
    for n, seen in enumerate(boxes):
        found += settling.update(tracker.update([] if seen is None else [seen], n * 200), n * 200)
    return found + settling.end()


STANDS = Seen(Box(380, 300, 20, 60), "person", 0.9)


def test_every_picture_settles_once_in_its_order_and_the_last_ones_with_the_end() -> None:
    assert [each.at for each in settled([STANDS] * 40, None)] == [n * 200 for n in range(40)]


def test_a_track_is_there_from_its_first_box_on_and_through_the_gap_in_which_it_was_hidden() -> None:
    found = settled([None, *[STANDS] * 10, *[None] * 8, *[STANDS] * 10, *[None] * 20], None)
    there = [[track.seen for track in each.tracked.live] for each in found]
    assert there == [[], *[[True]] * 10, *[[False]] * 8, *[[True]] * 10, *[[]] * 20]
    assert [len(each.tracked.ended) for each in found] == [*[0] * 29, 1, *[0] * 19]


def test_a_flicker_was_never_there() -> None:
    assert [each.tracked for each in settled([*[STANDS] * 2, *[None] * 20], None)] == [([], [], (), ())] * 22


def test_places_are_metres_where_the_ground_is_known_even_before_the_track_had_its_name() -> None:
    plane = Plane.of(CAMERA.calibration(), SIZE, SIZE)
    x, y = CAMERA.metres(*STANDS.box.foot)
    grounds = [track.ground for each in settled([STANDS] * 20, plane) for track in each.tracked.live]
    assert len(grounds) == 20
    for ground in grounds:
        assert ground is not None
        assert math.dist((ground.x, ground.y), (x, y)) < 0.05
    assert math.isinf(grounds[0].sigma_mps if grounds[0] else 0)
    assert all(track.ground is None for each in settled([STANDS] * 20, None) for track in each.tracked.live)
