"""The life of a condition against a second, naive evaluation: levels, `for`, `clear`, silence, for every kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Condition
from pipeline.core.events import Event, Reading
from tests.property.naive_kinds import (
    AGGREGATES,
    KINDS,
    NEVER,
    REPEATS,
    WINDOWS,
    Counted,
    Stream,
    Test,
    Values,
    always,
    applied,
    in_time,
)
from tests.property.naive_life import Clear, Edge, Level, Moment, Terms, life
from tests.property.test_kinds import AFTER, T0, USUAL, logs, readings, run

SECOND = 1000
SCOPE = "scope: {quantity: rain_depth}"


class Drawn(NamedTuple):
    """A rule in words and in terms."""

    text: str
    terms: Terms
    tests: list[Test]


class Shape(NamedTuple):
    """How a kind takes levels: `shift` keeps bounds off the numbers that it judges; `least`: a value holds at least.

    `unit`: a step of time, as a number of s or m.
    """

    raises: bool = True
    shift: float = 0.0
    least: int = 0
    unit: tuple[int, str] = (1, "s")

    def show(self, steps: int) -> str:
        """A duration as rules write it."""
        return f"{steps * self.unit[0]}{self.unit[1]}"


def _predicate(draw: st.DrawFn, shift: float) -> tuple[str, Test]:
    """A comparison as text and as a function."""
    operator = draw(st.sampled_from(["above", "above", "below", "outside", "equals"]))
    low = draw(st.integers(1, 8)) + shift
    high = draw(st.integers(int(low), 9)) + shift
    found: dict[str, tuple[str, Test]] = {
        "above": (f"above: {high}", lambda v: v is not None and v > high),
        "below": (f"below: {low}", lambda v: v is not None and v < low),
        "outside": (f"outside: [{low}, {high}]", lambda v: v is not None and (v < low or v > high)),
        "equals": (f"equals: {low}", lambda v: v == low),
    }
    return found[operator]


_holds = st.sampled_from([None, None, None, 0, 5, 12, 20])


def _clear(draw: st.DrawFn, shape: Shape) -> tuple[str, Clear] | None:
    hold, with_test = draw(_holds), draw(st.booleans())
    if hold is None and not with_test:
        return None
    text, test = _predicate(draw, shape.shift) if with_test else ("", None)
    parts = [text] if text else []
    if hold is not None:
        parts.append(f"for: {shape.show(hold)}")
    return f"clear: {{{', '.join(parts)}}}", Clear(test, hold or 0)


def _level(draw: st.DrawFn, severity: str, shape: Shape) -> tuple[str, Level, Test]:
    text, test = _predicate(draw, shape.shift)
    hold, clear = draw(_holds), _clear(draw, shape)
    parts = [text]
    if hold is not None:
        parts.append(f"for: {shape.show(hold)}")
    if clear is not None:
        parts.append(clear[0])
    return f"{severity}: {{{', '.join(parts)}}}", Level(severity, hold, None if clear is None else clear[1]), test


@st.composite
def rules(draw: st.DrawFn, shape: Shape = Shape()) -> Drawn:  # noqa: B008 - frozen
    """Levels, each with its own `for` and `clear` or not; the rule's; how long a value holds."""
    names = draw(st.lists(st.sampled_from(["minor", "major", "critical"]), min_size=1, max_size=3, unique=True))
    ordered = [name for name in ("minor", "major", "critical") if name in names]
    levels = [_level(draw, name, shape) for name in ordered] if shape.raises else []
    hold, clear, stale = draw(_holds) or 0, _clear(draw, shape), draw(st.sampled_from([8, 25, 600]))
    text = f"for: {shape.show(hold)}, stale_after: {shape.show(stale)}"
    if levels:
        text = f"raise: {{{', '.join(one[0] for one in levels)}}}, {text}"
    if clear is not None:
        text += ", " + clear[0]
    own = tuple(one[1] for one in levels) or (Level("warning"),)
    terms = Terms(own, hold, Clear() if clear is None else clear[1], max(stale, shape.least))
    return Drawn(text, terms, [one[2] for one in levels])


