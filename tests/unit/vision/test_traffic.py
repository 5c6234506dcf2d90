"""Speeds, stops, wrong ways and queues on scenes whose truth follows from the equations of motion."""

from __future__ import annotations

from itertools import pairwise
from statistics import harmonic_mean
from typing import Any

import pytest

from pipeline.core.catalogue import Zone, ZoneHours
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import CAR, MOTORCYCLE, PERSON, Mover, Street, Way, by_points, straight, times
from tests.unit.vision.watching import CAMERA, RATE_NAMES, RATES, Heard, arrow, places, play
from vision.tracker import Tracked

NEAR_M, FAR_M = 14.0, 44.0
LANE = CAMERA.ground((-5, NEAR_M), (5, NEAR_M), (5, FAR_M), (-5, FAR_M))
"""30 m of road, coming nearer."""
KMH = 3.6


def lane(**settings: Any) -> Zone:
    wanted = {"labels": ("car", "motorcycle"), "direction": arrow((0, 40), (0, 15)), **settings}
    return Zone(id="lan-1", polygon=LANE, **wanted)


def platoon(*speeds_kmh: float, every_s: float = 3.0) -> Street:
    """Cars that come from 60 m away, each with its own speed, side by side so that none meets another."""
    lanes = [-3.5, -1.2, 1.2, 3.5]
    ways = [straight((lanes[n % 4], 60), (0, -kmh / KMH), begin=every_s * n) for n, kmh in enumerate(speeds_kmh)]
    return Street([Mover(CAR, way) for way in ways], CAMERA)


SPEEDS = (30.0, 42.0, 36.0, 54.0, 48.0, 33.0, 60.0, 39.0, 45.0, 51.0)


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_mean_speed_is_the_harmonic_mean_of_those_who_pass_at_any_rate(at: list[float]) -> None:
    heard = play(places([lane()]), platoon(*SPEEDS), at, shake=1)
    assert heard.values("mean_speed")[0] == pytest.approx(harmonic_mean(SPEEDS), rel=0.03)
    assert harmonic_mean(SPEEDS) < 0.97 * sum(SPEEDS) / 10  # the mean over time would be another one


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_the_85th_percentile_and_the_speeding_share_are_those_of_the_vehicles(at: list[float]) -> None:
    # clicks of 2 px leave lengths there open by 2 %, and 48 km/h by 1
    heard = play(places([lane(speed_limit_kmh=46)]), platoon(*SPEEDS), at, shake=2)
    # in order: 30 33 36 39 42 45 48 51 54 60; 85 % of the way from the 1st to the 10th is at 8.65: 51 + 0.65 x 3
    assert heard.values("speed_p85") == [pytest.approx(52.95, rel=0.03)]
    assert heard.values("speeding_share") == [40.0]


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_every_vehicle_that_left_has_its_speed_dated_to_when_it_left(at: list[float]) -> None:
    heard = play(places([lane()]), platoon(*SPEEDS), at, shake=1)
    told = [each for each in heard.measures if each.quantity == "vehicle_speed"]
    assert sorted(each.value for each in told) == [pytest.approx(kmh, rel=0.04) for kmh in sorted(SPEEDS)]
    # its near end, 2.15 m before its middle, comes from 57.85 m to the zone's end at 14 m
    gone = sorted(3.0 * n + (60 - 2.15 - NEAR_M) / (kmh / KMH) for n, kmh in enumerate(SPEEDS))
    assert [each.at / 1000 for each in told] == [pytest.approx(time, abs=0.4) for time in gone]


def test_two_vehicles_that_leave_together_are_two_readings() -> None:
    told = play(places([lane()]), platoon(36, 36, 36, every_s=0), times(5, 10)).measures
    dated = [each.at for each in told if each.quantity == "vehicle_speed"]
    assert len(dated) == len(set(dated)) == 3


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_density_is_the_seconds_spent_by_the_seconds_and_the_kilometres_seen(at: list[float]) -> None:
    """Ten cars at 36 km/h: 3 s each on 30 m in a minute; times 36 km/h it is the flow of 600 vehicles an hour."""
    heard = play(places([lane()]), platoon(*[36.0] * 10, every_s=3.17), [*at, 60.1], shake=3)
    assert heard.values("traffic_density") == [pytest.approx(10 * 3 / 60 / 0.030, rel=0.05)]


