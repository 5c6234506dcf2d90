"""Wrong ways of tracks whose feet tremble as a detector's do, far from the camera."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pipeline.core.catalogue import Zone
from pipeline.core.events import DetectionEvent
from tests.unit.vision.street import CAR, SIZE, Mover, Street, Way, by_points, ms, times
from tests.unit.vision.watching import CAMERA, arrow, places
from vision.picture import Seen
from vision.plane import Plane
from vision.settling import Settling
from vision.tracker import Tracker

LANE = CAMERA.ground((-5, 14), (5, 14), (5, 110), (-5, 110))
FOOT_SHARE = 0.05
"""How far feet are off, one sigma, in heights of the box."""
KMH = 3.6


def found(way: Way, fps: float, length_s: float, seed: int) -> list[float]:
    """When (s) a car in a lane that comes nearer was on the wrong way."""
    road = Zone(id="z", polygon=LANE, labels=("car",), direction=arrow((0, 100), (0, 15)))
    plane, noise = Plane.of(CAMERA.calibration(), SIZE, SIZE), np.random.default_rng(seed)
    watching, tracker, settling = places([road]), Tracker("1", 0.5, plane), Settling(plane)
    street, at = Street([Mover(CAR, way)], CAMERA), []
    for time in times(fps, length_s):
        seen = []
        for _, box in street.boxes(time).values():
            x, y = noise.normal(0, FOOT_SHARE * box.height, 2)
            seen.append(Seen(box._replace(x=box.x + x, y=box.y + y), "car", 0.9))
        for settled in settling.update(tracker.update(seen, ms(time)), ms(time)):
            said = watching.update(settled.tracked, settled.at)
            at += [each.at / 1000 for each in said.findings if each.event is DetectionEvent.WRONG_WAY]
    return at


@pytest.mark.parametrize(("far_m", "fps", "seed"), [*product((60, 70), (3, 5), (0, 3))])
def test_a_parked_car_far_away_is_on_no_way_at_all(far_m: float, fps: float, seed: int) -> None:
    assert found(by_points((0, 0, far_m), (1200, 0, far_m)), fps, 1200, seed) == []


def test_a_car_that_queues_far_away_is_not_on_the_wrong_way() -> None:
    hops = [(180.0 * n + wait, 0.0, 75.0 - 5 * n) for n in range(4) for wait in (0, 175)]
    assert found(by_points(*hops), 5, 715, 1) == []


@pytest.mark.parametrize("fps", [3, 5])
@pytest.mark.parametrize("stood_s", [0, 240])
@pytest.mark.parametrize("kmh", [5, 30])
def test_who_goes_back_is_known_after_three_metres_though_it_creeps_or_stood_for_minutes(
    fps: float, stood_s: float, kmh: float
) -> None:
    here = [(0.0, 0.0, 40.0)] if stood_s else []
    back = by_points(*here, (stood_s, 0, 40), (stood_s + 15, 0, 40 + 15 * kmh / KMH))
    (at,) = found(back, fps, stood_s + 14, 2)
    assert at - stood_s == pytest.approx(3 * KMH / kmh, abs=0.8)  # 3 m at its speed
