"""What is known three seconds later of hand-made tracks."""

from __future__ import annotations

from tests.unit.vision.test_tracker import person
from vision.delayed import Delayed, Final
from vision.picture import Seen
from vision.tracker import Tracker

PERIOD = 200


def play(pictures: list[list[Seen]]) -> tuple[list[Final], list[Final]]:
    """What became final while the pictures came, and at the end."""
    tracker, delayed, found = Tracker("7", 0.5), Delayed(), []
    for n, seen in enumerate(pictures):
        found += delayed.update(tracker.update(seen, n * PERIOD), n * PERIOD)
    return found, delayed.end()


def test_a_picture_is_final_three_seconds_later_and_never_twice() -> None:
    found, rest = play([[person(10)]] * 20)
    assert [final.at for final in found] == [0, 200, 400, 600, 800]  # the last picture is of 3800
    assert [final.at for final in found + rest] == [n * PERIOD for n in range(20)]


def test_a_track_is_there_from_its_first_box_although_the_second_confirmed_it() -> None:
    found, _ = play([[person(10)]] * 20)
    assert [track.id for track in found[0].tracks] == ["7-1"]


def test_a_gap_is_filled_on_a_straight_way() -> None:
    walk = [[person(10 + 10 * n)] if not 6 <= n < 12 else [] for n in range(30)]
    found, _ = play(walk)
    (hidden,) = found[9].tracks
    assert (hidden.id, hidden.seen, round(hidden.box.x)) == ("7-1", False, 100)


def test_who_was_seen_for_less_than_half_a_second_was_never_there() -> None:
    found, rest = play([[person(10)], [person(10)], [person(10)], *[[]] * 30])
    assert {track.id for final in found + rest for track in final.tracks} == set()


def test_nobody_is_there_after_the_last_box() -> None:
    found, rest = play([[person(10)]] * 6 + [[]] * 30)
    assert [len(final.tracks) for final in (found + rest)[4:8]] == [1, 1, 0, 0]


def test_what_it_is_called_three_seconds_later_it_was_called_from_the_beginning() -> None:
    names = ["truck", "car", "truck", *["car"] * 27]
    found, _ = play([[person(10, label=name)] for name in names])
    assert [[(track.id, track.label) for track in final.tracks] for final in found] == [[("7-1", "car")]] * len(found)