def test_who_stands_counts_in_the_density_and_a_broken_minute_is_told_when_most_of_it_was_seen() -> None:
    jam = Street([Mover(CAR, by_points((0, 0, 20 + 8 * n), (200, 0, 20 + 8 * n))) for n in range(3)], CAMERA)
    told = play(places([lane()]), jam, times(3, 170)).measures
    dated = [each for each in told if each.quantity == "traffic_density"]
    assert [each.at for each in dated] == [59_999, 119_999, 170_000]
    assert [each.value for each in dated] == [pytest.approx(100, rel=0.01)] * 3
    assert len(play(places([lane()]), jam, times(3, 150)).values("traffic_density")) == 2
    assert play(places([lane(direction=None)]), jam, times(3, 70)).values("traffic_density") == []


@pytest.mark.parametrize(("blind_s", "told"), [(4, [100]), (40, [])])
def test_what_no_picture_showed_before_a_zone_s_hours_were_over_was_not_seen(blind_s: float, told: list[float]) -> None:
    jam = Street([Mover(CAR, by_points((0, 0, 20 + 8 * n), (200, 0, 20 + 8 * n))) for n in range(3)], CAMERA)
    hours = ZoneHours(when="daily 00:00-00:01", timezone="UTC")
    at = [time for time in times(3, 62) if not 60 - blind_s < time < 60]
    values = play(places([lane(schedule=hours)]), jam, at).values("traffic_density")
    assert values == [pytest.approx(each, rel=0.01) for each in told]


def test_a_hidden_part_of_a_road_is_no_road() -> None:
    """The farther 20 of 30 m are hidden from 24 m to beyond the horizon; one of two cars is there."""
    left, right = CAMERA.ground((-9, 24), (9, 24))
    sky = Zone(id="x", polygon=(left, right, (760.0, 1.0), (5.0, 1.0)), kind="exclusion", labels=("car", "motorcycle"))
    street = Street([Mover(CAR, by_points((0, 0, y), (70, 0, y))) for y in (20, 35)], CAMERA)
    heard = play(places([lane(), sky]), street, times(3, 61))
    assert heard.values("traffic_density")[0] == pytest.approx(1 / 0.010, rel=0.02)
    # a car of 4.5 m in a lane of 3.5 m on 10 m x 10 m
    assert heard.values("road_occupancy")[-1] == pytest.approx(100 * 4.5 * 3.5 / 100, rel=0.02)


def test_who_is_faster_by_less_than_the_speed_s_own_error_does_not_speed() -> None:
    street = platoon(*[51.0] * 6)  # it takes them 2.1 s: places known to 0.6 m give 0.85 / 2.1 m/s or 1.45 km/h
    street.sigma_m = 0.6
    assert play(places([lane(speed_limit_kmh=50)]), street, times(10, 40)).values("speeding_share") == [0.0]
    assert play(places([lane(speed_limit_kmh=48)]), street, times(10, 40)).values("speeding_share") == [100.0]


def test_fewer_than_five_vehicles_have_a_mean_speed_but_no_percentile_and_no_share() -> None:
    heard = play(places([lane(speed_limit_kmh=50)]), platoon(36, 36), times(10, 30))
    assert heard.values("mean_speed") == [pytest.approx(36, rel=0.03)]
    assert heard.values("speed_p85") == heard.values("speeding_share") == []


def test_a_jam_in_which_nobody_arrives_has_a_low_mean_speed() -> None:
    """The harmonic mean of those who left the zone would say nothing at all."""
    creeping = [Mover(CAR, straight((0, 24 + 8 * n), (0, -0.1))) for n in range(3)]
    heard = play(places([lane()]), Street(creeping, CAMERA), times(3, 130), shake=3)
    assert heard.values("mean_speed") == [pytest.approx(0.36, abs=0.05)] * 3


