"""What cameras say feeds the starter packs: scenes on a street with a known truth, through the rules as shipped."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipeline.core.catalogue import Camera, Kind, Site, Zone
from pipeline.core.codec import encode_line
from pipeline.core.conditions import Condition
from pipeline.core.events import Event
from rules import packs
from rules.backtest import Input, backtest
from rules.engine.catalogue import changes_from
from rules.engine.loader import load_paths
from tests.unit.vision.street import BAG, CAR, MOTORCYCLE, PERSON, SIZE, Mover, Street, by_points, ms, straight, times
from tests.unit.vision.watching import CAMERA, SQUARE, arrow
from vision.analytics.places import Places
from vision.plane import Plane
from vision.report import Reporter
from vision.tracker import Tracked

BEGIN = round(datetime(2026, 11, 20, 16, 0, tzinfo=UTC).timestamp() * 1000)
"""23:00 in Vietnam."""
LANE = CAMERA.ground((-5, 14), (5, 14), (5, 90), (-5, 90))
RULES = load_paths([packs.FOLDER / "traffic.yaml", packs.FOLDER / "security.yaml"]).rules


def lane(id_: str = "lan-1", **settings: Any) -> Zone:
    wanted = {"labels": ("car", "motorcycle"), "direction": arrow((0, 40), (0, 15)), **settings}
    return Zone(id=id_, polygon=LANE, **wanted)


def yard(id_: str = "san", **settings: Any) -> Zone:
    return Zone(id=id_, polygon=SQUARE, **{"labels": ("person",), **settings})


def camera(*zones: Zone, **more: Any) -> Camera:
    calibration = CAMERA.calibration()
    return Camera(
        id="cam-07", site="nga-tu", url="rtsp://x/1", frame_size=SIZE, calibration=calibration, zones=zones, **more
    )


def said(of: Camera, street: Street, at: Iterable[float]) -> list[Event]:
    """What the camera would publish, in the order in which it does."""
    places, reporter = Places(of, SIZE, Plane.of(CAMERA.calibration(), SIZE, SIZE)), Reporter(of, 1)
    events: list[Event] = []
    for time in at:
        live = [track._replace(at=BEGIN + track.at) for track in street.tracked(time).live]
        findings, measures = places.update(Tracked(live, []), BEGIN + ms(time))
        events += [reporter.finding(found, "rtcp") for found in findings]
        events += [reporter.measure(measure) for measure in measures]
    return events


def alerts(of: Camera, street: Street, length_s: float, fps: float = 2) -> dict[str, list[Condition]]:
    """The conditions of the packs over what the camera says, by rule; each line arrives half a second later."""
    inputs, log = [], BEGIN
    for event in said(of, street, times(fps, length_s)):
        log = max(log, event.at + 500)  # type: ignore[attr-defined]
        inputs.append(Input(event=event, log=log))
    catalogue = changes_from([(Kind.SITE, Site(id="nga-tu")), (Kind.CAMERA, of)])
    found: dict[str, list[Condition]] = {}
    for condition in backtest(RULES, inputs, catalogue=catalogue, until=BEGIN + ms(length_s) + 60_000):
        found.setdefault(condition.rule, []).append(condition)
    return found


def seconds(condition: Condition) -> float:
    return (condition.at - BEGIN) / 1000


TWO_ZONES = pytest.mark.parametrize("more", [(), (yard("via-he"),)], ids=["one zone", "two zones"])
"""With one zone readings are the camera's, with two each zone's: rules must hold for both."""


@TWO_ZONES
def test_t5_a_vehicle_that_stands_for_over_three_minutes(more: tuple[Zone, ...]) -> None:
    halting = by_points((0, 1, 80), (6, 1, 30), (250, 1, 30), (256, 1, -20))
    found = alerts(camera(lane(stopped_s=5), *more), Street([Mover(CAR, halting)], CAMERA), 300)
    begin, end = found["traffic.stopped"]
    assert seconds(begin) == pytest.approx(6 + 5 + 180, abs=2)
    assert seconds(end) == pytest.approx(250 + 20, abs=3)
    assert begin.key == "traffic.stopped|cam-07|lan-1"


@TWO_ZONES
def test_t4_a_motorcycle_on_the_wrong_way(more: tuple[Zone, ...]) -> None:
    street = Street([Mover(MOTORCYCLE, straight((2, 12), (0, 6), begin=5))], CAMERA)
    begin, _ = alerts(camera(lane(), *more), street, 140, fps=5)["traffic.wrong-way"]
    assert begin.key == "traffic.wrong-way|cam-07|lan-1"


@TWO_ZONES
def test_t2_and_t3_a_jam_is_slow_and_has_a_queue(more: tuple[Zone, ...]) -> None:
    long_lane = Zone(
        id="lan-1",
        polygon=CAMERA.ground((-2, 14), (2, 14), (2, 400), (-2, 400)),  # 41 cars of 4.5 m x 3.5 m: 42 % of it
        labels=("car",),
        direction=arrow((0, 40), (0, 15)),
    )
    creeping = [Mover(CAR, straight((0, 60 + 8 * n), (0, -0.04))) for n in range(41)]
    found = alerts(camera(long_lane, *more), Street(creeping, CAMERA), 1150, fps=0.5)
    wanted = {"traffic.queue", "traffic.jam.risk", "traffic.jam.slow", "traffic.jam.dense", "traffic.jam"}
    assert wanted <= set(found)
    assert {condition.key for condition in found["traffic.jam"]} == {"traffic.jam|cam-07"}
    assert {condition.key for condition in found["traffic.jam.dense"]} == {"traffic.jam.dense|cam-07"}


@TWO_ZONES
def test_t6_more_than_15_percent_of_the_vehicles_speed(more: tuple[Zone, ...]) -> None:
    cars = [Mover(CAR, straight((0, 95), (0, -20.0 if n % 5 == 0 else -12.0), begin=6.0 * n)) for n in range(110)]
    found = alerts(camera(lane(speed_limit_kmh=50), *more), Street(cars, CAMERA), 630, fps=5)
    assert [str(condition.edge) for condition in found["traffic.speeding"]][:1] == ["begin"]


@TWO_ZONES
def test_t7_traffic_breaks_down_and_a_car_stands(more: tuple[Zone, ...]) -> None:
    flow = [Mover(CAR, straight((-2, 95), (0, -14), begin=4.0 * n)) for n in range(44)]
    crash = [Mover(CAR, by_points((176, 0, 95), (180, 0, 40), (400, 0, 40)))]
    crawl = [Mover(CAR, straight((-2, 95), (0, -1.5), begin=178.0 + 15 * n)) for n in range(10)]
    found = alerts(camera(lane(stopped_s=5), *more), Street([*flow, *crash, *crawl], CAMERA), 330, fps=3)
    assert {condition.key for condition in found["traffic.crash"]} == {"traffic.crash|cam-07"}


@TWO_ZONES
def test_t1_a_segment_whose_traffic_creeps_has_the_worst_level_of_service(more: tuple[Zone, ...]) -> None:
    creeping = [Mover(CAR, straight((0, 40 + 10 * n), (0, -0.1))) for n in range(3)]
    of = camera(lane(), *more, attributes={"free_flow_speed": 50})
    assert "traffic.los" in alerts(of, Street(creeping, CAMERA), 480, fps=1)


@TWO_ZONES
def test_a2_a_crowd_of_25_for_three_minutes(more: tuple[Zone, ...]) -> None:
    spots = [(-4 + 1.5 * (n % 6), 15.5 + 1.5 * (n // 6)) for n in range(25)]
    street = Street([Mover(PERSON, by_points((0, x, y), (300, x, y))) for x, y in spots], CAMERA)
    begin, *_ = alerts(camera(yard(), *([lane()] if more else [])), street, 240, fps=1)["safety.crowd"]
    assert seconds(begin) == pytest.approx(180, abs=4)


def test_25_cars_are_no_crowd_and_people_who_walk_are_no_jam() -> None:
    cars = [
        Mover(CAR, by_points((0, 2.2 * (n % 5) - 4, 20 + 5 * (n // 5)), (400, 0, 20 + 5 * (n // 5)))) for n in range(25)
    ]
    assert "safety.crowd" not in alerts(camera(lane()), Street(cars, CAMERA), 240, fps=1)
    walking = Street([Mover(PERSON, straight((0, 60), (0, -0.1)))], CAMERA)
    found = alerts(camera(lane(labels=("car", "person"))), walking, 420, fps=1)
    assert not {"traffic.jam.risk", "traffic.jam.slow"} & set(found)


@TWO_ZONES
def test_a1_and_a7_somebody_enters_at_night_and_again(more: tuple[Zone, ...]) -> None:
    visits = [Mover(PERSON, by_points((60.0 * n, 9, 19), (60 * n + 8, 0, 19), (60 * n + 16, 9, 19))) for n in range(3)]
    of = camera(yard(), *([lane()] if more else []), tags=("restricted",))
    found = alerts(of, Street(visits, CAMERA), 200)
    assert found["safety.intrusion"][0].key == "safety.intrusion|cam-07|san"
    assert seconds(found["safety.repeated"][0]) == pytest.approx(120 + 8 * 4 / 9, abs=1)


@TWO_ZONES
def test_a4_somebody_stays_for_over_five_minutes(more: tuple[Zone, ...]) -> None:
    staying = by_points((0, 9, 19), (10, 0, 19), (340, 0, 19), (350, 9, 19))
    of = camera(yard(), *([lane()] if more else []), tags=("restricted",))
    begin, end = alerts(of, Street([Mover(PERSON, staying)], CAMERA), 400, fps=1)["safety.loitering"]
    assert seconds(begin) == pytest.approx(4.4 + 300 + 2.5, abs=4)
    assert seconds(end) == pytest.approx(345.6 + 30 + 2.5, abs=4)


@TWO_ZONES
def test_a5_a_suitcase_is_left_behind(more: tuple[Zone, ...]) -> None:
    bag = by_points((0, 0, 24), (5, 0, 18), (400, 0, 18))
    owner = by_points((0, 0.5, 24), (5, 0.5, 18), (10, 0.5, 18), (14, 9, 18), (400, 9, 18))
    of = camera(yard(labels=("person", "suitcase"), abandoned_s=30), *([lane()] if more else []))
    begin, *_ = alerts(of, Street([Mover(BAG, bag), Mover(PERSON, owner)], CAMERA), 220)["safety.abandoned"]
    assert seconds(begin) == pytest.approx(11.4 + 30 + 120, abs=2)


def test_every_line_that_a_camera_writes_is_an_event_of_the_contract() -> None:
    of = camera(lane(stopped_s=2), yard(dwell_s=2))
    street = Street(
        [Mover(CAR, straight((0, 60), (0, -5))), Mover(PERSON, by_points((0, 9, 19), (30, -9, 19)))], CAMERA
    )
    events = said(of, street, times(5, 30))
    assert all(msgspec.json.decode(encode_line(event))["at"] >= BEGIN for event in events)
