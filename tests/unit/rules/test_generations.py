"""What a worker says that has lost its cameras is dropped; the word of the newest generation counts."""

from __future__ import annotations

from pipeline.core.codec import encode_line
from pipeline.core.conditions import Condition
from pipeline.core.events import CameraState, Detection, DetectionEvent, Reading
from rules.engine.dumps import dump_state, load_state
from rules.engine.generations import DROPPED, GenerationState
from tests.unit.rules.logs import HOT, Log, brief, rules

KEY = "hot|d1|air_temperature"


def say(log: Log, second: float, value: float, generation: int | None, device: str = "d1") -> list[Condition]:
    return log.add(second, value, device=device, reading={"generation": generation})


def test_an_older_generation_neither_begins_nor_ends_a_condition() -> None:
    log = Log(*rules(HOT))
    assert brief(say(log, 0, 35, 7)) == [(KEY, "begin", 0, "")]
    assert say(log, 1, 20, 6) == []
    assert brief(say(log, 2, 20, 7)) == [(KEY, "end", 2, "")]
    assert say(log, 3, 35, 6) == []
    assert log.engine.counters[DROPPED] == 2


def test_a_newer_generation_takes_over_and_the_former_one_is_not_heard_again() -> None:
    log = Log(*rules(HOT))
    say(log, 0, 20, 7)
    assert brief(say(log, 1, 35, 8)) == [(KEY, "begin", 1, "")]
    assert say(log, 2, 20, 7) == []


def test_each_camera_has_generations_of_its_own_and_other_devices_have_none() -> None:
    log = Log(*rules(HOT))
    say(log, 0, 20, 9, device="cam-a")
    assert brief(say(log, 1, 35, 3)) == [(KEY, "begin", 1, "")]
    assert brief(say(log, 2, 20, None)) == [(KEY, "end", 2, "")]


def test_the_newest_generation_outlives_a_restart_of_the_rules() -> None:
    log = Log(*rules(HOT))
    say(log, 0, 20, 7)
    kept = {key: raw for key in log.engine.state_keys() if (raw := log.engine.dump(key)) is not None}
    again = Log(*rules(HOT), state=kept)
    assert say(again, 1, 35, 6) == []
    assert brief(say(again, 2, 35, 7)) == [(KEY, "begin", 2, "")]


def test_a_generation_is_stored_and_read_back() -> None:
    state = GenerationState(1_795_230_000_000_001)
    assert load_state(dump_state(state)) == state


def test_events_carry_their_generation_on_the_wire() -> None:
    reading = Reading(device="cam", quantity="camera_fps", at=1, value=5.0, generation=7)
    state = Detection(camera="cam", event=DetectionEvent.STATE, at=1, state=CameraState.ONLINE, generation=7)
    assert b'"generation":7' in encode_line(reading)
    assert b'"generation":7' in encode_line(state)
