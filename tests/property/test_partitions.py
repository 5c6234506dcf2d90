"""A replay over other partitions: the same log in one partition and in several gives the same, key by key.

What stays together is what one device, camera or case says. A partition has frames and ticks of its own; time passes in
it by those alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Device, Kind
from pipeline.core.conditions import Condition
from pipeline.core.events import Case, CaseKind, CaseState, Detection, DetectionEvent, Event, Quality, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text
from rules.kinds import KINDS, STAGE2
from tests.property.naive_kinds import NAIVE
from tests.property.rule_logs import outcome
from tests.property.test_kinds import AFTER, T0

FENCE = "polygon: [[5, -1], [20, -1], [20, 1], [5, 1]]"
OF_READINGS = [
    *(f"scope: {{quantity: rain_depth}}, {text}" for text, _ in NAIVE.values()),
    "scope: {quantity: rain_depth}, kind: absence, after: 40s",
    "scope: {}, kind: absence, after: 15s, periods: 1",
    "scope: {quantity: rain_depth}, kind: threshold, reorder: 5s, "
    "raise: {minor: {above: 5}, major: {above: 8, for: 9s}}",
    "scope: {quantity: rain_depth}, kind: threshold, raise: {above: 5}, for: 9s, clear: {below: 4, for: 9s}, "
    'stale_after: 15s, schedule: {when: "daily 08:01-08:03; daily 08:04-08:09"}',
    "scope: {quantity: rain_depth}, kind: forecast, level: 9, horizon: 30s, over: 60s",
    f"scope: {{quantity: rain_depth}}, kind: geofence, event: leave, confirm: 1, {FENCE}",
    f"scope: {{}}, kind: geofence, event: dwell, dwell: 9s, {FENCE}",
    "scope: {quantity: rain_depth}, kind: window, raise: {above: 4}, window: {size: 20s, aggregate: mean}",
    "scope: {quantity: rain_depth}, kind: window, raise: {above: 9}, window: {type: hopping, size: 20s, every: 5s, "
    "aggregate: increase}",
    "scope: {quantity: rain_depth}, kind: window, raise: {above: 12}, window: {size: 20s, aggregate: sum, early: true}",
    "scope: {devices: [d1, d2, d3]}, kind: derive, formula: los, inputs: {mean_speed: rain_depth}",
    "scope: {devices: [d1, d2, d3]}, kind: derive, formula: vn_aqi_hour, min_coverage: 0, inputs: {pm10: rain_depth}",
    "scope: {devices: [d1, d2, d3]}, kind: derive, formula: water_class",
    "scope: {quantity: level_of_service}, kind: threshold, raise: {equals: F}, stale_after: 60s",
]
OF_DETECTIONS = [
    *(
        f"scope: {{detections: {{}}}}, stale_after: 30s, kind: geofence, event: {event}, {FENCE}"
        for event in ("enter", "leave")
    ),
    f"scope: {{detections: {{}}}}, stale_after: 30s, kind: geofence, event: dwell, dwell: 9s, {FENCE}",
    "scope: {detections: {event: enter}}, kind: threshold, raise: {above: 0}, for: 5s",
    "scope: {detections: {}}, kind: sequence, first: {event: enter}, then: {event: leave}, within: 20s",
]
OF_CASES = [
    "scope: {cases: {}}, kind: deadline, due_soon: 20s, overdue: true, escalate: 30s",
    "scope: {cases: {}}, kind: deadline, overdue: true, calendar: vn",
]
Named = list[tuple[int, str, Event]]
"""Log time, what must stay together, event; in log order."""
_step = st.one_of(st.integers(0, 9_000), st.sampled_from([5_000, 10_000, 20_000, AFTER]))
_age = st.sampled_from([0, 0, 0, 3_000, 9_000, 60_000])


def test_every_kind_of_the_first_stage_is_among_the_rules() -> None:
    found = {rule.kind for text in (OF_READINGS, OF_DETECTIONS, OF_CASES) for rule in load_text(_text(text)).checked()}
    assert found == set(KINDS) - set(STAGE2)


@st.composite
def _readings(draw: st.DrawFn) -> Named:
    log, found = T0, []
    steady = draw(st.booleans())
    for _ in range(draw(st.integers(100, 130) if steady else st.integers(1, 60))):
        log += draw(st.integers(7_000, 13_000) if steady else _step)
        name, at = draw(st.sampled_from(["d1", "d2", "d3"])), log - draw(_age)
        value = float(draw(st.integers(0, 10)))
        quantity = draw(st.sampled_from(["rain_depth", "rain_depth", "rain_depth", "ph", "cod"]))
        quality = draw(st.sampled_from([Quality.GOOD] * 9 + [Quality.BAD]))
        point = (value, 0.0)
        found.append(
            (log, name, Reading(device=name, quantity=quantity, at=at, value=value, quality=quality, point=point))
        )
    return found  # type: ignore[return-value]


@st.composite
def _detections(draw: st.DrawFn) -> Named:
    log, found = T0, []
    for _ in range(draw(st.integers(1, 50))):
        log += draw(st.one_of(st.integers(0, 4_000), st.just(31_000)))
        name, x = draw(st.sampled_from(["c1", "c2", "c3"])), draw(st.integers(0, 10))
        event = draw(st.sampled_from([DetectionEvent.ENTER, DetectionEvent.LEAVE, DetectionEvent.CROSS]))
        track = draw(st.sampled_from(["t1", "t2"]))
        seen = Detection(camera=name, event=event, at=log - draw(_age), track=track, zone="z", foot=(float(x), 0.0))
        found.append((log, name, seen))
    return found  # type: ignore[return-value]


@st.composite
def _cases(draw: st.DrawFn) -> Named:
    log, found = T0, []
    for _ in range(draw(st.integers(1, 20))):
        log += draw(st.integers(1, 40_000))
        name, due = draw(st.sampled_from(["k1", "k2", "k3"])), log + draw(st.integers(-60_000, 120_000))
        state = draw(st.sampled_from([*[CaseState.OPEN] * 4, CaseState.DONE, CaseState.CANCELLED]))
        found.append((log, name, Case(case=name, kind=CaseKind.DOSSIER, state=state, at=log - draw(_age), due_at=due)))
    return found  # type: ignore[return-value]


def _text(rules: Sequence[str]) -> str:
    return "\n---\n".join(f"{{id: r{number:02}, {rule}}}" for number, rule in enumerate(rules))


def _frames(draw: Any, mine: Named, logs: list[int]) -> list[tuple[int, tuple[Event, ...]]]:
    """A partition's frames: lines of one time packed or not, ticks at some of the times at which anybody spoke."""
    ticks = [(log, ()) for log in draw(st.lists(st.sampled_from(logs), max_size=5))]
    frames: list[tuple[int, tuple[Event, ...]]] = []
    for log, _, event in mine:
        if frames and frames[-1][0] == log and draw(st.booleans()):
            frames[-1] = (log, (*frames[-1][1], event))
        else:
            frames.append((log, (event,)))
    return [*sorted([*frames, *ticks], key=lambda one: one[0]), (logs[-1] + 14 * AFTER, ())]


