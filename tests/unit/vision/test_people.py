"""Crowds, runners and things left behind on scenes whose truth follows from the equations of motion."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Zone, ZoneHours
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import BAG, CAR, PERSON, Mover, Street, by_points, straight, times
from tests.unit.vision.watching import CAMERA, RATE_NAMES, RATES, places, play, zone

# --- density and crowd


def gathering(people: int, until_s: float = 60) -> Street:
    """So many people stand in the square of 10 m x 10 m, from the beginning."""
    spots = [(-4 + 1.5 * (n % 6), 15.5 + 1.5 * (n // 6)) for n in range(people)]
    return Street([Mover(PERSON, by_points((0, x, y), (until_s, x, y))) for x, y in spots], CAMERA)


def test_density_is_people_by_the_square_metres_of_the_ground() -> None:
    heard = play(places([zone()]), gathering(25), times(5, 10), shake=1)
    assert heard.values("crowd_density")[1:] == [pytest.approx(0.25, rel=0.02)] * 2


@pytest.mark.parametrize(("labels", "hours", "seen_m2"), [
    (("person",), None, 60), (("car",), None, 100), (("person",), ZoneHours(when="daily 22:00-05:00"), 100),
])  # fmt: skip
def test_hidden_ground_is_not_counted_where_it_hides_people_at_all_hours(
    labels: tuple[str, ...], hours: ZoneHours | None, seen_m2: float
) -> None:
    """The left 4 of the square's 10 m."""
    strip = CAMERA.ground((-9, 10), (-1, 10), (-1, 30), (-9, 30))
    hiding = Zone(id="x", polygon=strip, kind="exclusion", labels=labels, schedule=hours)
    street = Street([Mover(PERSON, by_points((0, 3, 20), (60, 3, 20)))] * 6, CAMERA)
    heard = play(places([zone(), hiding]), street, times(5, 10))
    assert heard.values("crowd_density")[-1] == pytest.approx(6 / seen_m2, rel=0.02)


def test_cars_and_bags_are_no_people() -> None:
    street = gathering(2)
    street.movers += [Mover(CAR, by_points((0, 2, 20), (60, 2, 20))), Mover(BAG, by_points((0, 0, 20), (60, 0, 20)))]
    heard = play(places([zone(labels=("person", "car", "suitcase"))]), street, times(5, 10))
    assert heard.values("crowd_density")[-1] == pytest.approx(0.02, rel=0.02)
    assert heard.values("zone_occupancy")[-1] == 2


@pytest.mark.parametrize("settings", [{"crowd": 4}, {"crowd_density": 0.04}])
@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_a_crowd_begins_when_it_has_held_for_five_seconds_and_ends_so(
    settings: dict[str, float], at: list[float]
) -> None:
    heard = play(places([zone(**settings)]), gathering(5, until_s=30), at)
    begin, end = heard.of(DetectionEvent.CROWD)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(5, abs=0.5)
    assert end.at / 1000 == pytest.approx(30 + 5, abs=0.5)


def test_too_few_are_no_crowd() -> None:
    assert play(places([zone(crowd=20)]), gathering(19), times(5, 20)).of(DetectionEvent.CROWD) == []


