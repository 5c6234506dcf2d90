"""A second evaluation of the kinds, written from rules/SEMANTICS.md: whole streams at once, no state, no timers.

Shares nothing with the engine. A stream is a list of (log, at, value) in ms, in log order; every reading comes less
than the lateness of 10 s after its time. Each kind says what it judges, and when; `edges` makes of that the edges
(`begin` or `end`, at) of one condition with one level and no `for`; all else of a life is in naive_life.py.
"""

from __future__ import annotations

import cmath
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise

Reading = tuple[int, int, float]
Stream = list[Reading]
Values = list[tuple[int, float]]
"""Readings as a kind takes them: time in ms and value, in order of time."""
Judgement = tuple[int, float | None, bool | None]
"""Time, the number that is compared, and the kind's own answer where it is not the rule's levels that give it."""
Judged = list[Judgement]
Counted = list[tuple[int, float | None, tuple[bool, ...]]]
"""Time, the newest value, and for each level whether it holds."""
Edges = list[tuple[str, int]]
Test = Callable[[float | None], bool]
TimedTest = Callable[[int, float | None], bool]
"""A test of a reading at a time (ms): a rule may change in mid-stream."""
NEVER = 10**15


def always(test: Test) -> TimedTest:
    """The same test at any time."""
    return lambda _, number: test(number)


def edges(judged: Iterable[tuple[int, bool | None]]) -> Edges:
    """Begin when it becomes true, end when it becomes false; None changes nothing."""
    found: Edges = []
    active = False
    for at, holds in judged:
        if holds is not None and holds != active:
            active = holds
            found.append(("begin" if active else "end", at))
    return found


def applied(stream: Stream) -> Values:
    """What a single-reading kind takes: readings newer than all before them in the log."""
    found: list[tuple[int, float]] = []
    for _, at, value in stream:
        if not found or at > found[-1][0]:
            found.append((at, value))
    return found


def in_time(stream: Stream) -> Values:
    """What a windowed kind takes: all, by time; of two with one time the first in the log."""
    first: dict[int, float] = {}
    for _, at, value in stream:
        first.setdefault(at, value)
    return sorted(first.items())


def judged(at: int, number: float | Fraction | None, truth: bool | None = None) -> Judgement:
    """A number to be compared, or the kind's own answer."""
    return (at, None if number is None else float(number), truth)


def value(values: Values) -> Judged:
    """The reading's own value."""
    return [judged(at, number) for at, number in values]


def in_range(values: Values) -> Judged:
    return [judged(at, number, number < 2 or number > 8) for at, number in values]


def rate_readings(values: Values) -> Judged:
    """Change in 10 s from one reading to the next."""
    return [judged(at, Fraction(now - old) / (at - then) * 10_000) for (then, old), (at, now) in pairwise(values)]


def rate_over(values: Values) -> Judged:
    """Since the oldest reading with at >= t - 20 s, when it is at least 10 s old."""
    found: Judged = []
    for at, now in values:
        then, old = next(one for one in values if one[0] >= at - 20_000)
        if at - then >= 10_000:
            found.append(judged(at, Fraction(now - old) / (at - then) * 10_000))
    return found


def rate_relative(values: Values) -> Judged:
    """In percent of the older value's magnitude, in 10 s, from one reading to the next; of 0 there is no share."""
    return [
        judged(at, Fraction(now - old) / Fraction(abs(old)) / (at - then) * 10_000 * 100)
        for (then, old), (at, now) in pairwise(values)
        if old
    ]


def rate_line(values: Values) -> Judged:
    """The slope of the line through at least four readings in (t - 40 s, t], in 10 s."""
    found: Judged = []
    for at, _ in values:
        mine = [one for one in values if at - 40_000 < one[0] <= at]
        if len(mine) >= 4:
            found.append(judged(at, _slope([(Fraction(t), Fraction(number)) for t, number in mine]) * 10_000))
    return found


def _slope(points: list[tuple[Fraction, Fraction]]) -> Fraction:
    t, v = (sum((point[axis] for point in points), Fraction(0)) / len(points) for axis in (0, 1))
    return sum(((a - t) * (b - v) for a, b in points), Fraction(0)) / sum((a - t) ** 2 for a, _ in points)


def jump(values: Values) -> Judged:
    """More than 3 from the reading before, at most 15 s ago."""
    found: Judged = []
    before: Values = [(-NEVER, 0.0), *values]
    for (then, old), (at, now) in zip(before, values, strict=False):
        near = at - then <= 15_000
        found.append(judged(at, abs(now - old) if near else None, near and abs(now - old) > 3))
    return found


def flatline(values: Values) -> Judged:
    """Runs whose spread is at most 1: three readings over 10 s."""
    found: Judged = []
    run: Values = []
    for at, now in values:
        together = [old for _, old in run] + [now]
        run = [*run, (at, now)] if max(together) - min(together) <= 1 else [(at, now)]
        found.append(judged(at, now, len(run) >= 3 and at - run[0][0] >= 10_000))
    return found


