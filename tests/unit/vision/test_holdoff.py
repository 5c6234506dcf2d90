"""What a watcher is told of a camera's states, and how much of it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.core.events import CameraState
from vision.holdoff import HoldOff

ONLINE, OFFLINE, FROZEN = CameraState.ONLINE, CameraState.OFFLINE, CameraState.FROZEN


def told(state_at: Callable[[float], CameraState | None], until_s: float) -> list[tuple[float, CameraState]]:
    """What is said, and when, of states asked for four times a second."""
    hold, said = HoldOff(), []
    for tick in range(round(until_s * 4)):
        state = hold.update(state_at(tick / 4), tick / 4)
        if state is not None:
            said.append((tick / 4, state))
    return said


def test_nothing_is_said_before_anything_is_known() -> None:
    assert told(lambda _: None, 10) == []


def test_the_first_picture_is_said_at_once_and_only_once() -> None:
    assert told(lambda now: ONLINE if now >= 2 else None, 100) == [(2, ONLINE)]


def test_a_lost_connection_is_said_after_three_seconds_and_a_return_after_five() -> None:
    said = told(lambda now: OFFLINE if 100 <= now < 130 else ONLINE, 200)
    assert said == [(0, ONLINE), (103, OFFLINE), (135, ONLINE)]


def test_a_gap_of_two_seconds_is_not_worth_a_word() -> None:
    assert told(lambda now: OFFLINE if 100 <= now < 102 else ONLINE, 200) == [(0, ONLINE)]


def test_a_frozen_camera_has_been_waited_for_already() -> None:
    assert told(lambda now: FROZEN if now >= 50 else ONLINE, 60) == [(0, ONLINE), (50, FROZEN)]


def test_a_fault_that_becomes_another_one_is_said_in_its_turn() -> None:
    said = told(lambda now: ONLINE if now < 50 else FROZEN if now < 60 else OFFLINE, 80)
    assert said == [(0, ONLINE), (50, FROZEN), (63, OFFLINE)]


def test_a_camera_that_reboots_every_twenty_seconds_floods_nobody_and_ends_offline() -> None:
    said = told(lambda now: OFFLINE if now % 20 < 5 and now >= 20 else ONLINE, 3600)
    assert len(said) <= 8
    assert said[-1][1] is OFFLINE


def test_a_camera_that_stays_well_is_told_to_be_back_even_after_much_flapping() -> None:
    said = told(lambda now: OFFLINE if now % 20 < 5 and 20 <= now < 400 else ONLINE, 500)
    assert said[-1] == (445, ONLINE)  # the last fall ended at 385, the longest hold is a minute


def test_after_ten_calm_minutes_a_return_is_quick_again() -> None:
    def state_at(now: float) -> CameraState:
        flapping = now % 20 < 5 and 20 <= now < 400
        return OFFLINE if flapping or 1100 <= now < 1110 else ONLINE

    assert told(state_at, 1200)[-2:] == [(1103, OFFLINE), (1115, ONLINE)]
