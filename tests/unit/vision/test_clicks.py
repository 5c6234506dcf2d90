"""How exact a ground is whose points were clicked by hand: by arithmetic, and against grounds clicked at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.core.catalogue import Calibration, GroundPoint
from tests.unit.vision.street import CAR, SIZE, Mover, Street, ms, straight, times
from tests.unit.vision.watching import CAMERA
from vision.clicks import CLICK_PX, Clicks
from vision.pace import PaceMeter
from vision.picture import Seen
from vision.plane import Plane
from vision.tracker import Tracker

Points = Sequence[tuple[float, float]]
FOUR: Points = [(-4.0, 12.0), (4.0, 12.0), (4.0, 40.0), (-4.0, 40.0)]
EIGHT: Points = [(x, y) for y in (12.0, 20.0, 35.0, 60.0) for x in (-4.0, 4.0)]
SMALL: Points = [(-0.5, 14.0), (0.5, 14.0), (0.5, 15.0), (-0.5, 15.0)]
"""A square of 1 m."""
A_LINE_AND_ONE: Points = [(0.0, 12.0), (0.0, 20.0), (0.0, 30.0), (0.0, 45.0), (4.0, 20.0)]


def clicked(points: Points, seed: int | None = None) -> Plane:
    """The ground of points; with a seed, each click is CLICK_PX off, one sigma."""
    noise = 0.0 if seed is None else np.random.default_rng(seed).normal(0, CLICK_PX, (len(points), 2))
    pixels = np.array(CAMERA.ground(*points)) + noise
    pairs = zip(pixels.tolist(), points, strict=True)
    calibration = Calibration(points=tuple(GroundPoint(picture=(u, v), metres=at) for (u, v), at in pairs))
    return Plane.of(calibration, SIZE, SIZE)


def clicks(plane: Plane) -> Clicks:
    assert plane.clicks is not None
    return plane.clicks


def test_a_ground_seen_from_straight_above_is_as_far_off_as_the_click_at_its_corner() -> None:
    corners = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0)]
    points = tuple(GroundPoint(picture=(100 * x, 1000 - 100 * y), metres=(x, y)) for x, y in corners)
    plane = Plane.of(Calibration(points=points), (1000, 1000), (1000, 1000))
    # 2 px are 0.02 m, along x and along y
    assert clicks(plane).moved_m([(10, 10)]).tolist() == [pytest.approx(0.02 * 2**0.5, rel=1e-3)]
    half = Plane.of(Calibration(points=points), (1000, 1000), (500, 500))  # a click was 2 px on the picture clicked on
    assert clicks(half).moved_m([(10, 10)]).tolist() == [pytest.approx(0.02 * 2**0.5, rel=1e-3)]


def length_off(plane: Plane, place: tuple[float, float]) -> tuple[float, float]:
    """By which part a metre of road away from the camera is wrong on a ground, and its sigma."""
    x, y = place
    near, far = plane.metres(CAMERA.ground((x, y - 0.5), (x, y + 0.5)))
    (sigma,) = clicks(plane).scale((near + far) / 2, (far - near) / np.linalg.norm(far - near))
    return float(np.linalg.norm(far - near)) - 1, float(sigma)


@pytest.mark.parametrize("points", [FOUR, EIGHT], ids=["four points", "eight points"])
@pytest.mark.parametrize("place", [(0.0, 14.0), (3.0, 25.0), (0.0, 44.0)])
def test_lengths_on_grounds_clicked_at_random_are_as_wrong_as_is_said(
    points: Points, place: tuple[float, float]
) -> None:
    errors, sigmas = np.array([length_off(clicked(points, seed), place) for seed in range(200)]).T
    assert np.sqrt(np.mean((errors / sigmas) ** 2)) == pytest.approx(1, abs=0.15)  # 200 draws: 0.05


def worst(plane: Plane, *places: tuple[float, float]) -> NDArray[np.float64]:
    return clicks(plane).worst_scale(places)


def test_points_that_are_nearly_on_a_line_or_close_together_are_not_praised() -> None:
    assert (worst(clicked(EIGHT), (0, 14), (0, 30)) < 0.05).all()
    lined = clicked(A_LINE_AND_ONE, seed=5)
    assert lined.residual_m < 0.05
    assert (worst(lined, (0, 14), (0, 30), (4, 30)) > 1).all()
    assert clicked(SMALL).residual_m == pytest.approx(0, abs=1e-5)
    assert (worst(clicked(SMALL), (0, 20), (0, 30), (0, 44)) > 1).all()
    assert clicks(clicked(SMALL)).moved_m([(0, 44)]).tolist() == [np.inf]


def told_speed(plane: Plane, seed: int) -> tuple[float, float]:
    """What is told of a car that comes at 10 m/s, seen by a detector of usual exactness: (m/s, sigma)."""
    street, noise = Street([Mover(CAR, straight((1, 60), (0, -10)))], CAMERA), np.random.default_rng(seed)
    tracker, meter, name = Tracker("1", 0.5, plane), PaceMeter(plane), ""
    for time in times(10, 3.5):
        (box,) = [box for _, box in street.boxes(time).values()]
        x, y = noise.normal(0, 0.05 * box.height, 2)
        seen = [Seen(box._replace(x=box.x + x, y=box.y + y), "car", 0.9)]
        tracked = tracker.update(seen, ms(time))
        meter.update(tracked, ms(time))
        name = tracked.live[-1].id if tracked.live else name
    pace = meter.pace(name, 3000)
    assert pace is not None
    return pace.mps, pace.sigma_mps


@pytest.mark.parametrize("points", [FOUR, EIGHT], ids=["four points", "eight points"])
def test_a_speed_is_as_wrong_as_its_sigma_says_though_the_points_were_clicked_by_hand(points: Points) -> None:
    told = [told_speed(clicked(points, seed), seed) for seed in range(60)]  # without the clicks: 1.26 and 1.14
    assert np.sqrt(np.mean([((mps - 10) / sigma) ** 2 for mps, sigma in told])) == pytest.approx(1, abs=0.13)


def test_the_ground_s_error_is_added_to_a_speed_once() -> None:
    plane = clicked(EIGHT)
    (scale,) = clicks(plane).scale([(0, 30)], [(0, 10)])
    assert plane.speed_sigma((0, 30), (0, -10), 0.2) == pytest.approx((0.2**2 + (10 * scale) ** 2) ** 0.5)
    assert plane.speed_sigma((0, 30), (0, 0), 0.2) == 0.2
