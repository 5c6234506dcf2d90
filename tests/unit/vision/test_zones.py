"""Zones: the foot decides, the border's crossing is dated, and trembling on it is nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.core.catalogue import Zone, ZoneHours
from vision.bounds import drawn
from vision.picture import Box
from vision.tracker import Track, Tracked
from vision.zones import Moment, Polygon, ZoneWatch, scaled, visible

SQUARE = ((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0))
SIZE = (768, 576)
STEP = 100


def track(foot_x: float, foot_y: float, at: int, id_: str = "1-1", label: str = "person", seen: bool = True) -> Track:
    return Track(id_, label, Box(foot_x - 10, foot_y - 50, 20, 50), 0.9, at, seen)


def square(**settings: Any) -> ZoneWatch:
    return ZoneWatch(Zone(id="z", polygon=SQUARE, **settings), None, SIZE)


def play(watch: ZoneWatch, feet: list[tuple[float, float]], begin: int = 0, step: int = STEP) -> list[Moment]:
    times = range(begin, begin + step * len(feet), step)
    return [watch.update(Tracked([track(x, y, at)], []), at) for (x, y), at in zip(feet, times, strict=True)]


def changes(moments: list[Moment]) -> list[tuple[int, int]]:
    """How many entered and left, picture by picture."""
    return [(len(moment.entered), len(moment.left)) for moment in moments]


IN, OUT = (150.0, 150.0), (250.0, 150.0)


def test_the_second_picture_inside_is_an_entry_and_the_second_outside_a_leave() -> None:
    found = changes(play(square(), [OUT, IN, IN, IN, OUT, OUT, OUT]))
    assert found == [(0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 1), (0, 0)]


def test_both_are_dated_to_the_crossing_of_the_border() -> None:
    moments = play(square(), [(80, 150), (130, 150), (150, 150), (190, 150), (240, 150), (250, 150)])
    (stay,) = [stay for moment in moments for stay in moment.left]
    # 20 of 50 pixels after the picture of 0 ms, and 10 of 50 pixels after that of 300 ms
    assert (stay.entered_at, stay.left_at) == (40, 320)


def test_trembling_on_the_border_is_neither_entry_nor_leave() -> None:
    assert changes(play(square(), [IN, OUT] * 5)) == [(0, 0)] * 10
    assert changes(play(square(), [IN, IN, OUT, IN, OUT, IN])) == [(0, 0), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0)]


def test_who_stands_a_pixel_outside_for_long_has_not_left() -> None:
    moments = play(square(), [IN, IN, *[(201.0, 150.0)] * 20])  # a margin of 2.5 pixels: 5 % of a box of 50
    assert changes(moments)[2:] == [(0, 0)] * 20
    assert changes(play(square(), [IN, IN, *[(203.0, 150.0)] * 3]))[-2:] == [(0, 1), (0, 0)]


def test_many_pictures_a_second_do_not_confirm_sooner() -> None:
    found = changes(play(square(), [OUT, *[IN] * 4], step=40))
    assert found == [(0, 0), (0, 0), (0, 0), (0, 0), (1, 0)]  # 100 ms after the first picture inside, at 40 ms


def test_the_foot_decides_not_the_middle() -> None:
    assert changes(play(square(), [(150, 220)] * 2)) == [(0, 0), (0, 0)]  # the middle is in the zone, the foot below
    assert changes(play(square(), [(150, 110)] * 2)) == [(0, 0), (1, 0)]  # the middle is above the zone, the foot in it


def test_a_track_that_ends_inside_leaves_at_the_time_it_was_seen_last() -> None:
    watch = square()
    play(watch, [IN, IN])
    (left,) = watch.update(Tracked([], [track(*IN, 100, seen=False)]), 300).left
    assert left.left_at == 100


def test_who_is_not_seen_for_longer_than_the_gap_has_left_and_comes_back_as_new() -> None:
    watch = square(gap_s=2.0)
    play(watch, [IN, IN])
    assert watch.update(Tracked([], []), 2100).left == []
    (left,) = watch.update(Tracked([], []), 2101).left
    assert left.left_at == 100
    again = play(watch, [IN, IN], begin=2200)
    assert [stay.entered_at for moment in again for stay in moment.entered] == [2200]


def test_a_gap_in_the_pictures_does_not_end_a_stay() -> None:
    watch = square(gap_s=2.0)
    play(watch, [IN, IN])
    (moment,) = play(watch, [IN], begin=2000)
    assert [stay.entered_at for stay in moment.present] == [0]


def test_predicted_boxes_prove_nothing() -> None:
    watch = square()
    moments = [watch.update(Tracked([track(*IN, at, seen=False)], []), at) for at in range(0, 400, 100)]
    assert changes(moments) == [(0, 0)] * 4


def test_labels_that_the_zone_does_not_name_pass_unnoticed() -> None:
    watch = square(labels=("car",))
    for at in (0, 100, 200):
        moment = watch.update(Tracked([track(*IN, at, "1-1"), track(*IN, at, "1-2", "car")], []), at)
    assert [stay.track.id for stay in moment.present] == ["1-2"]


def test_there_is_whose_foot_is_in_the_zone_be_it_hidden_for_the_moment() -> None:
    watch = square()
    live = [track(*IN, 0, "1-1"), track(*OUT, 0, "1-2"), track(*IN, 0, "1-3", "car")]
    hidden = [track(*IN, -900, "1-4", seen=False), track(*OUT, -900, "1-5", seen=False)]
    assert [each.id for each in watch.update(Tracked(live, [], hidden), 0).there] == ["1-1", "1-4"]


def test_an_exclusion_zone_hides_its_labels_only() -> None:
    hiding = Polygon(Zone(id="x", polygon=SQUARE, kind="exclusion", labels=("person",)), None, SIZE)
    tracks = [track(*IN, 0, "1-1"), track(*OUT, 0, "1-2"), track(*IN, 0, "1-3", "car")]
    assert [shown.id for shown in visible(tracks, [hiding])] == ["1-2", "1-3"]


def at(hour: int, minute: int, second: int = 0) -> int:
    """Local time in Vietnam, 7 h before UTC, on Friday 2026-11-20."""
    return round(datetime(2026, 11, 20, hour - 7, minute, second, tzinfo=UTC).timestamp() * 1000)


def test_a_zone_out_of_its_hours_sees_nobody_and_sends_all_out_when_they_end() -> None:
    watch = square(schedule=ZoneHours("fri 09:00-10:00", "Asia/Ho_Chi_Minh"))
    before = play(watch, [IN] * 3, begin=at(8, 59, 58))
    assert changes(before) == [(0, 0)] * 3
    assert not before[-1].open
    assert changes(play(watch, [IN] * 2, begin=at(9, 0))) == [(0, 0), (1, 0)]
    *_, last = play(watch, [IN] * 3, begin=at(10, 0) - 200)
    assert [stay.left_at for stay in last.left] == [at(10, 0)]
    assert not last.open


@pytest.mark.parametrize(
    ("real", "foot", "entered"), [((1536, 1152), (300, 300), True), ((384, 288), (150, 150), False)]
)
def test_a_polygon_is_scaled_from_the_size_it_was_drawn_on(
    real: tuple[int, int], foot: tuple[float, float], entered: bool
) -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE), SIZE, real)
    assert bool(play(watch, [foot, foot])[1].entered) == entered


def test_scaling_by_hand() -> None:
    assert scaled(((10, 20), (30, 40)), (100, 100), (200, 50)) == ((20, 10), (60, 20))


# --- ways right through


def stays(moments: list[Moment]) -> list[tuple[int, int | None]]:
    """When those who left had entered, and when they left."""
    return [(stay.entered_at, stay.left_at) for moment in moments for stay in moment.left]


def test_who_is_inside_in_one_picture_only_went_through_by_the_straight_ways() -> None:
    moments = play(square(), [(60, 150), (150, 150), (240, 150), (330, 150)], step=360)
    assert changes(moments) == [(0, 0), (0, 0), (1, 0), (0, 1)]
    # 40 of 90 pixels after the picture of 0 ms, and 50 of 90 after that of 360 ms
    assert stays(moments) == [(160, 560)]


def test_who_is_outside_in_both_pictures_went_through_by_the_straight_way() -> None:
    moments = play(square(), [(50, 110), (250, 190), (450, 270)], step=400)
    assert changes(moments) == [(0, 0), (1, 0), (0, 1)]
    assert stays(moments) == [(100, 300)]  # after 50 and 150 of 200 pixels
    assert [stay.first.at for stay in moments[1].entered] == [0]


@pytest.mark.parametrize(("step", "found"), [(198, 0), (202, 1)])  # half of it inside: 99 and 101 ms
def test_who_takes_less_than_a_tenth_of_a_second_did_not_enter(step: int, found: int) -> None:
    assert len(stays(play(square(), [(50, 150), (250, 150), (450, 150)], step=step))) == found


def test_out_by_the_place_of_the_border_where_one_came_in_is_no_way_through() -> None:
    assert changes(play(square(), [(150, 215), (150, 190), (150, 215)] * 3, step=500)) == [(0, 0)] * 9


def test_trembling_along_the_border_and_over_its_corner_is_no_way_through() -> None:
    along = [(110.0 + 8 * n, 203.0 if n % 2 else 197.0) for n in range(11)]
    assert changes(play(square(), along, step=333)) == [(0, 0)] * 11
    # comes in at (196, 100) and goes out at (200, 104): 2 pixels inside between, less than 5 % of 50
    assert changes(play(square(), [(190, 94), (206, 110), (190, 94)], step=1000)) == [(0, 0)] * 3


def test_who_is_not_seen_any_more_after_one_picture_inside_was_there_until_then() -> None:
    watch = square()
    play(watch, [(60, 150), (150, 150)], step=360)
    moment = watch.update(Tracked([], [track(150, 150, 360, seen=False)]), 720)
    assert ([stay.entered_at for stay in moment.entered], stays([moment])) == ([160], [(160, 360)])
    again = square()
    play(again, [(60, 150), (150, 150)], step=360)
    assert stays([again.end(720)]) == [(160, 360)]


def test_a_picture_outside_of_one_who_stays_is_no_way_out() -> None:
    assert changes(play(square(), [IN, IN, (250, 150), (150, 150)], step=333))[2:] == [(0, 0), (0, 0)]


# --- the picture's border


def low(depth: float, id_: str = "1-1", at: int = 0, seen: bool = True, x: float = 400) -> Track:
    """One 120 px high whose foot is so far below the picture's lower border, at 576."""
    return Track(id_, "person", Box(x - 20, 576 + depth - 120, 40, 120), 0.9, at, seen)


