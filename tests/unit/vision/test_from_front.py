"""Traffic that comes towards the camera at a shallow angle, where a car is as tall as a person and as wide as two."""

from __future__ import annotations

from statistics import harmonic_mean
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.core.catalogue import Calibration, Camera, GroundPoint, Line, Zone
from tests.unit.vision.street import (
    CAR,
    MOTORCYCLE,
    PERSON,
    SIZE,
    Body,
    Mover,
    PinholeCamera,
    Street,
    Way,
    by_points,
    straight,
    times,
)
from tests.unit.vision.test_rendered import play

SHADES = ((60, 60, 160), (200, 200, 200), (40, 40, 40), (150, 90, 50))


class Place(NamedTuple):
    """A camera; nearest and farthest metre of its zones, where its line is, and every how many metres cars queue."""

    view: PinholeCamera
    near: float
    far: float
    line: float
    apart: float


NEAR = Place(PinholeCamera(5.0, 8.0, 900.0), 13, 45, 25, 10)
FAR = Place(PinholeCamera(6.0, 4.0, 1800.0), 40, 110, 60, 10)
PLACES = pytest.mark.parametrize("place", [NEAR, FAR], ids=["near", "far"])
RATES = pytest.mark.parametrize("fps", [10, 3])


def camera(place: Place) -> Camera:
    view, begin, end = place.view, place.near + 1, place.far
    spots = [(x, float(y)) for y in np.linspace(place.near, place.far, 4) for x in (-4.0, 4.0)]
    points = [GroundPoint(picture=at, metres=spot) for at, spot in zip(view.ground(*spots), spots, strict=True)]
    road = view.ground((-7, begin), (7, begin), (7, end), (-7, end))
    ahead, behind = view.ground((0, end), (0, begin))
    first, second = view.ground((-8, place.line), (8, place.line))
    return Camera(
        id="c", site="s", url="u", detector="motion", frame_size=SIZE, threshold=0.5,
        calibration=Calibration(points=tuple(points), camera_height=view.height),
        zones=(
            Zone(id="xe", polygon=road, labels=("vehicle",), direction=(ahead, behind)),
            Zone(id="nguoi", polygon=road, labels=("person",)),
        ),
        lines=(Line(id="vach", points=(first, second)),),
    )  # fmt: skip


def street(place: Place, body: Body, ways: list[Way]) -> Street:
    movers = [Mover(body._replace(shade=SHADES[n % len(SHADES)]), way) for n, way in enumerate(ways)]
    return Street(movers, place.view)


SPEEDS = (24.0, 33.0, 40.0, 21.0, 36.0, 28.0)


@PLACES
@RATES
def test_cars_that_come_towards_the_camera_are_counted_exactly_with_their_speeds(place: Place, fps: float) -> None:
    begin, apart_s = place.far + 15, 4 if place is NEAR else 7
    ways = [
        straight((-3.5 + 2.3 * (n % 4), begin), (0, -kmh / 3.6), begin=1.0 + apart_s * n)
        for n, kmh in enumerate(SPEEDS)
    ]
    heard = play(street(place, CAR, ways), times(fps, 1 + apart_s * 7.5), camera(place))
    assert sum(heard.values("vehicle_count")) == sum(heard.values("line_count_right")) == len(SPEEDS)
    assert sum(heard.values("line_count")) == len(SPEEDS)
    assert sum(heard.values("person_count")) == 0
    (speed,) = heard.values("mean_speed")
    assert speed == pytest.approx(harmonic_mean(SPEEDS), rel=0.015 if fps == 10 else 0.02)


@PLACES
@RATES
def test_cars_that_queue_towards_the_camera_have_the_length_of_their_queue(place: Place, fps: float) -> None:
    """Three, in two lanes by turns, so that none hides another: two gaps and a car of 4.5 m."""
    head = place.near + 8
    ways = [
        by_points(
            (4 * n, (x := 1.7 * (-1) ** n), place.far + 10),
            (4 * n + 8, x, head + place.apart * n),
            (50, x, head + place.apart * n),
        )
        for n in range(3)
    ]  # fmt: skip
    heard = play(street(place, CAR, ways), times(fps, 50), camera(place))
    told = {each.at // 1000: each.value for each in heard.measures if each.quantity == "queue_length"}
    assert [told[at] for at in range(25, 50, 5)] == [pytest.approx(2 * place.apart + 4.5, rel=0.03)] * 5
    people = [each for each in heard.measures if each.place == "nguoi" and each.quantity == "zone_occupancy"]
    assert {each.value for each in people if each.at > 25_000} == {0}


@PLACES
@RATES
def test_motorcycles_on_their_way_are_vehicles_and_walkers_are_people(place: Place, fps: float) -> None:
    riding = [straight((-2.0 + n, place.far + 5), (0, -9.0 - n), begin=2.0 + 6 * n) for n in range(3)]
    heard = play(street(place, MOTORCYCLE, riding), times(fps, 30), camera(place))
    assert sum(heard.values("vehicle_count")) == sum(heard.values("line_count")) == 3
    walking = [straight((x, place.line - 8), (0, 1.3), begin=2) for x in (-2.0, -1.2)]
    heard = play(street(place, PERSON, walking), times(fps, 20), camera(place))
    assert sum(heard.values("person_count")) == sum(heard.values("line_count")) == 2
    assert sum(heard.values("vehicle_count")) == 0
