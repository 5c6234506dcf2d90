"""Lengths of queues of long and short vehicles, on lanes away from the camera, towards it and across the picture."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Zone
from tests.unit.vision.street import Body, Mover, Street, straight, times
from tests.unit.vision.watching import CAMERA, arrow, places, play

ROAD = CAMERA.ground((-4, 12), (4, 12), (4, 110), (-4, 110))
TOWARDS, AWAY = arrow((0, 100), (0, 14)), arrow((0, 14), (0, 100))
FIRST_M = 14.0
# as long as their footprints
BUS, TRUCK, CAR = Body("bus", 12.0, 2.5, 3.0), Body("truck", 8.0, 2.5, 3.0), Body("car", 4.5, 1.8, 1.5)


def length(bodies: list[Body], gap_m: float, direction: tuple[tuple[float, float], tuple[float, float]]) -> float:
    """The queue that is told of bodies that stand one behind the other from FIRST_M on, `gap_m` between bumpers."""
    road = Zone(id="z", polygon=ROAD, labels=("bus", "truck", "car"), direction=direction)
    movers, near = [], FIRST_M
    for body in bodies:
        movers.append(Mover(body, straight((0, near + body.length / 2), (0, 0))))
        near += body.length + gap_m
    return play(places([road]), Street(movers, CAMERA), times(5, 6)).values("queue_length")[-1]


@pytest.mark.parametrize("direction", [TOWARDS, AWAY], ids=["towards", "away"])
@pytest.mark.parametrize(
    ("bodies", "gap_m", "metres"),
    [
        ([BUS] * 5, 3.5, 5 * 12 + 4 * 3.5),
        ([TRUCK] * 4, 8.0, 4 * 8 + 3 * 8.0),
        ([CAR, BUS], 8.0, 4.5 + 8.0 + 12),
        ([BUS, CAR], 8.0, 12 + 8.0 + 4.5),
        ([CAR, TRUCK, BUS, CAR], 3.0, 4.5 + 8 + 12 + 4.5 + 3 * 3.0),
    ],
    ids=["buses", "trucks", "a car near", "a bus near", "mixed"],
)
def test_a_queue_is_as_long_as_its_vehicles_and_the_gaps_between_them(
    bodies: list[Body], gap_m: float, metres: float, direction: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    assert length(bodies, gap_m, direction) == pytest.approx(metres, abs=0.2)


@pytest.mark.parametrize("direction", [TOWARDS, AWAY], ids=["towards", "away"])
def test_what_stands_behind_eleven_metres_of_free_road_is_another_queue(
    direction: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    assert length([BUS, BUS, CAR], 11.0, direction) == pytest.approx(12, abs=0.2)
    assert length([BUS, BUS, CAR], 10.0, direction) == pytest.approx(2 * 12 + 4.5 + 2 * 10, abs=0.2)


@pytest.mark.parametrize("to_the_right", [True, False])
def test_the_foot_of_a_vehicle_that_stands_across_the_picture_is_its_middle(to_the_right: bool) -> None:
    ends = arrow((-10, 30), (10, 30))
    across = Zone(
        id="z",
        polygon=CAMERA.ground((-13, 26), (13, 26), (13, 34), (-13, 34)),
        labels=("bus", "car"),
        direction=ends if to_the_right else ends[::-1],
    )
    pace = 0.02 if to_the_right else -0.02  # so slow that it stands, and points where it goes
    street = Street([Mover(CAR, straight((-8, 30), (pace, 0))), Mover(BUS, straight((5, 30), (pace, 0)))], CAMERA)
    told = play(places([across]), street, times(5, 6)).values("queue_length")[-1]
    assert told == pytest.approx(2.25 + 13 + 6, abs=0.6)  # half a car, from middle to middle, half a bus
