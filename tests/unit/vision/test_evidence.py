"""Evidence: a picture with boxes, named by the digest of its bytes."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera
from pipeline.core.telemetry import Component
from vision.address import Address
from vision.evidence import Evidence, View, evidence, local_time
from vision.film import Film
from vision.mainstream import MainStream
from vision.picture import Box, ClockSource, Picture, Seen
from vision.privacy import blurred
from vision.store import PictureStore
from vision.tracker import Track
from vision.witness import Witness

GREY = np.full((240, 320, 3), 128, np.uint8)
SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
CHESS = (np.indices((240, 320)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None].repeat(3, 2)
"""The finest pattern there is: no blur leaves anything of it."""


def test_the_digest_is_sha_256_of_the_file() -> None:
    # printf abc | sha256sum (FIPS 180-4, example)
    expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert Evidence("cam", 0, b"abc").digest == expected


def test_the_boxes_are_drawn_into_a_copy() -> None:
    track = Track("1-1", "person", Box(40, 50, 30, 40), 0.87, 0, seen=True)
    made = evidence("cam", Picture(GREY, 1000), [track])
    image = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert (made.camera, made.at, image.shape) == ("cam", 1000, (240, 320, 3))
    assert abs(image[90, 55].astype(int) - (0, 200, 255)).max() < 60  # the lower edge
    assert abs(image[110, 10].astype(int) - 128).max() < 8
    assert (GREY == 128).all()


def test_a_box_beyond_the_border_is_drawn_as_far_as_it_goes() -> None:
    track = Track("1-1", "person", Box(-20, -20, 400, 400), 0.5, 0, seen=True)
    assert evidence("cam", Picture(GREY, 0), [track]).jpeg[:2] == b"\xff\xd8"


def test_equal_pictures_have_equal_names_and_the_time_is_part_of_the_picture() -> None:
    first, second, later = (evidence("cam", Picture(GREY, at)) for at in (1, 1, 2))
    assert first.digest == second.digest != later.digest
    assert first.digest.removeprefix("sha256:") == hashlib.sha256(first.jpeg).hexdigest()


def shown(jpeg: bytes) -> NDArray[np.float32]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.float32)


def test_the_time_is_the_province_s_with_its_offset() -> None:
    # 1 700 000 000 s is 2023-11-14 22:13:20 UTC (`date -u -d @1700000000`); Viet Nam is 7 hours ahead all year
    assert local_time(1_700_000_000_250, SAIGON) == "2023-11-15 05:13:20.250 +07:00"


def test_camera_and_time_stand_on_a_black_plate_at_the_lower_edge() -> None:
    image = shown(evidence("cam", Picture(GREY, 0), view=View(SAIGON)).jpeg)
    plate = image[-12:, :200]
    assert (plate < 40).any()
    assert (plate > 215).any()
    assert abs(image[:200] - 128).max() < 8


def test_a_zone_s_outline_is_drawn_where_it_lies_in_pictures_of_another_size() -> None:
    square = ((20.0, 20.0), (60.0, 20.0), (60.0, 60.0), (20.0, 60.0))  # drawn on pictures of 160 x 120
    image = shown(evidence("cam", Picture(GREY, 0), view=View(SAIGON, (("yard", square),), (160, 120))).jpeg)
    for row, column in ((80, 120), (120, 80)):  # the right and the lower side, twice as far out
        assert abs(image[row, column] - (255, 190, 60)).max() < 60
    assert abs(image[80, 80] - 128).max() < 8


def test_people_are_blurred_with_a_margin_and_the_clear_picture_is_kept_beside_it() -> None:
    made = evidence("cam", Picture(CHESS, 0), people=[Box(100, 60, 40, 100)])
    hidden, clear = shown(made.jpeg), shown(made.clear)
    person = (slice(46, 174), slice(95, 145))  # 15 % of 40 and of 100 more on each side, a pixel less for safety
    assert hidden[person].std() < 12
    assert clear[person].std() > 60
    assert hidden[60:160, 10:80].std() > 60
    assert made.digest == f"sha256:{hashlib.sha256(made.jpeg).hexdigest()}"


def test_where_nobody_is_there_is_one_picture() -> None:
    assert evidence("cam", Picture(CHESS, 0), people=[]).clear == b""


def test_a_picture_in_which_nobody_looked_for_people_is_blurred_as_a_whole() -> None:
    made = evidence("cam", Picture(CHESS, 0), people=None)
    assert shown(made.jpeg)[:200].std() < 12
    assert shown(made.clear)[:200].std() > 60


def test_two_faces_cannot_be_told_apart_when_they_are_blurred() -> None:
    """Two letters of 12 pixels, the size of faces far away."""

    def face(letter: str) -> NDArray[np.uint8]:
        image = GREY.copy()
        cv2.putText(image, letter, (150, 80), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1)
        return image

    first, second = (blurred(face(letter), [Box(140, 60, 30, 90)]).astype(int) for letter in "AH")
    assert np.abs(face("A").astype(int) - face("H")).max() > 100
    assert np.abs(first - second).max() < 16


@pytest.mark.parametrize("box", [Box(-50, -50, 20, 20), Box(300, 220, 100, 100), Box(10, 10, 0, 0), Box(5, 5, 1, 300)])
def test_boxes_at_and_beyond_the_border_are_blurred_as_far_as_they_go(box: Box) -> None:
    assert blurred(GREY, [box]).shape == GREY.shape


def test_whoever_is_tracked_but_not_seen_just_now_is_blurred_too() -> None:
    witness = Witness(Camera(id="cam", site="s", url="rtsp://127.0.0.1/"), Film(), ["person"], SAIGON)
    picture = Picture(CHESS, 1000)
    witness.note(picture, [Seen(Box(10, 20, 40, 100), "person", 0.4), Seen(Box(10, 140, 60, 40), "car", 0.9)])
    coasting = Track("1-1", "person", Box(200, 60, 40, 100), 0.9, 900, seen=False)
    hidden = shown(witness.evidence(picture, [coasting]).jpeg)
    assert hidden[40:110, 20:40].std() < 12
    assert hidden[80:150, 210:230].std() < 12
    assert hidden[150:170, 20:60].std() > 60


def test_whoever_was_seen_a_moment_ago_is_blurred_too_for_detectors_blink() -> None:
    witness = Witness(Camera(id="cam", site="s", url="rtsp://127.0.0.1/"), Film(), ["person"], SAIGON)
    witness.note(Picture(CHESS, 1000), [Seen(Box(10, 20, 40, 100), "person", 0.9)])
    for at, hidden in ((1600, True), (1800, False)):
        witness.note(Picture(CHESS, at), [])
        image = shown(witness.evidence(Picture(CHESS, at)).jpeg)
        assert bool(image[40:110, 20:40].std() < 12) is hidden


def test_a_picture_that_no_detector_saw_is_blurred_as_a_whole() -> None:
    witness = Witness(Camera(id="cam", site="s", url="rtsp://127.0.0.1/"), Film(), ["person"], SAIGON)
    witness.note(Picture(CHESS, 1000), [])
    assert shown(witness.evidence(Picture(CHESS, 1000)).jpeg)[:200].std() > 60
    assert shown(witness.evidence(Picture(CHESS, 1200)).jpeg)[:200].std() < 12


# --- pictures of the main stream, which nobody analysed

LARGE = np.full((480, 640, 3), 128, np.uint8)
LARGER = (np.indices((960, 1280)).sum(0) // 2 % 2 * 255).astype(np.uint8)[:, :, None].repeat(3, 2)
TWO_STREAMS = Camera(id="cam", site="s", url="rtsp://127.0.0.1/1", evidence_url="rtsp://127.0.0.1/2")


def test_boxes_and_zones_lie_where_they_are_in_the_main_stream_s_picture() -> None:
    track = Track("1-1", "car", Box(40, 50, 30, 40), 0.87, 0, seen=True)
    square = ((200.0, 20.0), (260.0, 20.0), (260.0, 60.0), (200.0, 60.0))
    made = evidence(
        "cam", Picture(LARGE, 0), [track], people=[], view=View(SAIGON, (("yard", square),)), analysed=(320, 240)
    )
    image = shown(made.jpeg)
    assert image.shape == (480, 640, 3)
    assert made.clear == b""
    assert abs(image[180, 110] - (0, 200, 255)).max() < 60  # the lower edge of the box, at 2 x (50 + 40)
    assert abs(image[80, 520] - (255, 190, 60)).max() < 60  # the right side of the zone, at 2 x 260
    assert abs(image[140, 400] - 128).max() < 8


def test_who_was_too_small_for_the_detector_is_at_most_twice_as_large_in_the_blurred_copy() -> None:
    for people in ([], [Box(100, 60, 40, 100)], None):
        made = evidence("cam", Picture(LARGER, 0), people=people, analysed=(320, 240))
        assert [shown(made.jpeg).shape, shown(made.clear).shape] == [(480, 640, 3), (960, 1280, 3)]


def test_people_are_blurred_in_the_main_stream_s_picture_wherever_they_walked_about_its_time() -> None:
    """The main picture is of 1100, between two looks; the box is drawn as of the nearer one."""
    witness = Witness(TWO_STREAMS, Film(), ["person"], SAIGON)
    for at, x in ((1000, 20), (1200, 60), (1400, 100)):
        looked, box = Picture(CHESS, at), Box(x, 40, 30, 80)
        witness.note(looked, [Seen(box, "person", 0.9)])
        witness.follow(looked, [Track("1-1", "person", box, 0.9, at, seen=True)])
    main = Picture(LARGER[:480, :640], 1190)
    hidden, clear = shown(witness.of_main(main).jpeg), shown(witness.of_main(main).clear)
    for x in (20, 60, 100):
        person = (slice(100, 220), slice(2 * x + 8, 2 * x + 52))
        assert hidden[person].std() < 50 < clear[person].std()
    assert hidden[:400, 400:].std() > 60
    assert abs(clear[160, 120] - (0, 200, 255)).max() < 80  # the left edge of the box of 1200, at 2 x 60


@pytest.mark.parametrize("at", [900, 1500, 1900])
def test_a_main_picture_of_a_time_about_which_nobody_looked_is_blurred_as_a_whole(at: int) -> None:
    witness = Witness(TWO_STREAMS, Film(), ["person"], SAIGON)
    for looked in (1000, 1400):
        witness.note(Picture(CHESS, looked), [])
    assert not witness.saw(at)
    assert shown(witness.of_main(Picture(LARGER[:480, :640], at)).jpeg)[:400].std() < 12
    assert witness.saw(1200)
    assert shown(witness.of_main(Picture(LARGER[:480, :640], 1200)).jpeg)[:400].std() > 60


def test_a_picture_says_of_which_stream_it_is_when_there_are_two() -> None:
    """A longer caption has a wider plate."""

    def plate(camera: Camera) -> int:
        witness = Witness(camera, Film(), ["person"], SAIGON)
        witness.note(Picture(GREY, 1000), [])
        row = shown(witness.evidence(Picture(GREY, 1000)).jpeg)[-8]
        return int(np.flatnonzero(abs(row - 128).max(1) > 40).max())

    assert plate(TWO_STREAMS) > plate(Camera(id="cam", site="s", url="rtsp://127.0.0.1/")) + 20


def test_the_main_stream_s_picture_of_an_event_is_near_by_the_same_clock() -> None:
    main = MainStream("big", lambda: Address("rtsp://127.0.0.1/"), None)
    for at in (1000, 2000):
        main._keep(Picture(GREY, at, clock="rtcp"))

    def near(at: int, clock: ClockSource = "rtcp") -> int | None:
        found = main.near(Picture(GREY, at, clock=clock))
        return None if found is None else found.at

    assert [near(at) for at in (400, 500, 1400, 1600, 2500, 2501)] == [None, 1000, 1000, 2000, 2000, None]
    assert near(1000, "arrival") is None


def test_by_arrival_two_streams_are_compared_only_where_both_tell_the_time_of_arrival() -> None:
    """A sub-stream on its way from one clock to another tells a time that is not yet, or no longer, that of arrival."""
    main = MainStream("big", lambda: Address("rtsp://127.0.0.1/"), None)
    main._keep(Picture(GREY, 2000, arrived=2000))
    found = [main.near(Picture(GREY, 2000, arrived=arrived)) for arrived in (2000, 2200, 2300, 1800, 1700)]
    assert [each is not None for each in found] == [True, True, False, True, False]


def test_without_a_database_pictures_are_refused_at_once_and_counted() -> None:
    component = Component("vision", CollectorRegistry())
    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    store.start()
    assert not any(store.keep(Evidence("cam", 0, b"x")) for _ in range(3))
    store.stop()
    assert component.dropped.labels("store_down")._value.get() == 3
    assert component.balance() == 0