def _replay(data: Any, topic: str, known: list[CatalogueChange], log: Named, homes: dict[str, int]) -> list[Any]:
    """What all partitions give, each key's records in its home; killed anywhere."""
    outputs: list[Any] = []
    logs = [one[0] for one in log]
    for partition in sorted(set(homes.values())):

        def owns(device: str, partition: int = partition) -> bool:
            return homes.get(device, 0) == partition

        frames = _frames(data.draw, [one for one in log if homes[one[1]] == partition], logs)
        kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=2))
        engine = Engine(topic, partition, changes=known, owns=owns)
        for number, (at, lines) in enumerate(frames):
            frame = LogFrame[Event](
                topic=topic, partition=partition, offset=number, log=at, lines=tuple(enumerate(lines))
            )
            delta = engine.fold(frame)
            engine.commit(delta)
            outputs += delta.outputs
            if number in kills:
                saved = {key: raw for key in engine.state_keys() if (raw := engine.dump(key)) is not None}
                engine = Engine(topic, partition, changes=known, state=saved, owns=owns)
    return outputs


def _compare(data: Any, topic: str, rules: Sequence[str], log: Named) -> None:
    """One partition and up to three."""
    names = sorted({*(one[1] for one in log), *(("d1", "d2", "d3") if topic == "ioc.readings.v1" else ())})
    known = [
        CatalogueChange(
            0,
            Kind.DEVICE,
            name,
            Device(id=name, type="t", site="s", active_from=T0, attributes={"free_flow_speed": 10}),
        )
        for name in ("d1", "d2", "d3")
    ]
    known += rule_changes(load_text(_text(rules)).checked())
    homes = {name: data.draw(st.integers(0, 2)) for name in names}
    together = _replay(data, topic, known, log, dict.fromkeys(names, 0))
    apart = _replay(data, topic, known, log, homes)
    assert outcome(_conditions(apart)) == outcome(_conditions(together))
    assert _derived(apart) == _derived(together)


def _conditions(outputs: list[Any]) -> list[Condition]:
    return [one for one in outputs if isinstance(one, Condition)]


def _derived(outputs: list[Any]) -> list[tuple[str, str, int, float, str]]:
    return sorted(
        (one.device, one.quantity, one.at, one.value or 0.0, one.text or "")
        for one in outputs
        if isinstance(one, Reading)
    )


@settings(max_examples=12, deadline=None)
@given(log=_readings(), data=st.data())
def test_readings_over_other_partitions_give_the_same(log: Named, data: st.DataObject) -> None:
    _compare(data, "ioc.readings.v1", OF_READINGS, log)


@settings(max_examples=25, deadline=None)
@given(log=_detections(), data=st.data())
def test_detections_over_other_partitions_give_the_same(log: Named, data: st.DataObject) -> None:
    _compare(data, "ioc.detections.v1", OF_DETECTIONS, log)


@settings(max_examples=25, deadline=None)
@given(log=_cases(), data=st.data())
def test_cases_over_other_partitions_give_the_same(log: Named, data: st.DataObject) -> None:
    _compare(data, "ioc.cases.v1", OF_CASES, log)
