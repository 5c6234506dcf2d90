"""The life of a condition against a second, naive evaluation: levels, `for`, `clear`, silence, for every kind."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Condition
from pipeline.core.events import Event, Reading
from tests.property.naive_life import Clear, Edge, Level, Moment, Terms, life
from tests.property.test_kinds import AFTER, T0, logs, run

SECOND = 1000
SCOPE = "scope: {quantity: rain_depth}"
Tests = list[Any]


class Drawn(NamedTuple):
    """A rule in words and in terms."""

    text: str
    terms: Terms
    tests: Tests


def _duration(seconds: int) -> str:
    return f"{seconds}s"


def _predicate(draw: st.DrawFn) -> tuple[str, Any]:
    """A comparison as text and as a function."""
    operator = draw(st.sampled_from(["above", "above", "below", "outside", "equals"]))
    low = draw(st.integers(1, 8))
    high = draw(st.integers(low, 9))
    return {
        "above": (f"above: {high}", lambda v: v is not None and v > high),
        "below": (f"below: {low}", lambda v: v is not None and v < low),
        "outside": (f"outside: [{low}, {high}]", lambda v: v is not None and (v < low or v > high)),
        "equals": (f"equals: {low}", lambda v: v == low),
    }[operator]


_holds = st.sampled_from([None, None, 0, 5, 12, 20])


def _clear(draw: st.DrawFn) -> tuple[str, Clear] | None:
    hold, with_test = draw(_holds), draw(st.booleans())
    if hold is None and not with_test:
        return None
    parts, test = [], None
    if with_test:
        text, test = _predicate(draw)
        parts.append(text)
    if hold is not None:
        parts.append(f"for: {hold}s")
    return f"clear: {{{', '.join(parts)}}}", Clear(test, hold or 0)


def _level(draw: st.DrawFn, severity: str) -> tuple[str, Level, Any]:
    text, test = _predicate(draw)
    hold, clear = draw(_holds), _clear(draw)
    parts = [text]
    if hold is not None:
        parts.append(f"for: {hold}s")
    if clear is not None:
        parts.append(clear[0])
    return f"{severity}: {{{', '.join(parts)}}}", Level(severity, hold, None if clear is None else clear[1]), test


@st.composite
def rules(draw: st.DrawFn) -> Drawn:
    """Levels, each with its own `for` and `clear` or not; the rule's; how long a value holds."""
    names = draw(st.lists(st.sampled_from(["minor", "major", "critical"]), min_size=1, max_size=3, unique=True))
    ordered = [name for name in ("minor", "major", "critical") if name in names]
    levels = [_level(draw, name) for name in ordered]
    hold, clear, stale = draw(_holds) or 0, _clear(draw), draw(st.sampled_from([8, 25, 600]))
    text = f"raise: {{{', '.join(one[0] for one in levels)}}}, for: {hold}s, stale_after: {stale}s"
    if clear is not None:
        text += ", " + clear[0]
    terms = Terms(tuple(one[1] for one in levels), hold, Clear() if clear is None else clear[1], stale)
    return Drawn(text, terms, [one[2] for one in levels])


values = st.lists(
    st.tuples(st.one_of(st.integers(1, 12), st.sampled_from([5, 8, 20])), st.integers(0, 10)), max_size=20
)


def told(outputs: list[Any], start: int = T0, unit: int = SECOND) -> list[Edge]:
    """The edges that the engine told."""
    found = []
    for one in outputs:
        if isinstance(one, Condition):
            unknown = bool(one.why.unknown) and one.edge == "update"
            at, rest = divmod(one.at - start, unit)
            assert not rest
            found.append(Edge(one.edge.value, at, one.severity.value, unknown, one.reason.value if one.reason else ""))
    return found


def stream(pairs: list[tuple[int, int]]) -> list[tuple[int, float]]:
    at, found = 0, []
    for step, value in pairs:
        at += step
        found.append((at, float(value)))
    return found


def events(pairs: list[tuple[int, float]]) -> list[tuple[int, Event]]:
    return [
        (T0 + at * SECOND, Reading(device="d", quantity="rain_depth", at=T0 + at * SECOND, value=v)) for at, v in pairs
    ]


