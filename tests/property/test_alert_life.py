"""Random conditions and verbs: what must hold for every alert key."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.alerts import MAX_ALERT_BYTES, AlertEvent
from pipeline.core.conditions import (
    Condition,
    ConditionEdge,
    ConditionLine,
    Operand,
    Severity,
    Verb,
    VerbName,
    Why,
    condition_id,
)
from pipeline.core.machine import LogFrame
from rules.alerts.machine import AlertsMachine
from rules.alerts.state import AlertOutput

T0 = 1_795_222_800_000
KEYS = ("r.a|d1", "r.b|d1")
_step = st.one_of(
    st.tuples(st.just("condition"), st.sampled_from(KEYS), st.sampled_from(list(Severity)[:4]), st.booleans()),
    st.tuples(
        st.just("verb"),
        st.sampled_from(KEYS),
        st.sampled_from([VerbName.ACK, VerbName.UNACK, VerbName.COMMENT, VerbName.CLOSE, VerbName.SHELVE]),
        st.integers(0, 2),
    ),
    st.tuples(st.just("repeat"), st.integers(0, 30), st.none(), st.none()),
)


class Script:
    """Turns steps into lines that an engine could have written."""

    def __init__(self) -> None:
        self.lines: list[ConditionLine] = []
        self.open: dict[str, tuple[int, int]] = {}
        self.clock = T0

    def condition(self, key: str, severity: Severity, end: bool) -> ConditionLine:
        self.clock += 1000
        rule = key.split("|")[0]
        episode, n = self.open.get(key, (self.clock, -1))
        edge = ConditionEdge.BEGIN if n < 0 else (ConditionEdge.END if end else ConditionEdge.UPDATE)
        if edge is ConditionEdge.END:
            del self.open[key]
        else:
            self.open[key] = (episode, n + 1)
        return Condition(
            id=condition_id(rule, key, episode, n + 1),
            rule=rule,
            rule_version="v",
            key=key,
            episode=episode,
            n=n + 1,
            edge=edge,
            severity=severity,
            at=self.clock,
            log=self.clock,
            device="d1",
            why=Why(),
        )


def _play(steps: list[Any]) -> tuple[AlertsMachine, list[AlertOutput], list[ConditionLine]]:
    script, machine = Script(), AlertsMachine()
    outputs: list[AlertOutput] = []
    sequence: dict[str, int] = {}
    for number, (what, first, second, third) in enumerate(steps):
        if what == "condition":
            line = script.condition(first, second, third)
        elif what == "verb":
            seen = max(sequence.get(first, 0) - third, 0)
            line = Verb(id=f"v{number}", verb=second, key=first, by="lan", at=script.clock, seen=seen, note="x")
        elif script.lines:
            line = script.lines[first % len(script.lines)]
        else:
            continue
        script.lines.append(line)
        delta = machine.fold(LogFrame(topic="c", partition=0, offset=number, log=T0 + number, lines=((0, line),)))
        machine.commit(delta)
        outputs += delta.outputs
        sequence.update({one.key: one.sequence for one in delta.outputs})
    return machine, outputs, script.lines


@settings(max_examples=150, deadline=None)
@given(st.lists(_step, max_size=40))
def test_life_of_alerts(steps: list[Any]) -> None:
    machine, outputs, lines = _play(steps)
    for key in KEYS:
        mine = [one for one in outputs if one.key == key and one.sequence > 0]
        assert [one.sequence for one in mine] == list(range(1, len(mine) + 1))
    told = [one.id for one in outputs if one.sequence > 0]
    assert len(set(told)) == len(told)
    for one in outputs:
        if one.type is AlertEvent.CLEARED:
            before = next(b for b in outputs if b.key == one.key and b.sequence == one.sequence - 1)
            assert one.body.state.acked == before.body.state.acked or before.type is AlertEvent.REFUSED
    verbs = {line.id: line.verb for line in lines if isinstance(line, Verb)}
    for one in outputs:
        if one.type is AlertEvent.CLOSED and one.body.state.closed.reason == "done":
            assert one.body.state.acked.on
            assert not one.body.state.active.on
        elif one.type is AlertEvent.CLOSED:
            assert one.body.state.closed.reason == "superseded" or verbs[one.causation] is VerbName.CLOSE
    for state in machine.open_alerts().values():
        assert state.alert is not None
        assert state.alert.state.active.on or not state.alert.state.acked.on


@settings(max_examples=60, deadline=None)
@given(st.lists(_step, max_size=30), st.integers(0, 30))
def test_a_kill_and_a_replay_tell_the_same(steps: list[Any], cut: int) -> None:
    _, whole, lines = _play(steps)
    machine = AlertsMachine()
    outputs: list[AlertOutput] = []
    for number, line in enumerate(lines):
        if number == cut:
            saved = {key: raw for key in machine.state_keys() if (raw := machine.dump(key)) is not None}
            machine = AlertsMachine(state=saved)
        frame = LogFrame[ConditionLine](topic="c", partition=0, offset=0, log=T0 + number, lines=((0, line),))
        machine.fold(frame)
        delta = machine.fold(frame)
        machine.commit(delta)
        outputs += delta.outputs
    assert [one.id for one in outputs] == [one.id for one in whole]


def test_the_body_stays_under_its_limit() -> None:
    script = Script()
    machine = AlertsMachine()
    line = script.condition("r.a|d1", Severity.MAJOR, False)
    assert isinstance(line, Condition)
    operands = tuple(Operand(device="d1", quantity="rain_rate", value=1.5, at=T0 + n) for n in range(5000))
    big = msgspec.structs.replace(line, why=Why(operands=operands))
    delta = machine.fold(LogFrame(topic="c", partition=0, offset=0, log=T0, lines=((0, big),)))
    body = delta.outputs[0].body
    assert len(msgspec.json.encode(body)) <= MAX_ALERT_BYTES
    assert "4996 operands cut" in body.why.detail