def test_parked_cars_do_not_slow_the_traffic_down() -> None:
    parked = Mover(CAR, by_points((0, 4, 30), (500, 4, 30)))
    passing = [Mover(CAR, straight((0, 60), (0, -10), begin=420.0 + 5 * n)) for n in range(8)]
    heard = play(places([lane()]), Street([parked, *passing], CAMERA), times(3, 479))
    assert heard.values("mean_speed")[0] == 0
    assert heard.values("mean_speed")[-1] == pytest.approx(36, rel=0.03)


def test_a_car_park_without_direction_or_limit_has_no_mean_speed() -> None:
    heard = play(places([lane(direction=None)]), platoon(36, 36), times(5, 30))
    assert heard.values("mean_speed") == heard.values("queue_length") == []


def test_people_in_a_lane_are_no_traffic() -> None:
    walking = Street([Mover(PERSON, straight((0, 40), (0, -1.2)))], CAMERA)
    heard = play(places([lane(labels=("person", "car"))]), walking, times(5, 20))
    assert heard.values("mean_speed") == []
    assert set(heard.values("queue_length")) == {0.0}


# --- short zones

SHORT = CAMERA.ground((-5, 20), (5, 20), (5, 24), (-5, 24))
"""4 m of road: 0.24 s at 60 km/h."""
FEW_RATES = [times(fps, 60) for fps in (3, 5, 10, 25)]


def short(**settings: Any) -> Zone:
    return Zone(id="lan-1", polygon=SHORT, labels=("car",), direction=arrow((0, 40), (0, 15)), **settings)


@pytest.mark.parametrize("at", FEW_RATES, ids=["3 fps", "5 fps", "10 fps", "25 fps"])
def test_ten_cars_at_60_kmh_enter_and_leave_a_zone_of_4_m_at_any_rate(at: list[float]) -> None:
    heard = play(places([short(speed_limit_kmh=50, dwell_s=0.2)]), platoon(*[60.0] * 10, every_s=4.37), at, shake=1)
    entered, left = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    # the near end, 2.15 m before the middle, comes from 57.85 m to 24 m
    came = [4.37 * n + (60 - 2.15 - 24) / (60 / KMH) for n in range(10)]
    assert [each.at / 1000 for each in entered] == [pytest.approx(time, abs=0.03) for time in came]
    assert [each.at / 1000 for each in left] == [pytest.approx(time + 0.24, abs=0.03) for time in came]
    assert len(heard.of(DetectionEvent.DWELL, Edge.BEGIN)) == len(heard.of(DetectionEvent.DWELL, Edge.END)) == 10
    assert heard.of(DetectionEvent.WRONG_WAY) == []
    assert heard.values("vehicle_speed") == [pytest.approx(60, rel=0.05)] * 10
    assert heard.values("mean_speed") == [pytest.approx(60, rel=0.03)]
    assert heard.values("speeding_share") == [100.0]


@pytest.mark.parametrize("at", FEW_RATES, ids=["3 fps", "5 fps", "10 fps", "25 fps"])
def test_who_goes_through_a_zone_of_4_m_the_wrong_way_is_told_at_any_rate(at: list[float]) -> None:
    wrong = [Mover(CAR, straight((0, 8), (0, 60 / KMH), begin=4.37 * n)) for n in range(10)]
    heard = play(places([short()]), Street(wrong, CAMERA), at, shake=1)
    assert len({each.track.id for each in heard.of(DetectionEvent.WRONG_WAY) if each.track}) == 10


# --- stopped

HALT = by_points((0, 1, 50), (5, 1, 25), (25, 1, 25), (30, 1, 5.5))
"""Stands from 5 s to 25 s after the beginning."""


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
@pytest.mark.parametrize("calibrated", [True, False])
def test_a_vehicle_is_stopped_from_so_many_seconds_after_its_stop_until_it_moves_off(
    at: list[float], calibrated: bool
) -> None:
    heard = play(
        places([lane(stopped_s=8)], calibrated=calibrated),
        Street([Mover(CAR, HALT)], CAMERA),
        at,
        shake=4,
        calibrated=calibrated,
    )
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(13, abs=1.0)
    assert end.at / 1000 == pytest.approx(25.5, abs=1.0)


