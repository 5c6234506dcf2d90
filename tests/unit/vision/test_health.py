"""A camera's state follows from what its reader noticed, and when."""

from __future__ import annotations

from pipeline.core.events import CameraState
from vision.health import Health


def test_nothing_is_known_before_the_first_picture_or_fault() -> None:
    health = Health()
    assert health.state(0) is None
    health.opened(1)
    assert health.state(2) is None


def test_the_first_picture_makes_it_online() -> None:
    health = Health()
    health.opened(1)
    health.picture(2, new=True)
    assert health.state(9.9) is CameraState.ONLINE


def test_eight_seconds_without_a_picture_on_a_living_connection_are_frozen() -> None:
    health = Health()
    health.opened(0)
    health.picture(2, new=True)
    assert health.state(10.1) is CameraState.FROZEN
    health.picture(13, new=True)
    assert health.state(13) is CameraState.ONLINE


def test_a_picture_like_the_one_before_is_no_sign_of_life() -> None:
    health = Health()
    health.opened(0)
    for second in range(12):
        health.picture(second, new=second == 0)
    assert health.state(11) is CameraState.FROZEN


def test_a_connection_that_never_brings_a_picture_is_frozen() -> None:
    health = Health()
    health.opened(0)
    assert health.state(8.1) is CameraState.FROZEN


def test_a_fault_lasts_until_a_picture_comes_not_until_the_connection_stands() -> None:
    health = Health()
    health.failed(CameraState.UNAUTHORISED)
    assert health.state(100) is CameraState.UNAUTHORISED
    health.opened(101)
    assert health.state(102) is CameraState.UNAUTHORISED
    health.picture(103, new=False)
    assert health.state(103) is CameraState.ONLINE


def test_a_lost_connection_is_not_frozen_but_what_the_fault_says() -> None:
    health = Health()
    health.opened(0)
    health.picture(1, new=True)
    health.failed(CameraState.OFFLINE)
    assert health.state(60) is CameraState.OFFLINE
