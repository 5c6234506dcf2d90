"""Scores of hand-made tracks, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.errors import BadInput
from vision.picture import Box
from vision.scores import Event, detection_score, tracking_score, unmatched_events
from vision.tracker import Track
from vision.truth import True_, read_truth

A, B, FAR = Box(0, 0, 10, 20), Box(100, 0, 10, 20), Box(300, 0, 10, 20)


def true(person: str, box: Box, counts: bool = True) -> True_:
    return True_(person, box, counts, None)


def track(id_: str, box: Box) -> Track:
    return Track(id_, "person", box, 0.9, 0, True)


def test_who_is_to_be_ignored_is_no_truth_and_found_there_is_false() -> None:
    truth = {1: [true("1", A), true("2", B, counts=False)]}
    found = detection_score({1: [A, B]}, truth, [1])
    assert (found.precision, found.recall) == (0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3)


def test_a_switch_a_miss_and_a_false_box_are_each_one_of_six() -> None:
    truth = {n: [true("1", A), true("2", B)] for n in (1, 2, 3)}
    tracks = {
        1: [track("x", A), track("y", B)],
        2: [track("z", A), track("y", B)],  # person 1 has another track
        3: [track("z", A), track("y", FAR)],  # person 2 is missed, and there is a false box
    }
    score = tracking_score(tracks, truth, [1, 2, 3])
    assert score.mota == pytest.approx(1 - 3 / 6)
    assert score.id_switches == 1
    # z has person 1 for two frames, y person 2 for two: 4 right of 6 true and 6 found
    assert score.idf1 == pytest.approx(2 * 4 / 12)


def test_a_track_keeps_its_person_while_it_overlaps_though_another_fits_better() -> None:
    near = Box(2, 0, 10, 20)
    truth = {1: [true("1", A)], 2: [true("1", A)]}
    score = tracking_score({1: [track("x", A)], 2: [track("x", near), track("y", A)]}, truth, [1, 2])
    assert score.id_switches == 0


def test_events_have_partners_of_their_line_and_direction_within_the_time() -> None:
    true_ones = [Event("a", "left", 1000), Event("a", "right", 5000), Event("b", "left", 1000)]
    assert unmatched_events(true_ones, true_ones, 2000) == 0
    assert unmatched_events([Event("a", "left", 2900)], true_ones[:1], 2000) == 0
    assert unmatched_events([Event("a", "left", 3100)], true_ones[:1], 2000) == 2
    assert unmatched_events([Event("a", "right", 1000)], true_ones, 2000) == 4


def test_truth_is_read_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gt.txt"
    file.write_text("1,9,499,158,31,75,1,-4.1,-7.3,0\n1,8,1,2,3,4,0,-1,-1,-1\n")
    first, second = read_truth(file)[1]
    assert first == ("9", Box(499, 158, 31, 75), True, (-4.1, -7.3))
    assert (second.counts, second.metres) == (False, None)
    file.write_text("1,9,499,158,31,75,1,0,0,0\n1,nobody\n")
    with pytest.raises(BadInput, match="line 2"):
        read_truth(file)
    with pytest.raises(BadInput, match="--truth"):
        read_truth(tmp_path / "none.txt")
