"""The tracker on hand-made tracks."""

from __future__ import annotations

from vision.picture import Box, Seen
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
    assert ids(play(Tracker("7", 0.5), [[person(10)], [person(10)], *[[weak]] * 5])[-1]) == ["7-1"]


def test_a_strong_box_is_matched_before_a_nearer_weak_one() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10)], [person(10)]])
    tracked = tracker.update([person(10, confidence=0.4), person(16)], 400)
    assert [track.confidence for track in tracked.live] == [0.9]


def test_a_track_survives_a_gap_of_under_two_seconds_where_its_speed_leads() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10 + 8 * n)] for n in range(10)])
    gap = play(tracker, [[]] * 8, begin=2000)
    assert ids(gap[0]) == ["7-1"]  # coasting 0.2 s after its last box
    assert not gap[0].live[0].seen
    assert ids(gap[-1]) == []
    back = tracker.update([person(10 + 8 * 18)], 3600)
    assert ids(back) == ["7-1"]


def test_a_track_ends_after_two_seconds_with_the_time_of_its_last_box() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10)], [person(10)]])
    assert tracker.update([], 2200).ended == []
    (ended,) = tracker.update([], 2201).ended
    assert (ended.id, ended.at) == ("7-1", 200)


def test_objects_of_different_labels_are_never_one_track() -> None:
    played = play(Tracker("7", 0.5), [[person(10)], [person(10)], [person(10, label="dog")], [person(10, label="dog")]])
    assert ids(played[-1])[-1] == "7-2"


def test_two_who_pass_one_another_keep_their_ids() -> None:
    pictures = [[person(100 + 10 * n, y=100), person(400 - 10 * n, y=180)] for n in range(30)]
    last = play(Tracker("7", 0.5), pictures)[-1]
    assert {track.id: track.box.x > 250 for track in last.live} == {"7-1": True, "7-2": False}


def test_ending_gives_every_confirmed_track_once() -> None:
    tracker = Tracker("7", 0.5)
    play(tracker, [[person(10), person(300)], [person(10), person(300)], [person(10), person(300), person(600)]])
    assert [track.id for track in tracker.end()] == ["7-1", "7-2"]
    assert tracker.end() == []