def test_a_crawling_vehicle_and_a_standing_person_are_not_stopped() -> None:
    movers = [Mover(CAR, straight((0, 40), (0, -0.5))), Mover(PERSON, by_points((0, 3, 20), (60, 3, 20)))]
    heard = play(places([lane(stopped_s=8, labels=("car", "person"))]), Street(movers, CAMERA), times(5, 40), shake=5)
    assert heard.of(DetectionEvent.STOPPED) == []


def test_a_vehicle_that_is_not_seen_any_more_is_not_stopped_any_more() -> None:
    gone = by_points((0, 1, 50), (5, 1, 25), (25, 1, 25))
    heard = play(places([lane(stopped_s=8)]), Street([Mover(CAR, gone)], CAMERA), times(5, 40))
    assert [(found.edge, found.at) for found in heard.of(DetectionEvent.STOPPED)][-1] == (Edge.END, 25_000)


def test_a_vehicle_that_is_hidden_where_it_stands_has_not_moved_though_its_track_is_another() -> None:
    first = Mover(CAR, by_points((0, 1, 50), (5, 1, 25), (20, 1, 25)))
    again = Mover(CAR, by_points((28, 1, 25), (40, 1, 25), (44, 1, 9)))
    heard = play(places([lane(stopped_s=8)]), Street([first, again], CAMERA), times(5, 44), shake=3)
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert [found.track.id for found in (begin, end) if found.track] == ["1-1", "1-1"]
    assert begin.at / 1000 == pytest.approx(13, abs=1.0)
    assert end.at / 1000 == pytest.approx(40.5, abs=1.0)


def test_a_vehicle_that_is_hidden_for_less_than_the_zone_s_gap_has_not_moved() -> None:
    first = Mover(CAR, by_points((0, 1, 50), (5, 1, 25), (20, 1, 25)))
    again = Mover(CAR, by_points((45, 1, 25), (60, 1, 25), (64, 1, 9)))
    heard = play(places([lane(stopped_s=8, gap_s=30)]), Street([first, again], CAMERA), times(5, 64), shake=3)
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert [found.track.id for found in (begin, end) if found.track] == ["1-1", "1-1"]
    assert begin.at / 1000 == pytest.approx(13, abs=1.0)
    assert end.at / 1000 == pytest.approx(60.5, abs=1.0)


def test_a_vehicle_that_comes_to_another_s_place_later_stops_anew() -> None:
    first = Mover(CAR, by_points((0, 1, 50), (5, 1, 25), (20, 1, 25)))
    other = Mover(CAR, by_points((32, 1, 50), (36, 1, 25), (60, 1, 25)))
    heard = play(places([lane(stopped_s=8)]), Street([first, other], CAMERA), times(5, 55), shake=3)
    edges = [(found.edge, found.track.id if found.track else "") for found in heard.of(DetectionEvent.STOPPED)]
    assert edges == [(Edge.BEGIN, "1-1"), (Edge.END, "1-1"), (Edge.BEGIN, "1-2"), (Edge.END, "1-2")]
    assert heard.of(DetectionEvent.STOPPED)[1].at == 20_000


# --- wrong way


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
@pytest.mark.parametrize("calibrated", [True, False])
def test_only_who_goes_against_the_direction_is_on_the_wrong_way_and_once(at: list[float], calibrated: bool) -> None:
    right = [Mover(CAR, straight((-2, 55), (0, -8), begin=8.0 * n)) for n in range(6)]
    wrong = [Mover(MOTORCYCLE, straight((3, 12), (0, 6), begin=5.0 + 15 * n)) for n in range(3)]
    crossing = [Mover(CAR, straight((-12, 25), (5, 0), begin=20))]
    street = Street([*right, *wrong, *crossing], CAMERA)
    heard = play(places([lane()], calibrated=calibrated), street, at, shake=6, calibrated=calibrated)
    found = heard.of(DetectionEvent.WRONG_WAY)
    assert [each.track.label for each in found if each.track] == ["motorcycle"] * 3
    assert len({each.track.id for each in found if each.track}) == 3


