"""Analytics of zones and lines on scenes whose truth follows from the equations of motion."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Line, Zone
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import BAG, CAR, MOTORCYCLE, PERSON, SIZE, Mover, Street, by_points, ms, straight, times
from tests.unit.vision.watching import CAMERA, RATE_NAMES, RATES, line, places, play, zone
from vision.analytics.vanished import MOST
from vision.analytics.zone import Finding
from vision.bounds import prolonged
from vision.picture import Box
from vision.tracker import Track, Tracked

# --- zones: dwell and occupancy

VISIT = by_points((0, 9, 19), (5, 0, 19), (35, 0, 19), (40, 9, 19))
"""In at x = 5, that is 2.22 s after the beginning; out there too, at 37.78 s: 35.56 s in the zone."""


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_dwell_is_the_time_between_the_crossings_of_the_border_at_any_rate(at: list[float]) -> None:
    heard = play(places([zone(dwell_s=10)]), Street([Mover(PERSON, VISIT)], CAMERA), at, shake=1)
    (entered,), (left,) = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    assert (left.at - entered.at) / 1000 == pytest.approx(35.56, rel=0.02)
    begin, end = heard.of(DetectionEvent.DWELL)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at == entered.at + 10_000
    assert end.at == left.at


def test_zone_dwell_is_that_of_the_longest_stay_and_falls_to_zero() -> None:
    street = Street([Mover(PERSON, VISIT), Mover(PERSON, by_points((0, 9, 18), (30, 0, 18), (60, 0, 18)))], CAMERA)
    heard = play(places([zone()]), street, times(10, 60))
    told = {measure.at // 1000: measure.value for measure in heard.measures if measure.quantity == "zone_dwell"}
    assert sorted(told) == list(range(0, 61, 5))
    assert told[0] == 0
    assert told[20] == pytest.approx(20 - 2.22, abs=0.2)
    assert told[50] == pytest.approx(50 - 13.33, abs=0.2)  # the second came in after 4 / 9 of 30 s


def test_people_who_enter_together_are_all_told_and_none_is_older_than_the_one_before() -> None:
    """Rules take no event for new that is not newer than the last one of its zone."""
    abreast = [Mover(PERSON, by_points((0, x, 30), (20, x, 14.5))) for x in (-2, -1, 0, 1, 2)]
    entered = play(places([zone()]), Street(abreast, CAMERA), times(5, 15)).of(DetectionEvent.ENTER)
    first = entered[0].at
    assert [found.at - first for found in entered] == [0, 1, 2, 3, 4]
    assert len({found.track.id for found in entered if found.track}) == 5


def test_two_short_visits_are_no_long_one() -> None:
    way = by_points((0, 9, 19), (5, 0, 19), (11, 0, 19), (16, 9, 19), (21, 0, 19), (27, 0, 19), (32, 9, 19))
    heard = play(places([zone(dwell_s=15)]), Street([Mover(PERSON, way)], CAMERA), times(5, 32))
    assert len(heard.of(DetectionEvent.ENTER)) == 2
    assert heard.of(DetectionEvent.DWELL) == []


def test_when_one_of_two_loiterers_leaves_the_zone_still_has_one() -> None:
    first = by_points((0, 9, 19), (5, 0, 19), (20, 0, 19), (25, 9, 19))
    second = by_points((4, -9, 17), (9, 0, 17), (40, 0, 17), (45, -9, 17))
    heard = play(
        places([zone(dwell_s=5)]), Street([Mover(PERSON, first), Mover(PERSON, second)], CAMERA), times(10, 45)
    )
    found = [(each.edge, each.track.id if each.track else "") for each in heard.of(DetectionEvent.DWELL)]
    begin, end = Edge.BEGIN, Edge.END
    assert found == [(begin, "1-1"), (begin, "1-2"), (end, "1-1"), (begin, "1-2"), (end, "1-2")]
    dated = [each.at for each in heard.of(DetectionEvent.DWELL)]
    assert dated == sorted(dated)
    assert dated[3] == dated[2] + 1


def test_occupancy_is_told_once_a_second_people_and_vehicles_apart() -> None:
    street = Street([Mover(PERSON, VISIT), Mover(CAR, by_points((0, 2, 30), (10, 2, 18), (60, 2, 18)))], CAMERA)
    heard = play(places([zone(labels=("person", "car"))]), street, times(10, 60))
    people = {measure.at // 1000: measure.value for measure in heard.measures if measure.quantity == "zone_occupancy"}
    cars = {measure.at // 1000: measure.value for measure in heard.measures if measure.quantity == "zone_vehicles"}
    assert sorted(people) == list(range(61))
    assert [people[at] for at in (1, 4, 30, 37, 45)] == [0, 1, 1, 1, 0]
    assert [cars[at] for at in (1, 12, 60)] == [0, 1, 1]
    assert play(places([zone()]), street, times(5, 9)).values("zone_vehicles") == []


def test_dwell_counting_and_occupancy_need_no_calibration_and_nothing_metric_is_said_without_it() -> None:
    watching = places([zone(labels=("person", "car"), dwell_s=5)], [line()], calibrated=False)
    street = Street([Mover(PERSON, VISIT), Mover(CAR, straight((3, 50), (0, -10)))], CAMERA)
    heard = play(watching, street, times(5, 60), calibrated=False)
    assert {measure.quantity for measure in heard.measures} == {
        "zone_occupancy", "zone_vehicles", "zone_dwell", "line_count", "line_count_right", "line_count_left",
        "car_count", "vehicle_count", "traffic_flow",
    }  # fmt: skip
    assert heard.of(DetectionEvent.DWELL)


def test_what_an_exclusion_zone_hides_is_in_no_zone_and_crosses_no_line() -> None:
    hiding = Zone(id="x", polygon=CAMERA.ground((-9, 16), (9, 16), (9, 26), (-9, 26)), kind="exclusion")
    street = Street([Mover(PERSON, straight((0, 30), (0, -1)))], CAMERA)
    heard = play(places([zone(), hiding], [line()]), street, times(5, 10))
    assert heard.findings == []
    assert heard.values("zone_occupancy") == [0] * 11
    assert play(places([zone()], [line()]), street, times(5, 12)).of(DetectionEvent.CROSS) != []


# --- zones: hidden for longer than a tracker waits

HIDDEN = [
    Mover(PERSON, by_points((0, 9, 19), (5, 0, 19), (15, 0, 19))),
    Mover(PERSON, by_points((23, 0.6, 19), (35, 0, 19), (40, 9, 19))),
]
"""The visit of one who is not seen from 15 s to 23 s, and is another track then."""


def who(found: list[Finding]) -> list[str]:
    return [each.track.id for each in found if each.track]


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_a_stay_goes_on_with_another_track_that_appears_in_time_where_it_was_lost(at: list[float]) -> None:
    heard = play(places([zone(dwell_s=18, gap_s=20)]), Street(HIDDEN, CAMERA), at, shake=1)
    (entered,), (left,) = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    assert (left.at - entered.at) / 1000 == pytest.approx(35.56, rel=0.02)
    begin, end = heard.of(DetectionEvent.DWELL)
    assert (begin.at, end.at) == (entered.at + 18_000, left.at)
    assert who([entered, begin, end, left]) == ["1-1"] * 4
    told = {measure.at // 1000: measure.value for measure in heard.measures if measure.quantity == "zone_dwell"}
    assert told[30] == pytest.approx(30 - 2.22, abs=0.4)


@pytest.mark.parametrize("gap_s", [3.0, 7.0])
def test_who_appears_there_after_the_gap_is_another(gap_s: float) -> None:
    heard = play(places([zone(gap_s=gap_s)]), Street(HIDDEN, CAMERA), times(10, 60))
    assert who(heard.of(DetectionEvent.ENTER)) == who(heard.of(DetectionEvent.LEAVE)) == ["1-1", "1-2"]
    assert heard.of(DetectionEvent.LEAVE)[0].at == 15_000


@pytest.mark.parametrize("at", RATES, ids=RATE_NAMES)
def test_who_does_not_come_back_left_when_seen_last_and_is_told_after_the_gap(at: list[float]) -> None:
    watching, street = places([zone(gap_s=20, dwell_s=14)]), Street(HIDDEN[:1], CAMERA)
    told, before = list[tuple[float, Finding]](), list[Track]()
    for time in at:
        live = street.tracked(time).live
        said = watching.update(Tracked(live, before if not live else []), ms(time))
        before = live
        told += [(time, each) for each in said.findings]
    last = max(time for time in at if time <= 15)
    ((time, left),) = [each for each in told if each[1].event is DetectionEvent.LEAVE]
    assert (left.at, time) == (ms(last), min(time for time in at if time > last + 20))
    assert [each for _, each in told if each.event is DetectionEvent.DWELL] == []  # 12.8 s there


def test_who_appears_elsewhere_is_another_and_so_is_another_kind_of_object() -> None:
    elsewhere = Mover(PERSON, by_points((23, 3, 19), (35, 3, 19), (40, 9, 19)))
    thing = Mover(BAG, by_points((23, 0, 19), (60, 0, 19)))
    for other in (elsewhere, thing):
        street = Street([HIDDEN[0], other], CAMERA)
        heard = play(places([zone(gap_s=20, labels=("person", "suitcase"))]), street, times(10, 60))
        assert who(heard.of(DetectionEvent.ENTER)) == ["1-1", "1-2"]
        assert [found.at for found in heard.of(DetectionEvent.LEAVE) if who([found]) == ["1-1"]] == [15_000]


def test_of_two_who_were_lost_each_is_found_at_its_own_place() -> None:
    ways = [
        by_points((0, -4, 19), (20, -4, 19)), by_points((0, -3, 19), (20, -3, 19)),
        by_points((30, -3, 19), (40, -3, 19)), by_points((30, -4, 19), (50, -4, 19)),
    ]  # fmt: skip
    heard = play(places([zone(gap_s=20)]), Street([Mover(PERSON, way) for way in ways], CAMERA), times(5, 59))
    assert who(heard.of(DetectionEvent.ENTER)) == ["1-1", "1-2"]
    assert [(who([found]), found.at) for found in heard.of(DetectionEvent.LEAVE)] == [
        (["1-2"], 40_000), (["1-1"], 50_000),
    ]  # fmt: skip


def test_no_more_than_so_many_are_waited_for() -> None:
    crowd = [Mover(PERSON, by_points((0, -4.5 + 0.12 * n, 19), (10, -4.5 + 0.12 * n, 19))) for n in range(MOST + 6)]
    heard = play(places([zone(gap_s=40)]), Street(crowd, CAMERA), times(5, 30))
    assert len(heard.of(DetectionEvent.ENTER)) == len(heard.of(DetectionEvent.LEAVE)) == MOST + 6
    watching = places([zone(gap_s=40)])
    for time in times(5, 10):
        watching.update(Street(crowd, CAMERA).tracked(time), ms(time))
    said = watching.update(Tracked([], Street(crowd, CAMERA).tracked(10).live), 10_200)
    assert len([each for each in said.findings if each.event is DetectionEvent.LEAVE]) == 6


# --- lines


def test_crossings_are_counted_by_direction_and_class_and_nothing_else_is() -> None:
    cars = [Mover(CAR, straight((-2, 45), (0, -9), begin=4.0 * n)) for n in range(7)]
    back = [Mover(MOTORCYCLE, straight((3, 11), (0, 7), begin=3.0 * n)) for n in range(9)]
    beyond = [Mover(PERSON, straight((11, 30), (0, -1.4)))]  # passes the line's end at 8 m
    heard = play(places(lines=[line()]), Street([*cars, *back, *beyond], CAMERA), times(10, 59), shake=3)
    sums = {quantity: sum(heard.values(quantity)) for quantity in {each.quantity for each in heard.measures}}
    assert sums.pop("traffic_flow") == pytest.approx(16 * 3600 / 59, rel=0.01)
    assert sums == {
        "line_count": 16, "line_count_right": 7, "line_count_left": 9, "car_count": 7, "motorcycle_count": 9,
        "vehicle_count": 16,
    }  # fmt: skip
    sides = [found.direction for found in heard.of(DetectionEvent.CROSS)]
    assert (sides.count("right"), sides.count("left")) == (7, 9)


@pytest.mark.parametrize("fps", [3, 10, 25])
def test_minutes_of_counts_end_with_the_minute_and_add_up_to_the_crossings(fps: float) -> None:
    cars = [Mover(CAR, straight((-2, 45), (0, -9), begin=2.0 + 5.0 * n)) for n in range(40)]
    heard = play(places(lines=[line()]), Street(cars, CAMERA), times(fps, 215))
    told = [(each.at, each.value) for each in heard.measures if each.quantity == "car_count"]
    # the near end of the car has 22.85 m to the line: crossed 2 + 5 n + 2.54 s after the beginning
    assert [value for _, value in told] == [12, 12, 12, 4]
    assert [at for at, _ in told][:3] == [59_999, 119_999, 179_999]
    assert len(heard.of(DetectionEvent.CROSS)) == 40


@pytest.mark.parametrize("seed", range(5))
def test_boxes_that_tremble_at_a_line_count_once(seed: int) -> None:
    """OpenDataCam counts such a one again and again, in both directions (its issue 501)."""
    halting = by_points((0, 0, 26), (4, 0, 22.2), (20, 0, 22.1), (24, 0, 18))  # its foot is its near end, 2.15 m less
    heard = play(places(lines=[line()]), Street([Mover(CAR, halting)], CAMERA), times(10, 24), shake=seed)
    assert [found.direction for found in heard.of(DetectionEvent.CROSS)] == ["right"]


def test_who_turns_back_on_the_line_has_not_crossed() -> None:
    turning = by_points((0, 0, 26), (4, 0, 22.2), (10, 0, 22.1), (14, 0, 26))
    heard = play(places(lines=[line()]), Street([Mover(CAR, turning)], CAMERA), times(10, 14), shake=1)
    assert heard.of(DetectionEvent.CROSS) == []


def test_a_track_without_a_name_is_never_counted() -> None:
    """supervision counts all unnamed boxes as one track, which is everywhere (its issue 2578)."""
    watching, street = places(lines=[line()]), Street([Mover(CAR, straight((0, 30), (0, -9)))], CAMERA)
    for time in times(10, 2):
        live = [track._replace(id="") for track in street.tracked(time).live]
        assert watching.update(Tracked(live, []), ms(time)).findings == []


def test_a_line_counts_the_labels_that_it_names() -> None:
    movers = [Mover(CAR, straight((0, 30), (0, -9))), Mover(PERSON, straight((3, 23), (0, -1)))]
    heard = play(places(lines=[line(labels=("person",))]), Street(movers, CAMERA), times(5, 8))
    assert [found.track.label for found in heard.of(DetectionEvent.CROSS) if found.track] == ["person"]
    assert heard.values("vehicle_count") == []


def test_a_car_that_waits_on_the_line_at_a_red_light_is_counted_when_it_goes_on() -> None:
    waiting = by_points((0, 0, 40), (4, 0, 22.2), (94, 0, 22.1), (98, 0, 12))  # its foot is its near end, 2.15 m less
    heard = play(places(lines=[line()]), Street([Mover(CAR, waiting)], CAMERA), times(5, 98), shake=2)
    assert [found.direction for found in heard.of(DetectionEvent.CROSS)] == ["right"]
    assert sum(heard.values("car_count")) == 1


def test_crossing_against_a_line_s_way_is_wrong_way() -> None:
    movers = [Mover(CAR, straight((-3, 30), (0, -9))), Mover(MOTORCYCLE, straight((3, 12), (0, 6)))]
    heard = play(places(lines=[line(way="right")]), Street(movers, CAMERA), times(10, 4))
    (wrong,) = heard.of(DetectionEvent.WRONG_WAY)
    assert wrong.track is not None
    assert (wrong.track.label, wrong.direction, wrong.place) == ("motorcycle", "left", "l")


@pytest.mark.parametrize("end", [576, 575, 574.5])
def test_who_is_cut_by_the_picture_s_border_crosses_a_line_that_was_drawn_to_it(end: float) -> None:
    watching = places(lines=[Line(id="l", points=((384.0, 400.0), (384.0, end)))])
    found = [
        found
        for n in range(20)  # 120 px high, its foot 10 px below the picture
        for found in watching.update(
            Tracked([Track("1-1", "person", Box(270 + 10.0 * n, 466, 40, 120), 0.9, 100 * n, True)], []), 100 * n
        ).findings
    ]
    assert [(each.event, each.direction) for each in found] == [(DetectionEvent.CROSS, "left")]


def test_a_line_that_ends_before_the_border_ends_there() -> None:
    assert prolonged((384, 400), (384, 560), SIZE) == ((384, 400), (384, 560))
    # 768 px longer at the ends that lead out of the picture
    assert prolonged((384, 400), (384, 576), SIZE) == ((384, 400), (384, 576 + 768))
    assert prolonged((0, 300), (300, 576), (768, 576))[0] == pytest.approx(
        (-768 * 300 / 407.64, 300 - 768 * 276 / 407.64), abs=0.1
    )
    assert prolonged((100, 576), (200, 576), SIZE) == ((100, 576), (200, 576))
