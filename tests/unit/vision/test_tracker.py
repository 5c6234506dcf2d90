"""The tracker on hand-made tracks."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Calibration, GroundPoint
from vision.kinds import MOVERS
from vision.picture import Box, Seen
from vision.plane import Plane
from vision.tracker import Tracked, Tracker

PERIOD = 200


def person(x: float, y: float = 100, confidence: float = 0.9, label: str = "person") -> Seen:
    return Seen(Box(x, y, 40, 100), label, confidence)


def play(tracker: Tracker, pictures: list[list[Seen]], begin: int = 0) -> list[Tracked]:
    return [tracker.update(seen, begin + n * PERIOD) for n, seen in enumerate(pictures)]


def ids(tracked: Tracked) -> list[str]:
    return [track.id for track in tracked.live]


def test_the_second_box_confirms_a_track() -> None:
    first, second = play(Tracker("7", 0.5), [[person(10)], [person(14)]])
    assert ids(first) == []
    assert ids(second) == ["7-1"]


def test_a_single_false_box_never_becomes_a_track() -> None:
    assert [ids(each) for each in play(Tracker("7", 0.5), [[person(10)], [], [], [], [person(10)]])] == [[]] * 5


def test_a_walker_keeps_one_id_and_is_followed_closely() -> None:
    played = play(Tracker("7", 0.5), [[person(10 + 8 * n)] for n in range(20)])
    assert {id_ for each in played for id_ in ids(each)} == {"7-1"}
    assert abs(played[-1].live[0].box.x - (10 + 8 * 19)) < 2


def test_a_weak_box_continues_a_track_but_never_begins_one() -> None:
    weak = person(10, confidence=0.35)
    assert ids(play(Tracker("7", 0.5), [[weak]] * 5)[-1]) == []
    assert ids(play(Tracker("7", 0.5), [[person(10)], [person(10)], *[[weak]] * 2])[-1]) == ["7-1"]


def test_weak_boxes_alone_continue_a_track_for_half_a_second_only() -> None:
    weak = person(10, confidence=0.35)
    last = play(Tracker("7", 0.5), [[person(10)], [person(10)], *[[weak]] * 5])[-1]
    assert ids(last) == []
    assert [track.id for track in last.hidden] == ["7-1"]


def test_a_strong_box_is_matched_before_a_nearer_weak_one() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10)], [person(10)]])
    tracked = tracker.update([person(10, confidence=0.4), person(16)], 400)
    assert [track.confidence for track in tracked.live] == [0.9]


def test_a_track_survives_a_gap_of_under_three_seconds_where_its_speed_leads() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10 + 8 * n)] for n in range(10)])
    gap = play(tracker, [[]] * 8, begin=2000)
    assert ids(gap[0]) == ["7-1"]  # coasting 0.2 s after its last box
    assert not gap[0].live[0].seen
    assert ids(gap[-1]) == []
    back = tracker.update([person(10 + 8 * 18)], 3600)
    assert ids(back) == ["7-1"]


def test_a_track_ends_after_three_seconds_with_the_time_of_its_last_box() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10)], [person(10)]])
    assert tracker.update([], 3200).ended == []
    (ended,) = tracker.update([], 3201).ended
    assert (ended.id, ended.at) == ("7-1", 200)


def test_objects_of_different_labels_are_never_one_track() -> None:
    played = play(Tracker("7", 0.5), [[person(10)], [person(10)], [person(10, label="dog")], [person(10, label="dog")]])
    assert ids(played[-1])[-1] == "7-2"


def named(*labels: tuple[str, float]) -> list[Tracked]:
    """A car's box that is called so in one picture after the other."""
    return play(Tracker("7", 0.3), [[person(10, confidence=sure, label=label)] for label, sure in labels])