# --- running


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_who_runs_for_a_second_runs_until_slow_for_a_second(at: list[float]) -> None:
    way = by_points((0, 0, 15), (20, 3, 15), (21.5, 3, 21), (22, 3, 23), (24, -4, 23), (40, -4, 20))
    walker = straight((-4, 23), (0, -0.2))
    heard = play(places([zone(running_mps=3)]), Street([Mover(PERSON, way), Mover(PERSON, walker)], CAMERA), at)
    begin, end = heard.of(DetectionEvent.RUNNING)
    assert begin.track is not None
    assert (begin.track.id, begin.edge, end.edge) == ("1-1", Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(21, abs=0.4)
    assert end.at / 1000 == pytest.approx(25, abs=0.4)


def test_half_a_second_of_speed_is_no_run_and_a_fast_car_none_at_all() -> None:
    hop = by_points((0, 0, 15), (10, 0, 16), (10.5, 0, 18), (30, 0, 19))
    street = Street([Mover(PERSON, hop), Mover(CAR, straight((3, 50), (0, -9)))], CAMERA)
    heard = play(places([zone(running_mps=3, labels=("person", "car"))]), street, times(10, 30))
    assert heard.of(DetectionEvent.RUNNING) == []


# --- abandoned

LABELS = ("person", "suitcase")
CARRIED = by_points((0, 0, 24), (5, 0, 18), (50, 0, 18))
OWNER = by_points((0, 0.5, 24), (5, 0.5, 18), (10, 0.5, 18), (14, 9, 18), (60, 9, 18))
"""Sets the suitcase down after 5 s, and is 3 m away 11.4 s after the beginning."""


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_a_suitcase_is_abandoned_so_long_after_its_owner_went(at: list[float], calibrated: bool) -> None:
    street = Street([Mover(BAG, CARRIED), Mover(PERSON, OWNER)], CAMERA)
    heard = play(
        places([zone(abandoned_s=20, labels=LABELS)], calibrated=calibrated), street, at, calibrated=calibrated
    )
    begin, end = heard.of(DetectionEvent.ABANDONED)
    assert begin.track is not None
    assert (begin.track.label, begin.edge, end.edge) == ("suitcase", Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(31.4, abs=1.0)
    assert end.at / 1000 == pytest.approx(50, abs=0.5)


def test_a_suitcase_that_people_hide_for_six_seconds_is_the_same_one() -> None:
    before = by_points((0, 0, 24), (5, 0, 18), (40, 0, 18))
    after = by_points((46, 0, 18), (60, 0, 18))
    street = Street([Mover(BAG, before), Mover(PERSON, OWNER), Mover(BAG, after)], CAMERA)
    heard = play(places([zone(abandoned_s=20, labels=LABELS)]), street, times(5, 60))
    found = [(each.edge, each.track.id if each.track else "") for each in heard.of(DetectionEvent.ABANDONED)]
    assert found == [(Edge.BEGIN, "1-1"), (Edge.END, "1-1")]
    assert heard.of(DetectionEvent.ABANDONED)[1].at == 60_000


def test_a_suitcase_that_is_hidden_for_less_than_the_zone_s_gap_is_abandoned_all_the_while() -> None:
    before, after = by_points((0, 0, 24), (5, 0, 18), (25, 0, 18)), by_points((45, 0, 18), (60, 0, 18))
    street = Street([Mover(BAG, before), Mover(PERSON, OWNER), Mover(BAG, after)], CAMERA)
    heard = play(places([zone(abandoned_s=20, labels=LABELS, gap_s=30)]), street, times(5, 60))
    begin, end = heard.of(DetectionEvent.ABANDONED)
    assert [found.track.id for found in (begin, end) if found.track] == ["1-1", "1-1"]
    assert begin.at / 1000 == pytest.approx(31.4, abs=1.0)
    assert end.at == 60_000


def test_a_suitcase_whose_owner_stands_by_is_not() -> None:
    stays = by_points((0, 0.5, 24), (5, 0.5, 18), (60, 1.5, 18))
    street = Street([Mover(BAG, CARRIED), Mover(PERSON, stays)], CAMERA)
    assert play(places([zone(abandoned_s=20, labels=LABELS)]), street, times(5, 60)).of(DetectionEvent.ABANDONED) == []


WALKING = [Mover(PERSON, straight((-9, 17.5), (1.3, 0), begin=6.0 + 4 * n)) for n in range(12)]
"""One every 4 s: each is within 3 m of the suitcase for 4.5 s, so somebody always is, from 10.7 s to 59.2 s."""
RUNNING = [Mover(PERSON, straight((-9, 17.5), (4, 0), begin=15.0 + 5 * n)) for n in range(5)]


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_who_walks_by_neither_delays_nor_ends_it(at: list[float], calibrated: bool) -> None:
    street = Street([Mover(BAG, CARRIED), Mover(PERSON, OWNER), *WALKING], CAMERA)
    watching = places([zone(abandoned_s=20, labels=LABELS)], calibrated=calibrated)
    begin, end = play(watching, street, at, shake=2, calibrated=calibrated).of(DetectionEvent.ABANDONED)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(31.4, abs=1.0)
    assert end.at / 1000 == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
@pytest.mark.parametrize("passing", [WALKING, RUNNING], ids=["walking", "running"])
def test_passers_by_do_not_own_it_but_who_stays_with_it_does(passing: list[Mover], at: list[float]) -> None:
    back = by_points((0, 9, 20), (40, 9, 20), (43, 0.5, 18), (60, 0.5, 18))
    street = Street([Mover(BAG, CARRIED), Mover(PERSON, OWNER), *passing, Mover(PERSON, back)], CAMERA)
    heard = play(places([zone(abandoned_s=20, labels=LABELS)]), street, [time for time in at if time < 49])
    begin, end = heard.of(DetectionEvent.ABANDONED)
    assert begin.at / 1000 == pytest.approx(31.4, abs=1.0)
    # at 2.9 m/s within 1 m of where they stay from 42.66 s on, and for two seconds
    assert end.at / 1000 == pytest.approx(44.7, abs=0.5)


def test_who_paces_up_and_down_by_it_stays_with_it() -> None:
    pacing = by_points(*((5 + 3 * n, 2.0 if n % 2 else -2.0, 17.5) for n in range(19)))  # 4 m in 3 s, and back
    street = Street([Mover(BAG, CARRIED), Mover(PERSON, pacing)], CAMERA)
    assert play(places([zone(abandoned_s=5, labels=LABELS)]), street, times(5, 50)).of(DetectionEvent.ABANDONED) == []
