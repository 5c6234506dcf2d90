"""What came and stands is not learned away; what was uncovered, and light, is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import CAR, SIZE, Body, Mover, Street, asphalt, by_points, ms, straight, times
from tests.unit.vision.test_rendered import ARROW, LANE, VIEW, calibration
from tests.unit.vision.watching import Heard
from vision.analysis import Analysis
from vision.detectors import DETECTORS, Options
from vision.detectors.moving import Background
from vision.picture import Image, Picture, Seen

EPOCH_S = 60_000
LEARN_S = 24
Scene = tuple[Heard, dict[float, list[Seen]]]


def play(zone: Zone, movers: list[Mover], fps: float, length_s: float) -> Scene:
    """All that is said, and what is seen by the time, of a street that was learned with whoever stands there first."""
    camera = Camera(
        id="c", site="s", url="u", detector="motion", frame_size=SIZE, calibration=calibration(), zones=(zone,)
    )
    detector = DETECTORS["motion"](Options(0.3, None, {}, camera.calibration, SIZE))
    street, analysis, heard, seen = Street(movers, VIEW), Analysis(camera, 7), Heard([], []), {}
    noise = np.tile(np.random.default_rng(3).normal(0, 2, (SIZE[1], SIZE[0], 3)).astype(np.int16), (2, 1, 1))
    for n, time in enumerate(times(fps, length_s + LEARN_S, -LEARN_S)):
        grain = noise[97 * n % SIZE[1] :][: SIZE[1]]
        grainy = np.asarray(cv2.add(street.picture(time), grain, dtype=cv2.CV_8U), np.uint8)
        picture = Picture(grainy, ms(EPOCH_S + time), n + 1)
        seen[time] = detector.detect(picture)
        said = analysis.update(seen[time], picture).said
        heard.findings.extend(said.findings)
        heard.measures.extend(said.measures)
    said = analysis.end()
    return Heard(heard.findings + said.findings, heard.measures + said.measures), seen


def lane(**settings: Any) -> Zone:
    return Zone(id="lan-1", polygon=LANE, **{"labels": ("vehicle",), "direction": (ARROW[0], ARROW[1]), **settings})


def test_a_car_that_stands_for_four_minutes_among_others_that_pass_is_stopped_once_from_the_third_on() -> None:
    halting = Mover(CAR, by_points((1, -2, 45), (5, -2, 20), (245, -2, 20), (249, -2, -1)))
    passing = [Mover(CAR, straight((2.3 - 1.8 * (n % 2), 45), (0, -9), begin=8 + 12 * n)) for n in range(20)]
    heard, _ = play(lane(stopped_s=180), [halting, *passing], 3, 252)
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at / 1000 - EPOCH_S == pytest.approx(5 + 180, abs=1)
    assert end.at / 1000 - EPOCH_S == pytest.approx(245, abs=1)


def test_a_queue_keeps_its_length_while_it_stands() -> None:
    """Three cars 5.5 m apart from 16 s to 50 s: two gaps and a car of 4.5 m. The street turns what stands: square."""
    ways = [
        by_points((6 * n, -17, 20), (6 * n + 4, 5.5 - 5.5 * n, 20), (50 + n, 5.5 - 5.5 * n, 20), (54 + n, 22, 20))
        for n in range(3)
    ]
    across = tuple(VIEW.ground((-9, 20), (9, 20)))
    heard, _ = play(lane(direction=across), [Mover(Body("car", 3.6, 3.6, 1.4), way) for way in ways], 3, 62)
    told = {each.at // 1000 - EPOCH_S: each.value for each in heard.measures if each.quantity == "queue_length"}
    assert [told[at] for at in range(20, 50, 5)] == [pytest.approx(2 * 5.5 + 4.5, rel=0.03)] * 6
    assert told[60] == 0


def test_a_car_that_was_there_from_the_beginning_leaves_no_ghost_that_stands() -> None:
    parked = Mover(CAR, by_points((-LEARN_S, -2, 20), (5, -2, 20), (9, -2, -1)))
    heard, seen = play(lane(stopped_s=5), [parked], 5, 20)
    assert heard.of(DetectionEvent.STOPPED) == []
    assert any(found for time, found in seen.items() if 6 < time < 8)
    assert [found for time, found in seen.items() if time > 10] == [[]] * 50


@pytest.mark.parametrize(("fps", "stops"), [(3, (5, 12)), (10, (5, 12, 16))])
def test_cars_that_stop_in_the_first_seconds_after_a_start_are_seen_too(fps: float, stops: tuple[float, ...]) -> None:
    """Each in a lane of its own, for a minute."""
    begins = [-LEARN_S + stop for stop in stops]
    lanes = [-5.0 + 3.5 * n for n in range(len(stops))]
    ways = [
        by_points((begin - 4, x, 45), (begin, x, 20), (begin + 60, x, 20), (begin + 64, x, -1))
        for begin, x in zip(begins, lanes, strict=True)
    ]
    _, seen = play(lane(), [Mover(CAR, way) for way in ways], fps, stops[-1] + 48)
    for begin, x in zip(begins, lanes, strict=True):
        (left, top), (right, bottom) = VIEW.ground((x - 1, 21), (x + 1, 15))
        there = {
            time: sum(left < each.box.foot[0] < right and top < each.box.foot[1] < bottom for each in found)
            for time, found in seen.items()
        }
        assert {count for time, count in there.items() if begin < time < begin + 59} == {1}
        assert {count for time, count in there.items() if begin + 67 < time} == {0}


# --- the background alone: 320 x 240 pixels of a ground with a texture, and what is put upon it

GROUND = np.repeat(asphalt()[:240, :320, :1], 3, 2) // 2 * 2 + 20
THING = (slice(100, 140), slice(200, 260))


def with_thing(image: Image = GROUND) -> Image:
    image = image.copy()
    image[THING] = (200, 40, 30)
    return image


def learnt(image: Image = GROUND) -> Background:
    background = Background()
    for n in range(150):
        background.blobs(Picture(image, n * 200))
    return background


def blobs(background: Background, image: Image, begin_s: float, length_s: float, apart_s: float = 0.2) -> list[int]:
    """How many blobs there are in each of some pictures that are all the same."""
    return [len(background.blobs(Picture(image, ms(time)))) for time in times(1 / apart_s, length_s, begin_s)]


def test_what_came_and_stands_is_seen_for_half_an_hour_and_no_longer() -> None:
    background = learnt()
    assert blobs(background, with_thing(), 30, 10) == [1] * 51
    assert blobs(background, with_thing(), 50, 1700, apart_s=10) == [1] * 171
    assert blobs(background, with_thing(), 2000, 60, apart_s=1)[-1] == 0


def test_a_clock_that_goes_back_makes_no_half_hour_longer() -> None:
    background = learnt()
    blobs(background, GROUND, 86_400, 30)
    assert blobs(background, with_thing(), 86_431, 10)[-1] == 1
    assert blobs(background, with_thing(), 10, 1700, apart_s=10) == [1] * 171
    assert blobs(background, with_thing(), 1960, 60, apart_s=1)[-1] == 0


def test_when_it_is_gone_the_ground_is_what_it_was() -> None:
    background = learnt()
    blobs(background, with_thing(), 30, 10)
    blobs(background, with_thing(), 50, 1200, apart_s=10)
    assert blobs(background, GROUND, 1251, 10) == [0] * 51


def test_what_passes_before_it_is_a_blob_of_its_own_and_it_stays_one() -> None:
    background = learnt()
    blobs(background, with_thing(), 30, 10)
    for n in range(20):
        image = with_thing()
        image[120:160, 180 + 4 * n : 210 + 4 * n] = (10, 200, 200)
        found = background.blobs(Picture(image, 41_000 + n * 200))
        assert sorted(blob.moving for blob in found) == [
            pytest.approx(30 * 40, rel=0.1),
            pytest.approx(40 * 60, rel=0.1),
        ]


def test_a_part_of_the_ground_that_is_lit_is_learned_and_not_kept() -> None:
    background, lit = learnt(), GROUND.copy()
    lit[60:200, 30:170] = np.clip(lit[60:200, 30:170] * 1.4, 0, 255).astype(np.uint8)
    assert blobs(background, lit, 30, 1)[0] == 1
    assert blobs(background, lit, 31.2, 10)[5:] == [0] * 46


def test_a_light_over_all_keeps_nothing() -> None:
    background = learnt()
    bright = np.clip(GROUND * 1.5, 0, 255).astype(np.uint8)
    blobs(background, bright, 30, 60)
    assert blobs(background, bright, 91, 5) == [0] * 26


def test_a_camera_that_was_turned_learns_its_new_scene() -> None:
    background = learnt()
    other = np.random.default_rng(5).integers(0, 255, (12, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    blobs(background, other, 30, 60)
    assert blobs(background, other, 91, 5) == [0] * 26


def test_dusk_neither_frees_what_stands_nor_leaves_a_ghost_of_it() -> None:
    background, at = learnt(), 30_000
    for n in range(750):  # five minutes, down to 55 %
        image = np.asarray(with_thing() * (1 - 0.0006 * n), np.uint8)
        assert len(background.blobs(Picture(image, at := at + 400))) == 1
    dark = np.asarray(GROUND * 0.55, np.uint8)
    assert blobs(background, dark, at / 1000 + 0.2, 10)[-40:] == [0] * 40


@pytest.mark.parametrize(("gain", "add"), [(0.4, 0), (0.5, 0), (1.6, 0), (2.2, 0), (1.0, 40)])
def test_a_light_that_goes_on_or_off_is_no_object_and_a_second_later_all_is_seen_again(gain: float, add: float) -> None:
    background = learnt()

    def lit(image: Image) -> Image:
        return np.asarray(np.clip(image * gain + add, 0, 255), np.uint8)

    assert max(blobs(background, lit(GROUND), 30, 60)) == 0
    assert blobs(background, lit(with_thing()), 91, 10) == [1] * 51


def test_a_cloud_before_the_sun_takes_nothing_from_what_stands() -> None:
    background = learnt()
    blobs(background, with_thing(), 30, 10)
    clouded = (with_thing() * 0.7).astype(np.uint8)
    assert blobs(background, clouded, 41, 10) == [1] * 51
