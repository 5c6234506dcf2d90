"""What is worked out for all tracks and boxes at once is what linear algebra gives for each alone."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from tests.unit.vision.test_tracker import ground
from vision.motion import WALKER, GroundSpace, Measured, Motion, PictureSpace, distance
from vision.picture import Box
from vision.smoothing import displacement
from vision.tracker import ground_of

SKEWED = np.array([[0.4, 0.25], [0.25, 0.3]])
"""Its eigenvalues are .35 +- the root of .05 ** 2 + .25 ** 2."""


def moving(x: float, y: float) -> Motion:
    covariance = np.eye(4)
    covariance[:2, :2], covariance[2:, 2:] = SKEWED, 2 * SKEWED
    return Motion(np.array([x, y, 1.0, -1.0]), covariance, 1.0)


def measured(x: float, y: float, *, spread: float = 0.1) -> Measured:
    return Measured(np.array([x, y]), np.array([[spread, -0.05], [-0.05, 2 * spread]]), 1.0)


def test_a_distance_is_in_sigmas_of_both_together() -> None:
    objects, found = [moving(0, 0), moving(3, -1)], [measured(1, 0.5), measured(2, 2, spread=0.5), measured(0, 0)]
    for motion, each in product(objects, found):
        off = each.at - motion.state[:2]
        inverse = np.linalg.inv(motion.covariance[:2, :2] + each.covariance)
        assert distance(motion, each) == pytest.approx(math.sqrt(off @ inverse @ off))


def test_what_is_known_of_an_object_follows_kalman_s_equations() -> None:
    rough = np.array([[2.0, 0.3, 0.5, -0.2], [0.3, 1.0, 0.1, 0.4], [0.5, 0.1, 3.0, 0.6], [-0.2, 0.4, 0.6, 2.5]])
    motion, point = Motion(np.array([1.0, -2.0, 0.5, 3.0]), rough, 1.0), measured(1.4, -1.5)
    later, step = motion.predicted(0.3, WALKER), np.eye(4) + 0.3 * np.eye(4, k=2)
    np.testing.assert_allclose(later.state, step @ motion.state)
    block = 0.1 * np.array([[0.3**3 / 3, 0.3**2 / 2], [0.3**2 / 2, 0.3]])
    np.testing.assert_allclose(later.covariance, step @ rough @ step.T + np.kron(block, np.eye(2)))
    sees, taken = np.eye(2, 4), later.updated(point)
    gain = later.covariance @ sees.T @ np.linalg.inv(sees @ later.covariance @ sees.T + point.covariance)
    np.testing.assert_allclose(taken.state, later.state + gain @ (point.at - sees @ later.state))
    np.testing.assert_allclose(taken.covariance, (np.eye(4) - gain @ sees) @ later.covariance)


def test_what_is_not_known_grows_with_time_however_it_is_divided() -> None:
    still = Motion(np.zeros(4), np.zeros((4, 4)), 1.0)
    at_once, in_steps = still.predicted(1.5, WALKER), still.predicted(0.5, WALKER).predicted(1.0, WALKER)
    np.testing.assert_allclose(at_once.covariance, in_steps.covariance)
    assert at_once.covariance[0].tolist() == pytest.approx([0.1 * 1.5**3 / 3, 0, 0.1 * 1.5**2 / 2, 0])
    assert at_once.covariance[3].tolist() == pytest.approx([0, 0.1 * 1.5**2 / 2, 0, 0.1 * 1.5])


def test_one_sigma_on_the_ground_is_along_the_worst_direction() -> None:
    told = ground_of(moving(3, 4))
    assert (told.x, told.y, told.vx, told.vy) == (3, 4, 1, -1)
    assert told.sigma_m == pytest.approx(math.sqrt(0.35 + math.hypot(0.05, 0.25)))
    assert told.sigma_mps == pytest.approx(math.sqrt(2 * (0.35 + math.hypot(0.05, 0.25))))


def test_a_box_above_the_horizon_is_told_apart_from_those_beside_it() -> None:
    space = GroundSpace(ground())
    # a level camera 5 m up, 500 px, horizon at 300: the foot (440, 400) is X 2, Z 25; a pixel is .05 m x .25 m there
    near, above, other = Box(430, 320, 20, 80), Box(400, 100, 20, 80), Box(390, 440, 20, 60)
    found = space.measure([near, above, other])
    assert found[1] is None
    assert found[0] is not None
    assert found[2] is not None
    assert found[0].at.tolist() == pytest.approx([2, 25], abs=1e-4)
    assert found[2].at.tolist() == pytest.approx([0, 12.5], abs=1e-4)
    # one sigma is 4 px: Z alone is off by 4 * .25 m, X by 4 * .05 m and, as X = 2 Z / 25, by .08 of what Z is
    assert found[0].covariance.tolist() == [
        pytest.approx([0.2**2 + 0.08**2, 0.08], abs=1e-4),
        pytest.approx([0.08, 1.0], abs=1e-4),
    ]
    assert found[2].covariance[1, 1] == pytest.approx(
        (3 * 2500 / 200**2) ** 2, abs=1e-4
    )  # 3 px, 2500 / 200 ** 2 m each
    assert space.measure([]) == []
    assert space.feet([]) == []


def test_a_foot_behind_the_camera_is_not_seen() -> None:
    seen, behind = GroundSpace(ground()).feet([np.array([2.0, 25.0]), np.array([2.0, -5.0])])
    assert seen == pytest.approx((440, 400), abs=1e-4)
    assert behind is None
    assert PictureSpace().feet([np.array([3.0, 4.0])]) == [(3, 4)]


def test_a_path_is_smoothed_as_the_covariances_of_all_its_coordinates_say() -> None:
    times, points = (
        [0, 300, 700, 1200],
        [measured(0, 0), measured(1, 0.2), measured(1.5, 1, spread=0.4), measured(3, 1)],
    )
    seconds = [each / 1000 for each in times]

    def place(s: float, t: float) -> float:
        first, gap = min(s, t), abs(s - t)
        return 30.0**2 + WALKER.speed_mps**2 * s * t + WALKER.unrest * (first**3 / 3 + first**2 * gap / 2)

    spread = np.zeros((8, 8))
    for n, s in enumerate(seconds):
        for m, t in enumerate(seconds):
            for axis in (0, 1):
                spread[2 * n + axis, 2 * m + axis] = place(s, t)
    for n, point in enumerate(points):
        spread[2 * n : 2 * n + 2, 2 * n : 2 * n + 2] += point.covariance
    begin, end = 0.2, 1.0
    shared = np.array([[(place(end, t) - place(begin, t)) * (a == b) for t in seconds for b in (0, 1)] for a in (0, 1)])
    gain = shared @ np.linalg.inv(spread)
    own = place(end, end) + place(begin, begin) - 2 * place(begin, end)
    found = displacement(times, points, WALKER, 200, 1000)
    np.testing.assert_allclose(found.at, gain @ np.concatenate([each.at for each in points]), rtol=1e-6)
    np.testing.assert_allclose(found.covariance, own * np.eye(2) - gain @ shared.T, rtol=1e-5, atol=1e-8)
