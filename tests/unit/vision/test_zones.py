"""Zones: the foot decides, two pictures in a row confirm."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Zone
from vision.picture import Box
from vision.tracker import Track, Tracked
from vision.zones import ZoneWatch, scaled

SQUARE = ((100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0))
SIZE = (768, 576)


def track(foot_x: float, foot_y: float, at: int, id_: str = "1-1", label: str = "person", seen: bool = True) -> Track:
    return Track(id_, label, Box(foot_x - 10, foot_y - 50, 20, 50), 0.9, at, seen)


def play(feet: list[tuple[float, float]], zone: Zone | None = None) -> list[list[bool]]:
    watch = ZoneWatch(zone or Zone(id="z", polygon=SQUARE), None, SIZE)
    passages = [watch.update(Tracked([track(x, y, n)], [])) for n, (x, y) in enumerate(feet)]
    return [[passage.entered for passage in each] for each in passages]


IN, OUT = (150.0, 150.0), (250.0, 150.0)


def test_the_second_picture_inside_is_an_entry_and_the_second_outside_a_leave() -> None:
    assert play([OUT, IN, IN, IN, OUT, OUT, OUT]) == [[], [], [True], [], [], [False], []]


def test_trembling_on_the_border_is_neither_entry_nor_leave() -> None:
    assert play([IN, OUT] * 5) == [[]] * 10
    assert play([IN, IN, OUT, IN, OUT, IN]) == [[], [True], [], [], [], []]


def test_the_foot_decides_not_the_middle() -> None:
    assert play([(150, 220), (150, 220)]) == [[], []]  # the middle, 195, is in the zone, the foot below it
    assert play([(150, 110), (150, 110)]) == [[], [True]]  # the middle, 85, is above the zone, the foot in it


def test_a_track_that_appears_inside_has_entered() -> None:
    assert play([IN, IN]) == [[], [True]]


def test_a_track_that_ends_inside_leaves_at_the_time_it_was_seen_last() -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE), None, SIZE)
    watch.update(Tracked([track(*IN, 0)], []))
    watch.update(Tracked([track(*IN, 200)], []))
    (left,) = watch.update(Tracked([], [track(*IN, 200, seen=False)]))
    assert (left.entered, left.track.at, watch.occupancy(300)) == (False, 200, 0)


def test_predicted_boxes_prove_nothing() -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE), None, SIZE)
    assert [watch.update(Tracked([track(*IN, n, seen=False)], [])) for n in range(4)] == [[]] * 4


def test_labels_that_the_zone_does_not_name_pass_unnoticed() -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE, labels=("car",)), None, SIZE)
    for n in range(3):
        watch.update(Tracked([track(*IN, n, "1-1"), track(*IN, n, "1-2", "car")], []))
    assert watch.occupancy(2) == 1


def test_members_not_seen_for_a_while_are_not_counted() -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE), None, SIZE)
    for n in (0, 200):
        watch.update(Tracked([track(*IN, n)], []))
    assert [watch.occupancy(at) for at in (200, 2200, 2201)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("real", "foot", "entered"), [((1536, 1152), (300, 300), True), ((384, 288), (150, 150), False)]
)
def test_a_polygon_is_scaled_from_the_size_it_was_drawn_on(
    real: tuple[int, int], foot: tuple[float, float], entered: bool
) -> None:
    watch = ZoneWatch(Zone(id="z", polygon=SQUARE), SIZE, real)
    passages = [watch.update(Tracked([track(*foot, n)], [])) for n in range(2)]
    assert bool(passages[1]) == entered


def test_scaling_by_hand() -> None:
    assert scaled(((10, 20), (30, 40)), (100, 100), (200, 50)) == ((20, 10), (60, 20))
