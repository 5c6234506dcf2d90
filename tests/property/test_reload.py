"""A rule or device that changes in mid-stream, against the naive life that knows the change's place in the log.

Ticks, packed lines, redeliveries and kills anywhere. A change that costs the state makes the rule one that comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.naive_kinds import KINDS, NEVER, REPEATS, WINDOWS, Stream, TimedTest, applied, in_time
from tests.property.naive_life import Moment
from tests.property.reloads import Judged, Log, Step, Test, catalogue, expected, placed, play, steps
from tests.property.test_kinds import T0, readings
from tests.property.test_life import END, SECOND, SINGLE, arrivals, told

Tests = Callable[[int], list[Test]]
"""The tests of the two levels for a reading at a time (ms)."""
BEFORE_ALL = -1000


def second(at: int) -> int:
    """Seconds after T0."""
    return (at - T0) // SECOND


def position(before: list[Moment], watermark: float) -> int:
    """The first second that is neither judged nor behind the W (ms) that was there before the change."""
    passed = math.ceil((watermark - T0) / SECOND) if watermark > 0 else BEFORE_ALL
    return max([passed, *(one.at + 1 for one in before)])


def _tests(step: Step, newest: int) -> Tests:
    """The levels' tests: readings up to `newest` (ms) came before the change."""
    old, new = ((one or step.new or step.old) for one in (step.old, step.new))
    assert old is not None
    assert new is not None
    return lambda at: old.tests() if at <= newest else new.tests()


def _level(tests: Tests, number: int) -> TimedTest:
    return lambda at, value: tests(at)[number](value)


def _moments(kind: str, tests: Tests, stream: Stream, lateness: int) -> list[Moment]:
    """What a kind that goes reading by reading judges, with W at the arrival that shows it."""
    values = applied(stream)
    arrived: dict[int, int] = {}
    for log, at, _ in stream:
        arrived.setdefault(at, log)
    shown = [(at, arrived[at]) for at, _ in values]
    if kind in REPEATS:
        judged = REPEATS[kind][1]([_level(tests, number) for number in (0, 1)], values)
    else:
        judged = [
            (at, number, tuple(test(number) for test in tests(at)) if truth is None else (truth,))
            for at, number, truth in KINDS[kind][1](values)
        ]
    return [
        Moment(
            second(at),
            truths,
            number,
            second(min((log for then, log in shown if then >= at), default=NEVER)) - lateness,
        )
        for at, number, truths in judged
    ]


def judged_single(kind: str, step: Step, log: Log, lateness: int) -> Judged:
    """What a kind judges before and after a change; one whose count falls by itself also behind W."""
    early, late = log.streams()
    newest = max((at for _, at, _ in early), default=-NEVER)
    tests = _tests(step, newest)
    watermark = log.last - lateness * SECOND
    whole, fresh = (_moments(kind, tests, part, lateness) for part in ([*early, *late], late))
    first = _moments(kind, tests, early, lateness)
    if kind in REPEATS:
        first = [one for one in first if one.at <= second(newest) or T0 + one.at * SECOND < watermark]
    return Judged(
        first,
        whole[len(first) :],
        _moments(kind, _tests(step, -NEVER), late, lateness) if fresh else [],
        position(first, watermark),
    )


@pytest.mark.parametrize("kind", SINGLE)
@settings(max_examples=40, deadline=None)
@given(step=steps(), data=st.data())
def test_a_kind_that_changes_lives_as_the_naive_life_says(kind: str, step: Step, data: st.DataObject) -> None:
    lateness = 36_000 if kind == "geofence" else data.draw(st.sampled_from([0, 0, 7, 20]))
    stream = data.draw(arrivals(min(lateness, 20), steady=kind == "baseline"))
    log: Log = data.draw(placed(readings(stream), END + lateness))
    fields, raises, least = _kind(kind)
    old, new = (one and one.text(fields, lateness, raises) for one in (step.old, step.new))
    outputs = play("ioc.readings.v1", *catalogue(old, new, step.devices), log)
    judged = judged_single(kind, step, log, lateness)
    end = second(log.frames[-1][0]) - lateness
    assert told(outputs) == expected(step, judged, second(log.log), end, least, raises)


def _kind(kind: str) -> tuple[str, bool, int]:
    """Its fields, whether it has levels, how long a value holds at least (s)."""
    if kind in REPEATS:
        return REPEATS[kind][0], True, REPEATS[kind][2]
    return KINDS[kind][0], bool(KINDS[kind][2]), 0


def judged_window(kind: str, aggregate: str, step: Step, log: Log, lateness: int) -> Judged:
    """What a window judges behind W: a session when the gap has passed, too."""
    early, late = log.streams()
    watermark = log.last - lateness * SECOND
    fresh = log.in_time(lateness)

    def is_before(at: int) -> bool:
        return (
            at <= watermark
            if kind in ("tumbling", "hopping")
            else at + (10_000 if kind == "session" else 0) < watermark
        )

    def moments(stream: Stream, of: Callable[[int], bool], tests: list[Test]) -> list[Moment]:
        judged = WINDOWS[kind][1](aggregate, in_time(stream))
        return [Moment(second(at), tuple(t(v) for t in tests), v) for at, v, _ in judged if of(at)]

    old, new = _tests(step, 0)(0), _tests(step, 0)(1)
    first = moments(early, is_before, old)
    rest = moments([*early, *late], lambda at: not is_before(at), new)
    start = position(first, watermark)
    if kind == "session":
        taken = [at for _, at, _ in early if at < watermark]
        if taken and not is_before(max(taken)):
            start = position(first, max(taken))
    return Judged(first, rest, moments(fresh, lambda _: True, new), start)


@pytest.mark.parametrize("kind", WINDOWS)
@settings(max_examples=40, deadline=None)
@given(step=steps(), lateness=st.sampled_from([0, 0, 7, 20]), data=st.data())
def test_a_window_that_changes_lives_as_the_naive_life_says(
    kind: str, step: Step, lateness: int, data: st.DataObject
) -> None:
    """A change that costs the state costs the readings before it, too; any other lets the open window go on."""
    fields, _, least = WINDOWS[kind]
    aggregate = data.draw(st.sampled_from(["mean", "sum", "count", "max", "increase"]))
    log: Log = data.draw(placed(readings(data.draw(arrivals(lateness))), END + lateness))
    text = f"kind: window, window: {{{fields}, aggregate: {aggregate}}}"
    old, new = (one and one.text(text, lateness) for one in (step.old, step.new))
    outputs = play("ioc.readings.v1", *catalogue(old, new, step.devices), log)
    judged = judged_window(kind, aggregate, step, log, lateness)
    end = second(log.frames[-1][0]) - lateness
    assert told(outputs) == expected(step, judged, second(log.log), end, least)
