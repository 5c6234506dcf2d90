"""Every kind against a second, naive evaluation: ticks, packing, repeats and kills anywhere."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Condition, ConditionEdge
from pipeline.core.events import Case, CaseKind, CaseState, Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text
from rules.kinds.regression import Line, crossing, fit, student
from tests.property.naive_kinds import NAIVE, Stream

T0 = 1_795_222_800_000
LATENESS = 10_000
AFTER = 3_600_000
_step = st.one_of(st.integers(1, 12_000), st.sampled_from([0, 5_000, 10_000, 15_000, 20_000]))
_reading = st.tuples(_step, st.one_of(st.just(0), st.integers(0, 9_000)), st.integers(0, 10))
USUAL = st.sampled_from([4, 5, 5, 5, 6, 6, 0, 10])
"""Mostly near 5: of numbers that are all as likely none would be far from the median."""
_steady = st.lists(st.tuples(st.integers(20_000, 40_000), st.just(0), USUAL), min_size=34, max_size=60)


@st.composite
def streams(draw: st.DrawFn, kind: str) -> Stream:
    """Readings with their log times; each comes less than the lateness after its own time."""
    log, found = T0, []
    for step, age, value in draw(_steady if kind == "baseline" else st.lists(_reading, max_size=25)):
        log += step
        found.append((log, log - age, float(value)))
    return found


@st.composite
def logs(draw: st.DrawFn, stream: list[tuple[int, Event]]) -> list[tuple[int, tuple[Event, ...]]]:
    """A log of the stream: lines of one moment packed or not, some repeated, ticks anywhere."""
    frames: list[tuple[int, tuple[Event, ...]]] = []
    for log, event in stream:
        if draw(st.integers(0, 9)) == 0:
            previous = frames[-1][0] if frames else log
            frames.append((draw(st.integers(previous, log)), ()))
        again = (event,) if draw(st.integers(0, 9)) == 0 else ()
        if frames and frames[-1][0] == log and draw(st.booleans()):
            frames[-1] = (log, (*frames[-1][1], event, *again))
        else:
            frames.append((log, (event, *again)))
    last = frames[-1][0] if frames else T0
    return [*frames, (last + AFTER, ())]


def run(
    text: str,
    topic: str,
    frames: list[tuple[int, tuple[Event, ...]]],
    kills: set[int],
    counts: Counter[str] | None = None,
    known: Sequence[CatalogueChange] = (),
) -> list[Any]:
    """What the engine gives; killed after the frames numbered in `kills` and built anew from its dumps."""
    changes = [*known, *rule_changes(load_text(text).checked())]
    engine = Engine(topic, 0, changes=changes)
    found: list[Any] = []
    for number, (log, events) in enumerate(frames):
        frame = LogFrame[Event](topic=topic, partition=0, offset=number, log=log, lines=tuple(enumerate(events)))
        delta = engine.fold(frame)
        engine.commit(delta)
        found += delta.outputs
        if counts is not None:
            counts.update(engine.counters)
            engine.counters.clear()
        if number in kills:
            saved = {key: raw for key in engine.state_keys() if (raw := engine.dump(key)) is not None}
            engine = Engine(topic, 0, changes=changes, state=saved)
    return found


def told(outputs: list[Any]) -> list[tuple[str, int]]:
    """Begins and ends, in the order of their conditions."""
    conditions = [one for one in outputs if isinstance(one, Condition) and one.edge is not ConditionEdge.UPDATE]
    return [(one.edge.value, one.at) for one in sorted(conditions, key=lambda one: (one.episode, one.n))]


def readings(stream: Stream) -> list[tuple[int, Event]]:
    return [
        (log, Reading(device="d", quantity="rain_depth", at=at, value=value, point=(value, 0.0)))
        for log, at, value in stream
    ]


@pytest.mark.parametrize("kind", NAIVE)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_a_kind_is_what_a_naive_evaluation_says(kind: str, data: st.DataObject) -> None:
    text, naive = NAIVE[kind]
    stream = data.draw(streams(kind))
    frames = data.draw(logs(readings(stream)))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, scope: {{quantity: rain_depth}}, {text}}}"
    assert told(run(rule, "ioc.readings.v1", frames, kills)) == naive(stream)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_with_reorder_the_order_of_arrival_does_not_matter(data: st.DataObject) -> None:
    """Arrivals up to 4.9 s after their time, under a watermark of 5 s: as if they had come sorted."""
    stream = [(log, max(at, log - 4_900), value) for log, at, value in data.draw(streams("threshold"))]
    first: dict[int, float] = {}
    for _, at, value in stream:
        first.setdefault(at, value)
    frames = data.draw(logs(readings(stream)))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    for kind in ("threshold", "repeat of", "repeat within", "jump", "flatline"):
        text, naive = NAIVE[kind]
        rule = f"{{id: r, scope: {{quantity: rain_depth}}, reorder: 5s, {text}}}"
        expected = naive([(at, at, value) for at, value in sorted(first.items())])
        assert told(run(rule, "ioc.readings.v1", frames, kills)) == expected, kind


def test_a_window_that_ends_before_an_early_begin_does_not_end_it() -> None:
    """7 after 6 begin early; then a reading of the window before comes, not late: its sum of 0 is no answer."""
    stream = readings([(T0 + 1, T0 + 1, 6.0), (T0 + 2, T0 + 2, 7.0), (T0 + 3, T0 - 1, 0.0)])
    frames = [*((log, (reading,)) for log, reading in stream), (T0 + 3_600_003, ())]
    rule = "{id: r, scope: {quantity: rain_depth}, kind: window, raise: {above: 12}, "
    rule += "window: {size: 20s, aggregate: sum, early: true}}"
    assert told(run(rule, "ioc.readings.v1", frames, set())) == [("begin", T0 + 2), ("end", T0 + 40_000)]


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_an_early_window_begins_inside_its_window_and_ends_as_any_other(data: st.DataObject) -> None:
    frames = data.draw(logs(readings(data.draw(streams("sliding")))))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = "{{id: r, scope: {{quantity: rain_depth}}, kind: window, raise: {{above: 12}}, window: {{{0}}}}}"
    plain = told(run(rule.format("size: 20s, aggregate: sum"), "ioc.readings.v1", frames, set()))
    early = told(run(rule.format("size: 20s, aggregate: sum, early: true"), "ioc.readings.v1", frames, kills))
    assert [edge for edge, _ in early] == [edge for edge, _ in plain]
    for (edge, at), (_, final) in zip(early, plain, strict=True):
        assert at == final if edge == "end" else final - 20_000 <= at < final


_case = st.tuples(
    st.integers(1, 40_000), st.sampled_from([*[CaseState.OPEN] * 4, CaseState.DONE]), st.integers(-60_000, 120_000)
)


def stages(events: list[tuple[int, bool, int]]) -> list[tuple[str, int, str]]:
    """Begin, update, end of a case by looking at every time at which anything can change."""
    names = ("warning", "major", "critical")
    moments = {at for at, _, _ in events} | {due + off for _, _, due in events for off in (-20_000, 0, 30_000)}
    found, shown = [], -1
    for now in sorted(moment for moment in moments if moment >= events[0][0]):
        _, over, due = [event for event in events if event[0] <= now][-1]
        stage = -1 if over else sum(now >= due + off for off in (-20_000, 0, 30_000)) - 1
        if stage != shown:
            edge = "begin" if shown < 0 else "end" if stage < 0 else "update"
            found.append((edge, now, names[shown if stage < 0 else stage]))
        shown = stage
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(_case, min_size=1, max_size=8), st.data())
def test_deadlines_are_what_a_naive_evaluation_says(raw: list[tuple[int, CaseState, int]], data: st.DataObject) -> None:
    at, stream, events = T0, [], []
    for step, state, off in raw:
        at += step
        due = at + off
        kind = CaseKind.DOSSIER
        stream.append((at, Case(case="k", kind=kind, state=state, at=at, due_at=due)))
        events.append((at, state is CaseState.DONE, due))
    frames: list[tuple[int, tuple[Event, ...]]] = data.draw(logs(stream))  # type: ignore[arg-type]
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = "{id: r, scope: {cases: {case: dossier}}, kind: deadline, due_soon: 20s, overdue: true, escalate: 30s}"
    outputs = [one for one in run(rule, "ioc.cases.v1", frames, kills) if isinstance(one, Condition)]
    found = [
        (one.edge.value, one.at, one.severity.value) for one in sorted(outputs, key=lambda one: (one.episode, one.n))
    ]
    assert found == stages(events)


def naive_nowcast(hours: list[float | None]) -> float | None:
    if len([c for c in hours[:3] if c is not None]) < 2:
        return None
    known = [c for c in hours if c is not None]
    w = max(min(known) / max(known), 0.5)
    weights = [0.0 if c is None else w**i for i, c in enumerate(hours)]
    return sum(weight * (c or 0.0) for weight, c in zip(weights, hours, strict=True)) / sum(weights)


@settings(max_examples=60, deadline=None)
@given(raw=st.lists(st.tuples(st.integers(1, 100), st.integers(1, 50)), min_size=1, max_size=40), data=st.data())
def test_the_hourly_index_is_what_a_naive_evaluation_says(raw: list[tuple[int, int]], data: st.DataObject) -> None:
    """PM10 up to 50 ug/m3 has its own concentration as index."""
    at, stream = T0, []
    for minutes, value in raw:
        at += minutes * 60_000
        stream.append((at, Reading(device="d", quantity="pm10", at=at, value=float(value))))
    frames: list[tuple[int, tuple[Event, ...]]] = data.draw(logs(stream))  # type: ignore[arg-type]
    frames.append((frames[-1][0] + 20 * AFTER, ()))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    outputs = run(
        "{id: r, scope: {devices: [d]}, kind: derive, formula: vn_aqi_hour}", "ioc.readings.v1", frames, kills
    )
    found = {one.at: one.value for one in outputs if isinstance(one, Reading)}
    expected: dict[int, float] = {}
    for end in range(T0 // AFTER * AFTER + AFTER, at + 13 * AFTER, AFTER):
        hours: list[float | None] = []
        for back in range(12):
            mine = [one.value or 0.0 for _, one in stream if end - (back + 1) * AFTER <= one.at < end - back * AFTER]
            hours.append(statistics.fmean(mine) if mine else None)
        concentration = naive_nowcast(hours)
        if concentration is not None:
            expected[end] = concentration
    assert found.keys() == expected.keys()
    assert all(abs((found[end] or 0.0) - expected[end]) <= 0.5 + 1e-9 for end in expected)


_points = st.lists(st.tuples(st.integers(1, 600_000), st.integers(0, 1000)), min_size=4, max_size=20)


@settings(max_examples=200, deadline=None)
@given(_points, st.integers(0, 2000))
def test_the_interval_of_a_crossing_is_where_the_level_lies_in_the_band(raw: list[tuple[int, int]], level: int) -> None:
    at, samples = T0, []
    for step, value in raw:
        at += step
        samples.append((at, float(value)))
    line = fit(samples)
    assert line is not None
    slope = statistics.linear_regression([t - T0 for t, _ in samples], [v for _, v in samples]).slope
    assert line.slope == pytest.approx(slope, rel=1e-6, abs=1e-12)
    found = crossing(line, level, 0.9, at)
    for ahead in (0.0, 1e3, 1e5, 3e6, 1e8):
        outside = abs(level - line.value(at + ahead)) - _band(line, at + ahead)
        inside = found is not None and found[0] <= at + ahead and (found[1] is None or at + ahead <= found[1])
        if abs(outside) > 1e-6 * (1 + abs(level)) and (found is None or found[1] is None or at + ahead <= found[1]):
            assert inside == (outside < 0) or found is None
    if found is not None and found[0] > at:
        rounding = abs(line.slope) * 1e-3  # a float holds a time in ms since the epoch to 0.0002
        assert abs(level - line.value(found[0])) == pytest.approx(_band(line, found[0]), rel=1e-5, abs=1e-6 + rounding)


def _band(line: Line, at: float) -> float:
    """Half the width of the 90 % confidence band of a regression line."""
    spread = 1 / line.count + (at - line.centre) ** 2 / line.spread
    return student(0.95, line.count - 2) * line.error * float(spread**0.5)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(2, 2.920), (3, 2.353), (4, 2.132), (5, 2.015), (10, 1.812), (30, 1.697), (120, 1.658)]
)
def test_students_quantiles_are_those_of_the_table(freedom: int, quantile: float) -> None:
    """95 % column of the NIST/SEMATECH e-Handbook, 1.3.6.7.2."""
    assert student(0.95, freedom) == pytest.approx(quantile, rel=3e-3)
