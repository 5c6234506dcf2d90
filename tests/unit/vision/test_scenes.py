"""Boxes of a street through the real tracker and all that follows: what a camera says against what was there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import harmonic_mean
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from pipeline.core.catalogue import Camera, Line, Zone
from pipeline.core.events import DetectionEvent, Edge, Speed
from tests.unit.vision.street import CAR, MOTORCYCLE, PERSON, SIZE, Mover, Street, by_points, ms, straight, times
from tests.unit.vision.watching import CAMERA, RATES, SQUARE, Heard, arrow, line
from vision.analysis import Analysis
from vision.picture import Image, Picture

NOTHING: Image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
SOME_RATES = [RATES[0], RATES[1], RATES[3]]
LANE = CAMERA.ground((-5, 14), (5, 14), (5, 44), (-5, 44))


def lane(**settings: Any) -> Zone:
    wanted = {"labels": ("car", "motorcycle"), "direction": arrow((0, 40), (0, 15)), **settings}
    return Zone(id="lan-1", polygon=LANE, **wanted)


def play(
    street: Street, at: Iterable[float], zones: Iterable[Zone] = (), lines: Iterable[Line] = (), sigma_px: float = 1.0
) -> tuple[Heard, Analysis]:
    """Everything that is said until the end of the scene, of boxes that tremble."""
    calibration = CAMERA.calibration()
    camera = Camera(
        id="c", site="s", url="rtsp://x/1", frame_size=SIZE, calibration=calibration, zones=tuple(zones),
        lines=tuple(lines),
    )  # fmt: skip
    analysis, noise, heard = Analysis(camera, 7), np.random.default_rng(5), Heard([], [])
    for number, time in enumerate(at):
        seen = street.seen(time, noise, sigma_px)
        said = analysis.update(seen, Picture(NOTHING, ms(time), number + 1)).said
        heard.findings.extend(said.findings)
        heard.measures.extend(said.measures)
    said = analysis.end()
    return Heard(heard.findings + said.findings, heard.measures + said.measures), analysis


SPEEDS = (30.0, 42.0, 36.0, 54.0, 48.0, 33.0, 60.0, 39.0, 45.0, 51.0)


def platoon(*speeds_kmh: float, every_s: float = 4.0) -> Street:
    lanes = [-3.5, -1.2, 1.2, 3.5]
    ways = [straight((lanes[n % 4], 60), (0, -kmh / 3.6), begin=every_s * n) for n, kmh in enumerate(speeds_kmh)]
    return Street([Mover(CAR, way) for way in ways], CAMERA)


@pytest.mark.parametrize("at", SOME_RATES, ids=["10 fps", "3 fps", "irregular"])
def test_speeds_and_counts_of_traffic(at: list[float]) -> None:
    heard, _ = play(platoon(*SPEEDS), at, [lane(speed_limit_kmh=47)], [line()])
    fast_enough = 0.03 if len(at) > 300 else 0.05
    assert heard.values("mean_speed")[0] == pytest.approx(harmonic_mean(SPEEDS), rel=fast_enough)
    assert heard.values("speed_p85") == [pytest.approx(52.95, rel=fast_enough)]
    assert heard.values("speeding_share") == [pytest.approx(40, abs=10)]
    assert sum(heard.values("line_count_right")) == 10
    assert sum(heard.values("line_count_left")) == 0
    assert heard.of(DetectionEvent.WRONG_WAY) == []


@pytest.mark.parametrize("fps", [3, 5, 10])
def test_dense_traffic_both_ways_is_counted_exactly_and_no_car_takes_another_s_id(fps: float) -> None:
    nearer = [straight((-1.8, 60), (0, -10), begin=1.1 + 1.7 * n) for n in range(30)]
    away = [straight((1.8, 8), (0, 10), begin=1.0 + 1.9 * n, end=6.2 + 1.9 * n) for n in range(28)]
    heard, _ = play(Street([Mover(CAR, way) for way in (*nearer, *away)], CAMERA), times(fps, 70), lines=[line()])
    assert (sum(heard.values("line_count_right")), sum(heard.values("line_count_left"))) == (30, 28)
    assert len({found.track.id for found in heard.of(DetectionEvent.CROSS) if found.track}) == 58


@pytest.mark.parametrize("fps", [3, 5, 10, 25])
def test_a_zone_of_4_m_that_takes_cars_a_quarter_of_a_second(fps: float) -> None:
    polygon = CAMERA.ground((-5, 20), (5, 20), (5, 24), (-5, 24))
    short = Zone(id="z", polygon=polygon, labels=("car",), speed_limit_kmh=50)
    heard, _ = play(platoon(*[60.0] * 10, every_s=4.37), times(fps, 60), [short])
    assert (len(heard.of(DetectionEvent.ENTER)), len(heard.of(DetectionEvent.LEAVE))) == (10, 10)
    assert heard.values("vehicle_speed") == [pytest.approx(60, rel=0.05)] * 10
    assert heard.values("mean_speed") == [pytest.approx(60, rel=0.03)]


@pytest.mark.parametrize("at", SOME_RATES, ids=["10 fps", "3 fps", "irregular"])
def test_a_stop_a_wrong_way_and_crossings_both_ways(at: list[float]) -> None:
    halting = by_points((0, 1, 60), (6, 1, 25), (36, 1, 25), (41, 1, 5.5))
    wrong = straight((4, 12), (0, 6), begin=20)
    street = Street([Mover(CAR, halting), Mover(MOTORCYCLE, wrong)], CAMERA)
    heard, _ = play(street, at, [lane(stopped_s=8)], [line(way="right")])
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert begin.at / 1000 == pytest.approx(14, abs=1.5)
    assert end.at / 1000 == pytest.approx(36, abs=1.5)
    assert sorted(found.direction or "" for found in heard.of(DetectionEvent.CROSS)) == ["left", "right"]
    assert {found.place for found in heard.of(DetectionEvent.WRONG_WAY)} == {"lan-1", "l"}
    assert {found.track.label for found in heard.of(DetectionEvent.WRONG_WAY) if found.track} == {"motorcycle"}


@pytest.mark.parametrize("at", SOME_RATES, ids=["10 fps", "3 fps", "irregular"])
def test_a_queue_of_four(at: list[float]) -> None:
    def way(n: int) -> Any:
        return by_points((4.0 * n, 0, 60), (4.0 * n + 4, 0, 17.5 + 7 * n), (60, 0, 17.5 + 7 * n))

    heard, _ = play(Street([Mover(CAR, way(n)) for n in range(4)], CAMERA), at, [lane()])
    told = {each.at // 1000: each.value for each in heard.measures if each.quantity == "queue_length"}
    assert [told[second] for second in (35, 45, 55)] == [pytest.approx(3 * 7 + 4.5, rel=0.05)] * 3


def test_a_queue_that_is_not_seen_any_more_is_none_though_its_stays_go_on() -> None:
    ways = [by_points((4.0 * n, 0, 60), (4.0 * n + 4, 0, 17.5 + 7 * n), (25, 0, 17.5 + 7 * n)) for n in range(4)]
    heard, _ = play(Street([Mover(CAR, way) for way in ways], CAMERA), times(5, 60), [lane(gap_s=30)])
    told = {each.at // 1000: each.value for each in heard.measures if each.quantity == "queue_length"}
    assert [told[second] for second in (20, 30, 45)] == [pytest.approx(3 * 7 + 4.5, rel=0.05), 0, 0]
    assert [round(found.at / 1000) for found in heard.of(DetectionEvent.LEAVE)] == [25] * 4


VISIT = by_points((0, 9, 19), (7.5, 0, 19), (35, 0, 19), (42.5, 9, 19))
"""At 1.2 m/s: in after 4 m, at 3.33 s, and out 5 m from the middle, at 39.17 s."""


@pytest.mark.parametrize("at", SOME_RATES, ids=["10 fps", "3 fps", "irregular"])
def test_a_visit(at: list[float]) -> None:
    zone = Zone(id="san", polygon=SQUARE, labels=("person",), dwell_s=10)
    heard, _ = play(Street([Mover(PERSON, VISIT)], CAMERA), at, [zone])
    (entered,), (left,) = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    assert (left.at - entered.at) / 1000 == pytest.approx(35.83, rel=0.05)
    assert [found.edge for found in heard.of(DetectionEvent.DWELL)] == [Edge.BEGIN, Edge.END]


def test_occupancy_does_not_wait_until_tracks_are_settled() -> None:
    zone = Zone(id="san", polygon=SQUARE, labels=("person",))
    heard, _ = play(Street([Mover(PERSON, VISIT)], CAMERA), times(5, 5), [zone])
    assert heard.values("zone_occupancy") == [0, 0, 0, 0, 1, 1]


def test_one_who_is_hidden_for_two_seconds_on_the_line_is_counted_once_and_the_visit_goes_on() -> None:
    hidden = [time for time in times(10, 40) if not 12 <= time <= 14]
    way = by_points((0, 0, 28), (20, 0, 16), (40, 0, 16))
    gaps = Street([Mover(PERSON, lambda time: None if 12 < time < 14 else way(time))], CAMERA)
    zone = Zone(id="san", polygon=SQUARE, labels=("person",))
    for street, at in ((gaps, times(10, 40)), (Street([Mover(PERSON, way)], CAMERA), hidden)):
        heard, _ = play(street, at, [zone], [line()])
        assert [found.direction for found in heard.of(DetectionEvent.CROSS)] == ["right"]
        assert (len(heard.of(DetectionEvent.ENTER)), len(heard.of(DetectionEvent.LEAVE))) == (1, 1)


@pytest.mark.parametrize(("gap_s", "stays"), [(3.0, 2), (20.0, 1)])
@pytest.mark.parametrize("at", SOME_RATES, ids=["10 fps", "3 fps", "irregular"])
def test_one_who_is_hidden_for_eight_seconds_stays_if_the_zone_says_so(
    at: list[float], gap_s: float, stays: int
) -> None:
    street = Street([Mover(PERSON, lambda time: None if 15 < time < 23 else VISIT(time))], CAMERA)
    zone = Zone(id="san", polygon=SQUARE, labels=("person",), gap_s=gap_s, dwell_s=25)
    heard, _ = play(street, at, [zone])
    entered, left, dwelt = (
        heard.of(each) for each in (DetectionEvent.ENTER, DetectionEvent.LEAVE, DetectionEvent.DWELL)
    )
    assert (len(entered), len(left), len(dwelt)) == (stays, stays, 2 if stays == 1 else 0)
    if stays == 1:
        assert (left[0].at - entered[0].at) / 1000 == pytest.approx(35.83, rel=0.05)
        assert len({found.track.id for found in (*entered, *left, *dwelt) if found.track}) == 1


def test_a_flicker_of_a_detector_is_neither_an_entry_nor_a_crossing() -> None:
    flicker = by_points((5, 0, 20.5), (5.2, 0, 19.5))
    zone = Zone(id="san", polygon=SQUARE, labels=("person",))
    heard, _ = play(Street([Mover(PERSON, flicker)], CAMERA), times(10, 12), [zone], [line()])
    assert heard.findings == []


SPEEDY = (DetectionEvent.CROSS, DetectionEvent.RUNNING)


def told_speeds(
    street: Street,
    at: Iterable[float],
    watched: Line | Zone,
    events: Sequence[DetectionEvent] = SPEEDY,
    edges: Sequence[Edge | None] = (None, Edge.BEGIN),
) -> list[Speed | None]:
    """The speeds of those who crossed or began to run, or of other events, as they are told while pictures come."""
    camera = Camera(
        id="c", site="s", url="u", frame_size=SIZE, calibration=CAMERA.calibration(),
        lines=(watched,) if isinstance(watched, Line) else (), zones=(watched,) if isinstance(watched, Zone) else (),
    )  # fmt: skip
    analysis, noise = Analysis(camera, 7), np.random.default_rng(5)
    speeds = list[Speed | None]()
    for number, time in enumerate(at):
        said = analysis.update(street.seen(time, noise), Picture(NOTHING, ms(time), number + 1)).said
        asked = [found for found in said.findings if found.event in events and found.edge in edges]
        speeds += [analysis.speed_of(found) for found in asked]
    return speeds


def test_who_was_hidden_for_eight_seconds_and_goes_on_leaves_at_the_speed_that_is_seen_then() -> None:
    street = Street([Mover(PERSON, lambda time: None if 15 < time < 23 else VISIT(time))], CAMERA)
    zone = Zone(id="san", polygon=SQUARE, labels=("person",), gap_s=20)
    (speed,) = told_speeds(street, times(5, 45), zone, [DetectionEvent.LEAVE])
    assert speed is not None
    assert speed.mps == pytest.approx(1.2, abs=0.15)


def test_a_stop_that_a_lorry_hid_ends_with_a_speed_of_the_car_that_drives_off() -> None:
    halting = by_points((0, 1, 60), (6, 1, 25), (40, 1, 25), (45, 1, 15))
    street = Street([Mover(CAR, lambda time: None if 20 < time < 26 else halting(time))], CAMERA)
    (speed,) = told_speeds(street, times(10, 50), lane(stopped_s=8), [DetectionEvent.STOPPED], [Edge.END])
    assert speed is not None
    assert speed.mps == pytest.approx(2, abs=3 * speed.sigma)


def test_a_crossing_carries_the_speed_of_the_second_before_with_its_sigma() -> None:
    (speed,) = told_speeds(platoon(36), times(10, 9), line())
    assert speed is not None
    assert speed.mps == pytest.approx(10, abs=3 * speed.sigma)
    assert speed.mps == pytest.approx(10, rel=0.05)
    assert speed.sigma < 1.0


RUNNER = Street([Mover(PERSON, straight((-14, 20), (4.5, 0)))], CAMERA)
FIELD = Zone(id="z", polygon=CAMERA.ground((-12, 16), (12, 16), (12, 24), (-12, 24)), running_mps=3)


@pytest.mark.parametrize("fps", [5, 10, 15])
def test_who_runs_has_the_speed_of_that_moment_though_it_is_told_at_once(fps: float) -> None:
    (speed,) = told_speeds(RUNNER, times(fps, 6), FIELD)
    assert speed is not None
    assert speed.mps == pytest.approx(4.5, abs=3 * speed.sigma)
    assert speed.sigma <= 0.45  # a tenth of it


def test_a_speed_that_is_not_well_known_at_once_is_not_told() -> None:
    jogger = Street([Mover(PERSON, straight((-11, 20), (2.2, 0)))], CAMERA)
    assert told_speeds(jogger, times(1.5, 10), replace(FIELD, running_mps=1.9)) == [None]