def test_who_stands_and_trembles_or_rolls_back_a_little_is_not_on_the_wrong_way() -> None:
    rolling = by_points((0, 0, 50), (3, 0, 30), (8, 0, 31.5), (12, 0, 31.5), (15, 0, 20))
    street = Street([Mover(CAR, rolling), Mover(CAR, by_points((0, 3, 22), (40, 3, 22)))], CAMERA)
    assert play(places([lane()]), street, times(10, 15), shake=7).of(DetectionEvent.WRONG_WAY) == []


def test_who_turns_round_in_the_zone_is() -> None:
    turning = by_points((0, 0, 50), (3, 0, 25), (6, 0, 38))
    heard = play(places([lane()]), Street([Mover(CAR, turning)], CAMERA), times(10, 6))
    assert len(heard.of(DetectionEvent.WRONG_WAY)) == 1


# --- queue


def queue(gaps_m: float, cars: int, arrive_s: float = 4.0) -> Street:
    """Cars that come one after the other and stand behind the line at 15 m until 40 s."""

    def way(n: int) -> Way:
        stand, begin = 17.5 + gaps_m * n, arrive_s * n
        return by_points((begin, 0, 60), (begin + 4, 0, stand), (40 + n, 0, stand), (44 + n, 0, stand - 16))

    return Street([Mover(CAR, way(n)) for n in range(cars)], CAMERA)


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_a_queue_reaches_from_the_first_vehicle_to_the_end_of_the_last(at: list[float]) -> None:
    heard = play(places([lane(queue_m=15)]), queue(7.0, 4), at)
    told = {each.at // 1000: each.value for each in heard.measures if each.quantity == "queue_length"}
    assert told[0] == 0
    assert told[5] == pytest.approx(4.5, abs=0.1)  # one car
    assert told[30] == pytest.approx(3 * 7 + 4.5, rel=0.03)  # four cars, feet 7 m apart
    assert told[55] == 0
    begin, end = heard.of(DetectionEvent.QUEUE)
    assert (begin.edge, end.edge, begin.track) == (Edge.BEGIN, Edge.END, None)
    assert begin.at / 1000 == pytest.approx(12 + 5, abs=1)  # the third car stands at 12 s, held for 5 s
    assert end.at / 1000 == pytest.approx(41 + 5, abs=1.5)


def test_road_occupancy_is_the_ground_under_vehicles_by_that_of_the_lane() -> None:
    heard = play(places([lane()]), queue(7.0, 4), times(5, 30))
    # four cars of 4.5 m in lanes of 3.5 m on 10 m x 30 m
    assert heard.values("road_occupancy")[-1] == pytest.approx(100 * 4 * 4.5 * 3.5 / 300, rel=0.02)
    assert play(places([lane(direction=None)]), queue(7.0, 4), times(5, 9)).values("road_occupancy") == []


def test_a_car_that_stands_apart_is_not_part_of_the_queue() -> None:
    heard = play(places([lane()]), queue(18.0, 2), times(5, 35))
    assert heard.values("queue_length")[-2] == pytest.approx(4.5, abs=0.1)


def test_moving_vehicles_are_no_queue() -> None:
    assert set(play(places([lane()]), platoon(*[20.0] * 8), times(5, 40), shake=8).values("queue_length")) == {0.0}


def test_what_lasts_ends_when_no_more_pictures_come() -> None:
    watching, street = places([lane(queue_m=15, stopped_s=5)]), queue(7.0, 4)
    for time in times(5, 30):
        watching.update(street.tracked(time), round(time * 1000))
    ended = Heard(*watching.end())
    assert [found.edge for found in ended.of(DetectionEvent.QUEUE)] == [Edge.END]
    stopped = ended.of(DetectionEvent.STOPPED)
    assert len([found for found in stopped if found.edge is Edge.END]) == 4
    assert stopped[-1].edge is Edge.END
    assert all(a.at < b.at for a, b in pairwise(stopped))
    assert watching.end().findings == watching.update(Tracked([], []), 31_000).findings == []