@st.composite
def minutes(draw: st.DrawFn) -> tuple[str, Callable[[int], bool]]:
    """Hours of some of the ten minutes from T0, 08:00 in Vietnam, on; or none at all."""
    opened = draw(st.sampled_from([set(), set(), set(), {0, 1}, {0, 2}, {0, 1, 3}, {1, 2, 4}]))
    if not opened:
        return "", lambda _: True
    spans = "; ".join(f"daily 08:{minute:02}-08:{minute + 1:02}" for minute in sorted(opened))
    return f', schedule: {{when: "{spans}"}}', lambda second: second // 60 in opened


def told(outputs: list[Any], start: int = T0, unit: int = SECOND) -> list[Edge]:
    """The edges that the engine told."""
    found: list[Edge] = []
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


END = 652
"""So many seconds after the last arrival a test looks on: nothing that is due is further away."""


@st.composite
def arrivals(draw: st.DrawFn, lateness: int, steady: bool = False) -> Stream:
    """Readings (ms) at most the lateness after their time, in order or not."""
    steps = (
        st.integers(20, 40)
        if steady
        else st.one_of(st.integers(0, 12), st.integers(3, 9), st.sampled_from([5, 8, 20, 40]))
    )
    size = (34, 45) if steady else (draw(st.sampled_from([10, 16, 0])), 25)
    values = USUAL if steady else st.integers(0, 10)
    raw = st.lists(st.tuples(steps, st.integers(0, lateness), values), min_size=size[0], max_size=size[1])
    log, found = T0, []
    for step, age, value in draw(raw):
        log += step * SECOND
        found.append((log, log - age * SECOND, float(value)))
    return found


def framed(data: st.DataObject, stream: Stream, lateness: int) -> tuple[list[tuple[int, tuple[Event, ...]]], set[int]]:
    """The log of a stream, and where to kill the engine."""
    frames = data.draw(logs(readings(stream)))
    frames[-1] = ((stream[-1][0] if stream else T0) + (END + lateness) * SECOND, ())
    return frames, data.draw(st.sets(st.integers(0, len(frames)), max_size=3))


def counted(kind: str, drawn: Drawn, values: Values) -> Counted:
    """What a kind that goes by one reading at a time makes of readings, and which levels hold then."""
    if kind in REPEATS:
        return REPEATS[kind][1]([always(test) for test in drawn.tests], values)
    return [
        (at, number, tuple(test(number) for test in drawn.tests) if truth is None else (truth,))
        for at, number, truth in KINDS[kind][1](values)
    ]


