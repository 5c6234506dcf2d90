"""Line crossings on paths drawn by hand: a line from (100, 0) down to (100, 100), people 50 px tall."""

from __future__ import annotations

import pytest

from vision.lines import FORGET_MS, Crossing, Foot, LineWatch, Point


def crossed(path: list[Point], period: int = 200) -> list[Crossing]:
    watch = LineWatch((100, 0), (100, 100))
    return [c for n, at in enumerate(path) for c in watch.update([Foot("t", at, 50)], n * period)]


def test_a_walk_over_the_line_is_one_crossing_with_its_direction() -> None:
    # looking down the picture along the line, smaller x is on the right hand
    assert crossed([(90, 50), (98, 50), (106, 50), (120, 50)]) == [Crossing("t", "left")]
    assert crossed([(120, 50), (100, 50), (80, 50)]) == [Crossing("t", "right")]


def test_a_foot_that_trembles_within_the_band_crosses_nothing() -> None:
    # the band is a tenth of 50 px
    assert crossed([(90, 50), (104, 50), (96, 50), (104, 50), (96, 50)]) == []


def test_the_way_back_is_a_crossing_of_its_own() -> None:
    assert [c.direction for c in crossed([(90, 50), (110, 50), (90, 50)])] == ["left", "right"]


def test_a_passage_beyond_the_ends_is_none() -> None:
    assert crossed([(90, 120), (110, 120)]) == []
    assert crossed([(90, -5), (110, -5)]) == []
    assert crossed([(90, 95), (110, 103)]) == [Crossing("t", "left")]  # meets the line at y 99


def test_who_begins_in_the_band_has_no_side_yet() -> None:
    assert crossed([(100, 50), (110, 50), (120, 50)]) == []


def test_few_pictures_give_the_same_crossing_as_many() -> None:
    walk = [(60.0 + n, 50.0) for n in range(80)]
    assert [c.direction for c in crossed(walk, 40)] == [c.direction for c in crossed(walk[::20], 800)] == ["left"]


def test_each_track_is_judged_by_itself_and_forgotten_when_told() -> None:
    watch = LineWatch((100, 0), (100, 100))
    assert watch.update([Foot("a", (90, 50), 50), Foot("b", (110, 50), 50)], 0) == []
    watch.forget(["a"])
    assert watch.update([Foot("a", (110, 50), 50), Foot("b", (90, 50), 50)], 200) == [Crossing("b", "right")]


@pytest.mark.parametrize("period", [100, 333, 1000])
def test_who_waits_on_the_line_for_longer_than_a_minute_has_crossed_when_clear_of_it(period: int) -> None:
    waiting = [(90.0, 50.0), *[(101.0, 50.0)] * (90_000 // period)]  # for 90 s, within a tenth of 50 px
    assert crossed([*waiting, (110, 50), (120, 50)], period) == [Crossing("t", "left")]
    assert crossed([*waiting, (90, 50), (80, 50)], period) == []


def test_the_side_of_who_was_not_seen_for_too_long_says_nothing() -> None:
    for gap, found in ((FORGET_MS, [Crossing("a", "left")]), (FORGET_MS + 1, [])):
        watch = LineWatch((100, 0), (100, 100))
        watch.update([Foot("a", (90, 50), 50)], 0)
        watch.update([], gap - 1000)
        assert watch.update([Foot("a", (110, 50), 50)], gap) == found


def test_a_line_of_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="two different points"):
        LineWatch((1, 1), (1, 1))