def strip(bottom: float, frame: tuple[int, int] = SIZE, right: float = 768, **settings: Any) -> ZoneWatch:
    """The lower third of the picture, drawn down to `bottom` and to the right to `right`."""
    down, across = frame[1] / SIZE[1], frame[0] / SIZE[0]
    corners = [(0.0, 400 * down), (right * across, 400 * down), (right * across, bottom), (0.0, bottom)]
    return ZoneWatch(Zone(id="z", polygon=tuple(corners), **settings), frame, SIZE)


@pytest.mark.parametrize(("bottom", "frame"), [(576, SIZE), (575, SIZE), (574.5, SIZE), (287, (384, 288))])
@pytest.mark.parametrize("depth", [-0.4, 0.0, 0.6, 14.0])
def test_who_is_cut_by_the_lower_border_is_in_a_zone_that_was_drawn_to_it(
    depth: float, bottom: float, frame: tuple[int, int]
) -> None:
    watch = strip(bottom, frame)
    moments = [watch.update(Tracked([low(depth, at=at)], []), at) for at in (0, 100, 200)]
    assert changes(moments) == [(0, 0), (1, 0), (0, 0)]
    assert [len(moment.there) for moment in moments] == [1, 1, 1]


@pytest.mark.parametrize("right", [768, 767, 766.5])
def test_who_is_cut_by_the_right_border_is_in_a_zone_that_was_drawn_to_it(right: float) -> None:
    watch = strip(576, right=right)
    moments = [watch.update(Tracked([low(-20, at=at, x=770)], []), at) for at in (0, 100)]
    assert changes(moments) == [(0, 0), (1, 0)]


