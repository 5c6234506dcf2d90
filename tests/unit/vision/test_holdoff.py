"""What a watcher is told of a camera's states, and how much of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.core.catalogue import Camera, Site
from pipeline.core.conditions import ConditionEdge
from pipeline.core.events import CameraState
from rules.engine.loader import load_text
from rules.packs import FOLDER
from tests.integration.scene import judged
from vision.health import FROZEN_S, Health
from vision.holdoff import HoldOff
from vision.report import Reporter

ONLINE, OFFLINE, FROZEN = CameraState.ONLINE, CameraState.OFFLINE, CameraState.FROZEN
REFUSED = CameraState.UNAUTHORISED
ALERTS = {"safety.camera.frozen", "device.camera.lost"}


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


def test_a_fault_that_becomes_another_one_is_said_when_the_other_has_lasted() -> None:
    said = told(lambda now: ONLINE if now < 50 else FROZEN if now < 60 else OFFLINE, 80)
    assert said == [(0, ONLINE), (50, FROZEN), (65, OFFLINE)]


@pytest.mark.parametrize("both_s", [8, 20, 60, 100])
def test_faults_that_take_turns_are_one_fault_that_lasts(both_s: int) -> None:
    """Half the time each; the holds are 5, 10, 20, 40 and 60 s, so the last word comes within the first minutes."""
    said = told(lambda now: REFUSED if now % both_s < both_s / 2 else OFFLINE, 3600)
    assert said[:1] == [(0, REFUSED)]
    assert ({OFFLINE} <= {state for _, state in said}) is (both_s > 10)  # 4 s are shorter than the first hold
    assert len(said) <= 6
    assert said[-1][0] < 300


def hanging(streams_s: float, silent_s: float, back_s: float) -> Callable[[float], CameraState | None]:
    """A camera that hangs with its line open each time that it streamed a while, until its reader gives it up."""
    health = Health()

    def state_at(now: float) -> CameraState | None:
        into = now % (streams_s + silent_s + back_s)
        if into == 0:
            health.opened(now)
        if into < streams_s:
            health.picture(now, new=True)
        elif into == streams_s + silent_s:
            health.failed(OFFLINE)
        return health.state(now)

    return state_at


@pytest.mark.parametrize(("streams_s", "silent_s", "back_s"), [(2, 15, 4), (10, 15, 4), (10, 30, 4), (20, 20, 5)])
def test_a_camera_that_hangs_again_and_again_becomes_one_alert_of_the_pack(
    streams_s: int, silent_s: int, back_s: int
) -> None:
    said = told(hanging(streams_s, silent_s, back_s), 3600)
    assert said[:2] == [(0, ONLINE), (streams_s + FROZEN_S, FROZEN)]  # the first fault at once
    assert len(said) <= 10
    camera, begin = Camera(id="cam", site="yard", url="rtsp://x/"), 1_795_230_000_000
    events = [Reporter(camera, 7).state(state, begin + round(at * 1000)) for at, state in said]
    packs = [FOLDER / name for name in ("security.yaml", "data.yaml")]
    rules = [rule for pack in packs for rule in load_text(pack.read_text()).checked() if rule.id in ALERTS]
    found = judged(rules, events, [Site(id="yard"), camera], begin + 3_700_000)
    assert {rule.id for rule in rules} == ALERTS
    assert [(each.rule, each.edge) for each in found] == [("safety.camera.frozen", ConditionEdge.BEGIN)]
    assert found[0].at - begin < 300_000


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