def test_one_vehicle_under_two_names_is_one_track_with_the_name_that_has_more_confidence_behind_it() -> None:
    played = named(("truck", 0.5), ("car", 0.8), ("car", 0.8), ("truck", 0.5), ("truck", 0.5), ("truck", 0.5))
    assert {id_ for each in played for id_ in ids(each)} == {"7-1"}
    # truck .5; car .8 to .5 from the second on; at the sixth truck has 2.0 and car 1.6
    assert [each.live[0].label for each in played[1:]] == ["car", "car", "car", "car", "truck"]
    assert [each.points[0].seen.label for each in played] == ["truck", "car", "car", "car", "car", "truck"]


def test_a_new_vehicle_that_is_seen_under_two_names_at_once_is_one_track() -> None:
    both = [person(10, confidence=0.6, label="truck"), person(12, confidence=0.8, label="car")]
    played = play(Tracker("7", 0.5), [both] * 3)
    assert [(track.id, track.label) for track in played[-1].live] == [("7-1", "car")]


def test_a_rider_and_the_motorcycle_are_two_tracks() -> None:
    rider, machine = Seen(Box(100, 60, 40, 90), "person", 0.9), Seen(Box(85, 100, 70, 80), "motorcycle", 0.9)
    played = play(Tracker("7", 0.5), [[rider, machine]] * 4 + [[rider]] * 2 + [[rider, machine]] * 3)
    assert sorted((track.id, track.label) for track in played[-1].live) == [("7-1", "person"), ("7-2", "motorcycle")]


def test_between_two_vehicles_each_keeps_the_box_of_its_own_name() -> None:
    """Their boxes tremble to where the other's should be."""
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(100, label="car"), person(116, label="truck")]] * 3)
    (car, lorry) = tracker.update([person(110, label="car"), person(106, label="truck")], 600).points
    assert {car.id: car.seen.box.x, lorry.id: lorry.seen.box.x} == {"7-1": 110, "7-2": 106}


def test_labels_of_which_a_detector_makes_one_kind_continue_one_another() -> None:
    tracker = Tracker("7", 0.5, kinds=MOVERS)
    played = play(tracker, [[person(10)], [person(10, label="vehicle")], [person(10, label="vehicle")]])
    assert [(track.id, track.label) for track in played[-1].live] == [("7-1", "vehicle")]


def test_two_who_pass_one_another_keep_their_ids() -> None:
    pictures = [[person(100 + 10 * n, y=100), person(400 - 10 * n, y=180)] for n in range(30)]
    last = play(Tracker("7", 0.5), pictures)[-1]
    assert {track.id: track.box.x > 250 for track in last.live} == {"7-1": True, "7-2": False}


def test_ending_gives_every_confirmed_track_once() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10), person(300)], [person(10), person(300)], [person(10), person(300), person(600)]])
    assert [track.id for track in tracker.end()] == ["7-1", "7-2"]
    assert tracker.end() == []


# A level pinhole camera 5 m up, focal length 500 px, centre (400, 300): X to the right, Z ahead, in metres.
def seen_at(x: float, z: float, label: str = "person") -> Seen:
    foot, height = (400 + 500 * x / z, 300 + 2500 / z), 850 / z
    return Seen(Box(foot[0] - 0.2 * height, foot[1] - height, 0.4 * height, height), label, 0.9)


def ground() -> Plane:
    corners = [(x, z) for x in (-4.0, 0.0, 4.0) for z in (8.0, 14.0, 20.0)]
    points = tuple(GroundPoint(picture=(400 + 500 * x / z, 300 + 2500 / z), metres=(x, z)) for x, z in corners)
    return Plane.of(Calibration(points=points, camera_height=5), (800, 600), (800, 600))


def test_on_a_calibrated_ground_a_walker_has_metres_and_metres_a_second() -> None:
    tracker = Tracker("7", 0.5, ground())
    played = play(tracker, [[seen_at(-3 + 0.24 * n, 12 + 0.1 * n)] for n in range(25)])  # 1.2 and 0.5 m/s
    found = played[-1].live[0].ground
    assert found is not None
    assert abs(found.x - (-3 + 0.24 * 24)) < 0.1
    assert abs(found.y - (12 + 0.1 * 24)) < 0.1
    assert abs(found.mps - 1.3) < 0.1
    assert 0 < found.sigma_m < 0.5
    assert 0 < found.sigma_mps < 0.5