FOUND: dict[str, tuple[str, list[tuple[int, int]], list[Edge]]] = {
    "no begin before a value of a level that the rule's for is for": (
        "raise: {minor: {below: 1, for: 5s}, major: {above: 1}}",
        [(1, 0), (1, 2)],
        [Edge("begin", 2, "major"), Edge("update", 602, "major", unknown=True)],
    ),
    "a lower level shows after its own for when the one shown holds no more": (
        "raise: {minor: {below: 1, for: 5s}, major: {above: 1}}, stale_after: 8s",
        [(1, 2), (1, 0)],
        [Edge("begin", 1, "major"), Edge("update", 7, "minor"), Edge("update", 10, "minor", unknown=True)],
    ),
    "silence is told though W had not passed it when the next value came": (
        "raise: {major: {below: 1}}, stale_after: 8s, lateness: 60s",
        [(1, 0), (9, 0)],
        [
            Edge("begin", 1, "major"),
            Edge("update", 9, "major", unknown=True),
            Edge("update", 10, "major"),
            Edge("update", 18, "major", unknown=True),
        ],
    ),
    "silence breaks a clear.for though W had not passed it when the next value came": (
        "raise: {major: {above: 5}}, clear: {for: 20s}, stale_after: 10s, lateness: 60s",
        [(1, 9), (9, 0), (25, 0), (10, 0), (9, 0), (2, 0)],
        [
            Edge("begin", 1, "major"),
            Edge("update", 20, "major", unknown=True),
            Edge("update", 35, "major"),
            Edge("end", 55, "major"),
        ],
    ),
    "a level rises at its own time, not at that of the value that confirms it": (
        "raise: {minor: {above: 5}, major: {above: 7, for: 20s}}, lateness: 60s",
        [(1, 9), (25, 9)],
        [Edge("begin", 1, "minor"), Edge("update", 21, "major"), Edge("update", 626, "major", unknown=True)],
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_the_properties_found_stays_mended(case: str) -> None:
    text, pairs, expected = FOUND[case]
    frames: list[tuple[int, tuple[Event, ...]]] = [(log, (event,)) for log, event in events(stream(pairs))]
    frames.append((frames[-1][0] + AFTER, ()))
    rule = f"{{id: r, kind: threshold, {SCOPE}, {text}}}"
    assert told(run(rule, "ioc.readings.v1", frames, set())) == expected


@settings(max_examples=150, deadline=None)
@given(rules(), values.map(stream), st.data())
def test_a_threshold_lives_as_the_naive_life_says(
    drawn: Drawn, pairs: list[tuple[int, float]], data: st.DataObject
) -> None:
    """Without lateness: W is L, and each reading comes at its own time."""
    frames = data.draw(logs(events(pairs)))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: 0s, {drawn.text}}}"
    moments = [Moment(at, tuple(test(v) for test in drawn.tests), v) for at, v in pairs]
    end = (frames[-1][0] - T0) // SECOND
    assert told(run(rule, "ioc.readings.v1", frames, kills)) == life(moments, drawn.terms, end)


@settings(max_examples=150, deadline=None)
@given(rules(), values, st.lists(st.integers(0, 20), min_size=20, max_size=20), st.integers(0, 20), st.data())
def test_a_threshold_lives_as_the_naive_life_says_behind_its_watermark(
    drawn: Drawn, raw: list[tuple[int, int]], ages: list[int], lateness: int, data: st.DataObject
) -> None:
    """Readings come in order, at most the lateness after their time; W passes what is due, or does not."""
    pairs, log, arrivals, moments = stream(raw), 0, [], []
    for (at, value), age in zip(pairs, ages, strict=False):
        log = max(log, at + min(age, lateness))
        arrivals.append((T0 + log * SECOND, events([(at, value)])[0][1]))
        moments.append(Moment(at, tuple(test(value) for test in drawn.tests), value, log - lateness))
    frames = data.draw(logs(arrivals))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: {lateness}s, live_for: 1h, {drawn.text}}}"
    end = (frames[-1][0] - T0) // SECOND
    assert told(run(rule, "ioc.readings.v1", frames, kills)) == life(moments, drawn.terms, end)