def test_a_zone_that_ends_before_the_border_ends_there() -> None:
    watch = strip(560)
    moments = [watch.update(Tracked([low(0.6, at=at)], []), at) for at in (0, 100, 200)]
    assert changes(moments) == [(0, 0)] * 3


def test_a_cut_box_that_trembles_at_the_border_stays_in() -> None:
    watch = strip(576)
    depths = [-3.0, 5.0, -8.0, 9.0, 4.0, -2.0, 7.0, 12.0]
    moments = [watch.update(Tracked([low(depth, at=100 * n)], []), 100 * n) for n, depth in enumerate(depths)]
    assert changes(moments) == [(0, 0), (1, 0), *[(0, 0)] * 6]


def test_who_left_the_picture_by_its_border_left_the_zone_when_seen_last() -> None:
    watch = strip(576)
    for at in (0, 100, 200):
        watch.update(Tracked([low(-40 + 0.2 * at, at=at)], []), at)
    # expected 20 px beyond, more than 5 % of 120 px: it is not there any more, and its track ends three seconds later
    assert watch.update(Tracked([], [], [low(20, at=200, seen=False)]), 700).there == []
    (left,) = watch.update(Tracked([], [low(0, at=200, seen=False)]), 3300).left
    assert left.left_at == 200


def test_who_is_hidden_at_the_border_is_there_while_expected_there() -> None:
    assert len(strip(576).update(Tracked([], [], [low(2, at=-500, seen=False)]), 0).there) == 1


def test_an_exclusion_zone_at_the_border_hides_who_is_cut_by_it() -> None:
    corners = ((0.0, 400.0), (768.0, 400.0), (768.0, 575.0), (0.0, 575.0))
    hiding = Polygon(Zone(id="x", polygon=corners, kind="exclusion"), None, SIZE)
    assert visible([low(3)], [hiding]) == []


def test_corners_near_the_border_are_put_on_it_unless_they_become_one() -> None:
    assert drawn(((1, 2), (766, 1.5), (767, 574.5), (3, 573)), SIZE) == ((0, 0), (768, 0), (768, 576), (3, 573))
    assert drawn(((0, 0), (1, 1)), SIZE) == ((0, 0), (1, 1))