def test_a_car_of_15_metres_a_second_is_one_track() -> None:
    played = play(Tracker("7", 0.5, ground()), [[seen_at(-6 + 3 * n, 12, "car")] for n in range(6)])
    assert {id_ for each in played for id_ in ids(each)} == {"7-1"}


def test_a_person_is_not_followed_over_a_jump_that_nobody_makes() -> None:
    played = play(Tracker("7", 0.5, ground()), [[seen_at(-3, 12)]] * 5 + [[seen_at(3, 12)]] * 5)
    assert ids(played[-1]) == ["7-2"]


def test_without_a_ground_there_are_no_metres() -> None:
    heights = Plane.of(Calibration(height=((300, 50), (500, 90))), (800, 600), (800, 600))
    for plane in (None, heights):
        assert play(Tracker("7", 0.5, plane), [[person(10)]] * 3)[-1].live[0].ground is None


def test_a_box_above_the_horizon_is_no_object_on_the_ground() -> None:
    sky = Seen(Box(400, 100, 20, 50), "person", 0.9)
    assert ids(play(Tracker("7", 0.5, ground()), [[sky]] * 3)[-1]) == []


def test_a_detector_that_errs_in_pairs_needs_three_boxes() -> None:
    played = play(Tracker("7", 0.5, confirm_hits=3), [[person(10)]] * 3)
    assert [ids(each) for each in played] == [[], [], ["7-1"]]


def test_who_is_hidden_is_told_apart_for_two_seconds() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10)]] * 3)
    assert [track.id for track in tracker.update([], 800).hidden] == ["7-1"]
    assert tracker.update([], 2401).hidden == []


def test_a_box_of_another_height_is_another_object() -> None:
    tall = Seen(Box(10, 10, 40, 190), "person", 0.9)  # the same foot, 1.9 times as tall
    assert ids(play(Tracker("7", 0.5), [[person(10)], [person(10)], [tall], [tall]])[-1]) == ["7-2"]


def test_nobody_is_found_again_further_off_than_legs_carry() -> None:
    # 100 px are 1.7 m; 2.9 s at 3 m/s and 1.2 m are 9.9 m, 582 px
    for right, same in ((570, True), (600, False)):
        tracker = Tracker("7", 0.5)
        tracker.update([person(0)], 0)
        tracker.update([person(0)], 40)
        tracker.update([person(right)], 2940)
        assert (ids(tracker.update([person(right)], 2980)) == ["7-1"]) is same


def test_a_box_over_the_expected_one_continues_a_track_whatever_the_ground_says() -> None:
    tracker = Tracker("7", 0.5, ground())
    for n in range(10):
        tracker.update([seen_at(0, 12)], n * PERIOD)
    box = seen_at(0, 12).box
    lower = Seen(box._replace(y=box.y + 0.25 * box.height), "person", 0.9)  # 5 sigma, an overlap of .6
    (found,) = tracker.update([lower], 10 * PERIOD).live
    assert (found.id, found.seen) == ("7-1", True)


def test_a_track_is_where_its_newest_box_draws_it_and_ends_where_that_was() -> None:
    played = play(Tracker("7", 0.5, ground()), [[seen_at(0.2 * n, 12)] for n in range(10)] + [[]] * 20)
    assert [each.ground.x for each in played[1].live if each.ground] == [pytest.approx(0.2, abs=0.05)]
    last, (ended,) = played[9].live[0], next(each.ended for each in played if each.ended)
    assert last.ground is not None
    assert last.ground.x == pytest.approx(1.8, abs=0.1)
    assert ended == last._replace(seen=True)
