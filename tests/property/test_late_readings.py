"""Readings that come late, against the naive life: those that `reorder` sorts, and those that are judged alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Condition
from pipeline.core.events import Event, Reading
from tests.property.naive_kinds import KINDS, REPEATS, Stream, in_time
from tests.property.naive_life import Edge, Moment, life
from tests.property.test_kinds import T0, run
from tests.property.test_life import (
    END,
    SCOPE,
    SECOND,
    SHIFTED,
    Drawn,
    Shape,
    counted,
    framed,
    minutes,
    rules,
    told,
)

WAIT = 5
SORTED = ["threshold", "jump", "flatline", "repeat of", "repeat within"]


def _shape(kind: str) -> Shape:
    if kind in REPEATS:
        return Shape(least=REPEATS[kind][2])
    return Shape(raises=bool(KINDS[kind][2]), shift=0.0 if kind == "threshold" else SHIFTED)


def _moments(kind: str, drawn: Drawn, stream: Stream) -> list[Moment]:
    """What a kind judges of all readings in order of time; W goes by between any two of them."""
    judged = counted(kind, drawn, in_time(stream))
    return [Moment((at - T0) // SECOND, truths, number) for at, number, truths in judged]


def _stream(raw: list[tuple[int, int, int]]) -> Stream:
    log, found = T0, []
    for step, age, value in raw:
        log += step * SECOND
        found.append((log, log - age * SECOND, float(value)))
    return found


_ages = st.sampled_from([0, 4, 1, 2, 3])
disordered = st.lists(
    st.tuples(st.sampled_from([1, 2, 0, 3, 5, 8, 20]), _ages, st.integers(0, 10)), min_size=5, max_size=25
).map(_stream)
"""Up to a second less than the wait late, close to one another."""


@pytest.mark.parametrize("kind", SORTED)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_with_reorder_a_kind_lives_as_if_all_had_come_in_order(kind: str, data: st.DataObject) -> None:
    """Levels with their own `for` and `clear`, hours, silence; arrivals up to a second less than the wait late."""
    drawn, (schedule, opened) = data.draw(rules(_shape(kind))), data.draw(minutes())
    stream = data.draw(disordered)
    frames, kills = framed(data, stream, WAIT)
    text = (REPEATS[kind] if kind in REPEATS else KINDS[kind])[0]
    lateness = data.draw(st.sampled_from([0, 3, WAIT]))
    rule = f"{{id: r, {text}, {SCOPE}, reorder: {WAIT}s, lateness: {lateness}s, live_for: 1h, {drawn.text}{schedule}}}"
    end = (frames[-1][0] - T0) // SECOND - WAIT
    expected = life(_moments(kind, drawn, stream), drawn.terms._replace(opened=opened), end)
    assert told(run(rule, "ioc.readings.v1", frames, kills)) == expected


LIVE = 30
"""Older readings are late, s; W is as far behind L, so that no live reading is older than W."""
_arrival = st.tuples(
    st.one_of(st.integers(0, 12), st.sampled_from([5, 8, 20, 40])),
    st.sampled_from([0, 0, 0, 1, 5, LIVE, LIVE + 1, 60, 90]),
    st.booleans(),
    st.integers(0, 10),
)


def _reading(at: int, value: int, historical: bool) -> Event:
    time = T0 + at * SECOND
    return Reading(device="d", quantity="rain_depth", at=time, value=float(value), historical=historical)


@settings(max_examples=80, deadline=None)
@given(
    raw=st.lists(_arrival, max_size=20), again=st.sets(st.integers(0, 19), max_size=6), drawn=rules(), data=st.data()
)
def test_late_readings_are_judged_alone_and_change_nothing_else(
    raw: list[tuple[int, int, bool, int]], again: set[int], drawn: Drawn, data: st.DataObject
) -> None:
    """Some come again, as history; a rule with any `for` says nothing of them."""
    schedule, opened = data.draw(minutes())
    log, lines = 100, list[tuple[int, Event]]()
    live, late, raised, counted = list[Moment](), list[tuple[int, str]](), set[int](), 0
    alone = not drawn.terms.hold and not any(level.hold for level in drawn.terms.levels)
    for number, (step, age, old, value) in enumerate(raw):
        log += step
        at = log - age
        for historical in (old and age > 0, *([True] if number in again else [])):
            lines.append((T0 + log * SECOND, _reading(at, value, historical)))
            truths = tuple(test(float(value)) for test in drawn.tests)
            if not historical and age <= LIVE:
                if not live or at > live[-1].at:
                    live.append(Moment(at, truths, float(value), log - LIVE))
                    raised |= {at} if any(truths) and opened(at) else set()
                continue
            counted += 1
            if alone and any(truths) and opened(at) and at not in raised:
                raised.add(at)
                severity = [level.severity for level, holds in zip(drawn.terms.levels, truths, strict=True) if holds]
                late.append((at, severity[-1]))
    frames: list[tuple[int, tuple[Event, ...]]] = [(time, (event,)) for time, event in lines]
    frames.append((T0 + (log + END + LIVE) * SECOND, ()))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    counts: Counter[str] = Counter()
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: {LIVE}s, live_for: {LIVE}s, {drawn.text}{schedule}}}"
    outputs: list[Any] = run(rule, "ioc.readings.v1", frames, kills, counts)
    mine = [one for one in outputs if isinstance(one, Condition)]
    assert told([one for one in mine if not one.late]) == life(live, drawn.terms._replace(opened=opened), log + END)
    alone_edges = [Edge(edge, at, severity) for at, severity in late for edge in ("begin", "end")]
    assert told([one for one in mine if one.late]) == alone_edges
    assert counts["ioc_rules_late_total"] == counted