def baseline(values: Values) -> Judged:
    """z by median and MAD of the last day, of which one value in 30 s is kept and 30 are needed; |z| > 2."""
    found: Judged = []
    kept: Values = []
    for at, now in values:
        day = [old for then, old in kept if then > at - 86_400_000]
        if len(day) >= 30:
            middle = statistics.median(day)
            mad = statistics.median([abs(old - middle) for old in day])
            if mad:
                z = (now - middle) / (1.4826 * mad)
                found.append(judged(at, z, abs(z) > 2))
        if not kept or at - kept[-1][0] >= 30_000:
            kept.append((at, now))
    return found


def geofence(values: Values) -> Judged:
    """Inside from 5 on; two positions in a row confirm a change, at the first of them."""
    found: Judged = []
    sides = [(at, now >= 5) for at, now in values]
    confirmed: bool | None = None
    for index, (at, side) in enumerate(sides):
        if side == confirmed:
            found.append(judged(at, None, side))
        elif index and sides[index - 1][1] == side:
            confirmed = side
            found += [judged(sides[index - 1][0], None, side), judged(at, None, side)]
    return found


def sliding(aggregate: str, values: Values) -> Judged:
    """(t - 20 s, t], at each reading and when one leaves."""
    times = sorted({at for at, _ in values} | {at + 20_000 for at, _ in values})
    return _aggregated(aggregate, values, [(t, t - 20_000, t) for t in times])


def clock(size: int, every: int, aggregate: str, values: Values) -> Judged:
    """[kE - S, kE), from the first one that holds a reading on until an hour after the last."""
    if not values:
        return []
    first = values[0][0] // every * every + every
    ends = range(first, values[-1][0] + 3_700_000, every)
    return _aggregated(aggregate, values, [(end, end - size - 1, end - 1) for end in ends])


def session(aggregate: str, values: Values) -> Judged:
    """Readings without a gap above 10 s between them, at the last one."""
    windows: list[tuple[int, int]] = []
    for at, _ in values:
        if windows and at - windows[-1][1] <= 10_000:
            windows[-1] = (windows[-1][0], at)
        else:
            windows.append((at, at))
    return _aggregated(aggregate, values, [(last, first - 1, last) for first, last in windows])


def count(aggregate: str, values: Values) -> Judged:
    """Every three readings, at the third."""
    threes = [values[i : i + 3] for i in range(0, len(values) - 2, 3)]
    return _aggregated(aggregate, values, [(three[2][0], three[0][0] - 1, three[2][0]) for three in threes])


def _aggregated(aggregate: str, values: Values, windows: list[tuple[int, int, int]]) -> Judged:
    """The aggregate of (after, upto] at each time; a window without a value is left out."""
    found: Judged = []
    for t, after, upto in windows:
        mine = [number for at, number in values if after < at <= upto]
        before = [number for at, number in values if at <= after]
        number = _increase(before[-1:] + mine) if aggregate == "increase" and mine else AGGREGATES[aggregate](mine)
        if number is not None:
            found.append(judged(t, number))
    return found


def _increase(counter: list[float]) -> float:
    """The steps of a counter; a fall is a restart from 0."""
    return float(sum(now - old if now >= old else now for old, now in pairwise(counter)))


def _leq(values: list[float]) -> float:
    return 10 * math.log10(sum(10 ** (one / 10) for one in values) / len(values))


def _direction(values: list[float]) -> float | None:
    """The angle of the sum of unit vectors; none when they cancel."""
    total = sum(cmath.exp(1j * math.radians(one)) for one in values)
    return math.degrees(cmath.phase(total)) % 360 if abs(total) > 1e-9 * len(values) else None


AGGREGATES: dict[str, Callable[[list[float]], float | None]] = {
    "count": lambda values: float(len(values)),
    "sum": lambda values: float(sum(map(Fraction, values))),
    "mean": lambda values: float(sum(map(Fraction, values))) / len(values) if values else None,
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "last": lambda values: values[-1] if values else None,
    "p95": lambda values: sorted(values)[math.ceil(0.95 * len(values)) - 1] if values else None,
    "distinct": lambda values: float(len(set(values))) if values else None,
    "stddev": lambda values: statistics.stdev(values) if len(values) > 1 else None,
    "leq": lambda values: _leq(values) if values else None,
    "vector_mean": lambda values: _direction(values) if values else None,
    "increase": lambda values: None,
}


def repeat_of(tests: Sequence[TimedTest], values: Values) -> Counted:
    """Two of the last three, for each level."""
    return [
        (at, now, tuple(sum(test(*one) for one in values[max(0, i - 2) : i + 1]) >= 2 for test in tests))
        for i, (at, now) in enumerate(values)
    ]


