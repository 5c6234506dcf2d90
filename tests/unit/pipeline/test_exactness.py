"""What is told of a calibration when a camera is registered."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cli.exactness import exactness
from pipeline.core.catalogue import Calibration, Camera, GroundPoint, Zone
from pipeline.core.errors import BadInput

# A level pinhole camera 5 m up, focal length 500 px, centre (400, 300): the ground point X to the right, Z ahead is
# seen at (400 + 500 X / Z, 300 + 2500 / Z).
SPREAD = [(x, z) for z in (8.0, 14.0, 30.0) for x in (-4.0, 4.0)]
SMALL = [(-0.5, 10.0), (0.5, 10.0), (0.5, 11.0), (-0.5, 11.0)]
ROAD = ((-4.0, 10.0), (4.0, 10.0), (4.0, 25.0), (-4.0, 25.0))
BACK = ((-4.0, 22.0), (4.0, 22.0), (4.0, 30.0), (-4.0, 30.0))


def seen(x: float, z: float) -> tuple[float, float]:
    return 400 + 500 * x / z, 300 + 2500 / z


def told(points: list[tuple[float, float]], *grounds: tuple[tuple[float, float], ...], **settings: Any) -> str:
    zones = tuple(
        Zone(id=f"z{n}", polygon=tuple(seen(*each) for each in ground), **settings) for n, ground in enumerate(grounds)
    )
    calibration = Calibration(points=tuple(GroundPoint(picture=seen(*each), metres=each) for each in points))
    return exactness(Camera(id="c", site="s", url="u", frame_size=(800, 600), zones=zones, calibration=calibration))


def test_a_calibration_around_its_zone_is_told_without_a_warning() -> None:
    said = told(SPREAD, ROAD, speed_limit_kmh=50)
    assert "calibration points agree to 0.00 m" in said
    assert "by clicks of 2 px corners of zones may be 0." in said
    assert "warning" not in said


def test_a_zone_in_which_lengths_are_doubtful_is_named_in_both_languages() -> None:
    said = told(SMALL, ROAD, BACK)
    vi, en, *_ = said.splitlines()[1:]
    assert vi.startswith("cảnh báo: vùng z0:")
    assert en.startswith("warning: zone z0:")
    assert "> 100 %" in en
    assert [line.split(":")[1].split()[-1] for line in said.splitlines()[1:]] == ["z0", "z0", "z1", "z1"]


def test_a_calibration_that_says_nothing_where_a_zone_needs_metres_is_refused() -> None:
    with pytest.raises(BadInput, match="lengths in zone z0 > 100 % wrong") as caught:
        told(SMALL, BACK, running_mps=3)
    assert caught.value.field == "camera.calibration"
    assert "points around the zone" in caught.value.expected
    assert "warning: zone z0" in told(SMALL, BACK)


def test_zones_beyond_the_horizon_and_exclusion_zones_are_not_asked() -> None:
    assert "corners of zones" not in told(SPREAD, ROAD, kind="exclusion")
    sky = Zone(id="sky", polygon=((0, 0), (800, 0), (800, 100)))
    points = tuple(GroundPoint(picture=seen(*each), metres=each) for each in SPREAD)
    camera = Camera(id="c", site="s", url="u", zones=(sky,), calibration=Calibration(points=points))
    assert "corners of zones" not in exactness(camera)
