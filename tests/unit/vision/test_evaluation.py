"""What is measured of zones and lines of a clip, worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from pipeline.core.catalogue import Camera, Line, Zone, ZoneHours
from vision.evaluation import Clip, Reading, scored
from vision.picture import Box
from vision.tracker import Track
from vision.truth import True_

CLIP = Clip(Path("none.avi"), 1, 10, 10.0)
SIZE = (100, 100)
LEFT_HALF = ((0.0, 0.0), (50.0, 0.0), (50.0, 100.0), (0.0, 100.0))
WHOLE = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))
DOWN_THE_MIDDLE = ((50.0, 0.0), (50.0, 100.0))


def box(x: float, y: float = 50.0) -> Box:
    """A box of 4 x 10 whose foot is at (x, y)."""
    return Box(x - 2, y - 10, 4, 10)


def table(camera: Camera, tracks: dict[int, list[Box]], people: dict[int, list[Box]]) -> dict[str, Any]:
    """The figures when boxes of one number are of one track, or one person, throughout."""
    found = {
        frame: [Track(f"1-{n}", "person", each, 0.9, CLIP.at(frame), True) for n, each in enumerate(boxes)]
        for frame, boxes in tracks.items()
    }
    reading = Reading(size=SIZE, live=found, there=found, final=found)
    truth = {f: [True_(str(n), each, True, None) for n, each in enumerate(boxes)] for f, boxes in people.items()}
    return scored(camera, reading, truth, CLIP)


def camera(*places: Zone | Line, scale: float = 1.0) -> Camera:
    """A camera with these zones and lines, drawn on pictures `scale` times as large as those of the clip."""

    def larger(points: Any) -> Any:
        return tuple((x * scale, y * scale) for x, y in points)

    zones = [replace(each, polygon=larger(each.polygon)) for each in places if isinstance(each, Zone)]
    lines = [replace(each, points=larger(each.points)) for each in places if isinstance(each, Line)]
    drawn = (round(SIZE[0] * scale), round(SIZE[1] * scale))
    return Camera(id="c", site="s", url="rtsp://x/1", frame_size=drawn, zones=tuple(zones), lines=tuple(lines))


WALK = {frame: [box(20 + 60 * (frame - 1) / 9)] for frame in CLIP.frames}
"""From 20 to 80 in 10 frames: 5 of them in the left half."""
NOBODY: dict[int, list[Box]] = {}
ZONE, LINE = Zone(id="z", polygon=LEFT_HALF), Line(id="l", points=DOWN_THE_MIDDLE)


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.5])
def test_zones_and_lines_are_where_they_were_drawn_whatever_the_size_of_the_clip(scale: float) -> None:
    missed = table(camera(ZONE, LINE, scale=scale), NOBODY, WALK)
    assert missed["occupancy_mae"] == missed["occupancy_mae_delayed"] == 0.5
    assert (missed["crossings"], missed["crossings_wrong"], missed["crossings_wrong_delayed"]) == (1, 1, 1)
    right = table(camera(ZONE, LINE, scale=scale), WALK, WALK)
    assert (right["occupancy_mae"], right["crossings"], right["crossings_wrong"]) == (0, 1, 0)


def test_whom_an_exclusion_zone_hides_is_neither_expected_nor_found() -> None:
    low = Zone(id="x", polygon=((0, 70), (100, 70), (100, 100), (0, 100)), kind="exclusion")
    two = {frame: [box(20), box(30, 90)] for frame in CLIP.frames}
    one = {frame: [box(20)] for frame in CLIP.frames}
    assert table(camera(ZONE), one, two)["occupancy_mae"] == 1
    assert table(camera(ZONE, low), one, two)["occupancy_mae"] == 0
    assert table(camera(ZONE, low), two, one)["occupancy_mae"] == 0
    below = {frame: [box(each.foot[0], 90)] for frame, (each,) in WALK.items()}
    assert table(camera(LINE, low), below, below)["crossings"] == 0


def test_an_exclusion_zone_of_cars_hides_nobody() -> None:
    everywhere = Zone(id="x", polygon=WHOLE, kind="exclusion", labels=("car",))
    assert table(camera(ZONE, everywhere), NOBODY, WALK)["occupancy_mae"] == 0.5


def test_only_zones_and_lines_of_people_are_measured() -> None:
    cars = Zone(id="cars", polygon=WHOLE, labels=("car",))
    assert table(camera(ZONE, cars), NOBODY, WALK)["occupancy_mae"] == 0.5
    assert table(camera(cars), NOBODY, WALK)["occupancy_mae"] is None
    assert table(camera(replace(LINE, labels=("car",))), NOBODY, WALK)["crossings"] == 0


def test_a_zone_with_hours_is_in_force_throughout_a_clip_which_has_no_hours() -> None:
    at_night = replace(ZONE, schedule=ZoneHours("daily 22:00-05:00"))
    assert table(camera(at_night), NOBODY, WALK)["occupancy_mae"] == 0.5


def test_where_nobody_crosses_nothing_is_said_of_how_crossings_are_counted() -> None:
    found = table(camera(LINE), WALK, {1: [box(20)]})
    assert (found["crossings"], found["crossings_wrong"], found["crossings_wrong_delayed"]) == (0, None, None)