def repeat_within(tests: Sequence[TimedTest], values: Values) -> Counted:
    """Two in (t - 20 s, t], for each level, at every reading and when one falls out that was needed."""

    def counts(t: int) -> list[int]:
        return [sum(test(at, now) for at, now in values if t - 20_000 < at <= t) for test in tests]

    falls = {at + 20_000 for at, _ in values if _falls(counts(at + 19_999), counts(at + 20_000))}
    found: Counted = []
    for t in sorted({at for at, _ in values} | falls):
        newest = [now for at, now in values if at <= t][-1]
        found.append((t, newest, tuple(number >= 2 for number in counts(t))))
    return found


def _falls(before: list[int], after: list[int]) -> bool:
    return any(old >= 2 > new for old, new in zip(before, after, strict=True))


def sequence(stream: Stream) -> Edges:
    """Above 7, then below 3 in at most 20 s, with no 5 strictly between; the oldest first one is used up."""
    values = in_time(stream)
    used: set[int] = set()
    found: Edges = []
    for then, value in values:
        if value < 3:
            for first, high in values:
                between = [v for at, v in values if first < at < then]
                if high > 7 and first not in used and 0 < then - first <= 20_000 and 5 not in between:
                    used.add(first)
                    found += [("begin", then), ("end", then)]
                    break
    return found


def _above(bound: float, values: Judged) -> Edges:
    return edges((at, (number or 0.0) > bound if truth is None else truth) for at, number, truth in values)


def _one(bound: float, of: Callable[[Values], Judged], taken: Callable[[Stream], Values]) -> Callable[[Stream], Edges]:
    return lambda stream: _above(bound, of(taken(stream)))


def _repeat(name: str) -> tuple[str, Callable[[Stream], Edges]]:
    text, of, _ = REPEATS[name]

    def above(_: int, now: float | None) -> bool:
        return now is not None and now > 5

    naive = lambda stream: edges((at, truths[0]) for at, _, truths in of([above], applied(stream)))  # noqa: E731
    return text + ", raise: {above: 5}", naive


KINDS: dict[str, tuple[str, Callable[[Values], Judged], str]] = {
    "threshold": ("kind: threshold", value, "above: 5"),
    "range": ("kind: range, range: [2, 8]", in_range, ""),
    "rate readings": ("kind: rate, per: 10s, readings: 1", rate_readings, "above: 2"),
    "rate over": ("kind: rate, per: 10s, over: 20s", rate_over, "above: 2"),
    "rate relative": ("kind: rate, per: 10s, readings: 1, relative: true", rate_relative, "above: 50"),
    "rate line": ("kind: rate, per: 10s, over: 40s, method: least_squares", rate_line, "above: 1"),
    "jump": ("kind: jump, limit: 3, within: 15s", jump, ""),
    "flatline": ("kind: flatline, n: 3, over: 10s, eps: 1", flatline, ""),
    "baseline": ("kind: baseline, z: 2", baseline, ""),
    "geofence": ("kind: geofence, event: enter, polygon: [[5, -1], [20, -1], [20, 1], [5, 1]]", geofence, ""),
}
"""Kinds that go by one reading at a time: rule without `raise`, what it judges, a bound for it."""
REPEATS: dict[str, tuple[str, Callable[[Sequence[TimedTest], Values], Counted], int]] = {
    "repeat of": ("kind: repeat, times: 2, of: 3", repeat_of, 0),
    "repeat within": ("kind: repeat, times: 2, within: 20s", repeat_within, 20),
}
"""Rule without `raise`, what it judges by the levels' tests, how long a count holds at least (s)."""
WINDOWS: dict[str, tuple[str, Callable[[str, Values], Judged], int]] = {
    "tumbling": ("size: 20s", partial(clock, 20_000, 20_000), 20),
    "hopping": ("type: hopping, size: 20s, every: 5s", partial(clock, 20_000, 5_000), 5),
    "sliding": ("type: sliding, size: 20s", sliding, 20),
    "session": ("type: session, gap: 10s", session, NEVER),
    "count": ("type: count, size: 3", count, 0),
}
"""Windows: fields without the aggregate, what they judge, how long an aggregate holds at least (s)."""


def _window(name: str, aggregate: str, bound: float) -> tuple[str, Callable[[Stream], Edges]]:
    fields, of, _ = WINDOWS[name]
    text = f"kind: window, raise: {{above: {bound}}}, window: {{{fields}, aggregate: {aggregate}}}"
    return text, _one(bound, partial(of, aggregate), in_time)


def _single(name: str) -> tuple[str, Callable[[Stream], Edges]]:
    text, of, raised = KINDS[name]
    bound = float(raised.removeprefix("above: ") or 0)
    return (f"{text}, raise: {{{raised}}}" if raised else text), _one(bound, of, applied)


NAIVE: dict[str, tuple[str, Callable[[Stream], Edges]]] = {
    **{name: _single(name) for name in KINDS},
    **{name: _repeat(name) for name in REPEATS},
    "sliding": _window("sliding", "sum", 12),
    "session": _window("session", "count", 2),
    "count": _window("count", "mean", 5),
    "sequence": (
        "kind: sequence, first: {above: 7}, then: {below: 3}, not_between: {equals: 5}, within: 20s",
        sequence,
    ),
}
"""Every kind: its rule, and what it comes to."""