def moments_of(kind: str, drawn: Drawn, stream: Stream, lateness: int) -> list[Moment]:
    """What a kind that goes by one reading at a time judges, with W at the arrival that shows it."""
    arrived = {at: log for log, at, _ in reversed(stream) if (at, log) in _newest(stream)}
    found = []
    for at, number, truths in counted(kind, drawn, applied(stream)):
        shown = min((log for then, log in arrived.items() if then >= at), default=NEVER)
        found.append(Moment((at - T0) // SECOND, truths, number, (shown - T0) // SECOND - lateness))
    return found


def _newest(stream: Stream) -> set[tuple[int, int]]:
    """Time and arrival of the readings that are newer than all before them."""
    return {(at, log) for i, (log, at, _) in enumerate(stream) if all(at > one[1] for one in stream[:i])}


def expected_counts(frames: list[tuple[int, tuple[Event, ...]]]) -> tuple[int, int]:
    """Repeats, and readings older than the newest before them."""
    newest, repeats, disordered = -NEVER, 0, 0
    for _, lines in frames:
        for one in lines:
            assert isinstance(one, Reading)
            repeats, disordered = repeats + (one.at == newest), disordered + (one.at < newest)
            newest = max(newest, one.at)
    return repeats, disordered


SINGLE = [*KINDS, *REPEATS]
SHIFTED = 0.37
"""Bounds are off the numbers that are judged where those are no whole ones: rounding must not decide."""


def _shape(kind: str) -> Shape:
    if kind in REPEATS:
        return Shape(least=REPEATS[kind][2])
    return Shape(raises=bool(KINDS[kind][2]), shift=0.0 if kind == "threshold" else SHIFTED)


@pytest.mark.parametrize("kind", SINGLE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_kind_lives_as_the_naive_life_says(kind: str, data: st.DataObject) -> None:
    """Repeats, ticks and kills anywhere; what is out of order is skipped and counted."""
    drawn, (schedule, opened) = data.draw(rules(_shape(kind))), data.draw(minutes())
    lateness = 36_000 if kind == "geofence" else data.draw(st.sampled_from([0, 0, 7, 20]))
    stream = data.draw(arrivals(min(lateness, 20), steady=kind == "baseline"))
    frames, kills = framed(data, stream, lateness)
    text = (REPEATS[kind] if kind in REPEATS else KINDS[kind])[0]
    rule = f"{{id: r, {text}, {SCOPE}, lateness: {lateness}s, live_for: 1h, {drawn.text}{schedule}}}"
    counts: Counter[str] = Counter()
    found = told(run(rule, "ioc.readings.v1", frames, kills, counts))
    end = (frames[-1][0] - T0) // SECOND - lateness
    assert found == life(moments_of(kind, drawn, stream, lateness), drawn.terms._replace(opened=opened), end)
    if kind != "geofence":
        skipped = counts["ioc_rules_duplicates_total"], counts["ioc_rules_out_of_order_total"]
        assert skipped == expected_counts(frames)


@pytest.mark.parametrize("kind", WINDOWS)
@settings(max_examples=60, deadline=None)
@given(aggregate=st.sampled_from(sorted(AGGREGATES)), data=st.data())
def test_a_window_lives_as_the_naive_life_says(kind: str, aggregate: str, data: st.DataObject) -> None:
    """In whatever order the readings come within the lateness; repeats, ticks and kills anywhere."""
    fields, of, least = WINDOWS[kind]
    drawn, (schedule, opened) = data.draw(rules(Shape(shift=SHIFTED, least=least))), data.draw(minutes())
    lateness = data.draw(st.integers(0, 20))
    stream = data.draw(arrivals(lateness))
    frames, kills = framed(data, stream, lateness)
    window = f"window: {{{fields}, aggregate: {aggregate}}}"
    rule = f"{{id: r, kind: window, {SCOPE}, {window}, lateness: {lateness}s, {drawn.text}{schedule}}}"
    end = (frames[-1][0] - T0) // SECOND - lateness
    moments = [
        Moment((at - T0) // SECOND, tuple(test(number) for test in drawn.tests), number)
        for at, number, _ in of(aggregate, in_time(stream))
    ]
    terms = drawn.terms._replace(opened=opened)
    assert told(run(rule, "ioc.readings.v1", frames, kills)) == life(moments, terms, end)


def test_a_deadline_one_millisecond_before_a_windows_end_comes_before_the_window() -> None:
    """Both are due at W >= 40 s: a begin at 39.999 s, and a window that ends at 40 s and does not hold."""
    stream = [(T0 + at, T0 + at, value) for at, value in ((1_000, 9.0), (21_000, 0.0))]
    frames = [*((log, (event,)) for log, event in readings(stream)), (T0 + AFTER, ())]
    rule = f"{{id: r, kind: window, {SCOPE}, for: 19999ms, raise: {{above: 5}}, "
    rule += "window: {size: 20s, aggregate: sum}}"
    outputs = run(rule, "ioc.readings.v1", frames, set())
    edges = [(one.edge.value, one.at - T0) for one in outputs if isinstance(one, Condition)]
    assert edges == [("begin", 39_999), ("end", 40_000)]


def test_a_count_that_falls_by_itself_is_judged_with_the_newest_value() -> None:
    """The hours begin at 60 s. At 61 s the reading of 41 s falls out, at 70 s that of 50 s; the value is 2."""
    stream = [
        (T0 + at * SECOND, T0 + at * SECOND, v) for at, v in ((41, 9.0), (45, 9.0), (50, 6.0), (55, 6.0), (58, 2.0))
    ]
    frames = [*((log, (reading,)) for log, reading in readings(stream)), (T0 + AFTER, ())]
    rule = (
        f"{{id: r, kind: repeat, {SCOPE}, times: 2, within: 20s, raise: {{minor: {{above: 5}}, major: {{above: 8}}}}, "
    )
    rule += 'clear: {below: 4}, schedule: {when: "daily 08:01-08:05"}}'
    assert told(run(rule, "ioc.readings.v1", frames, set())) == [Edge("begin", 61, "minor"), Edge("end", 70, "minor")]
