"""A second evaluation of the kinds, written from rules/SEMANTICS.md: whole streams at once, no state, no timers.

Shares nothing with the engine. A stream is a list of (log, at, value) in ms, in log order; every reading comes less
than the lateness of 10 s after its time. Each function gives the edges (`begin` or `end`, at) of one condition with
one level and without any `for`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise

Reading = tuple[int, int, float]
Stream = list[Reading]
Edges = list[tuple[str, int]]
NEVER = 10**15


def edges(judged: Iterable[tuple[int, bool | None]]) -> Edges:
    """Begin when it becomes true, end when it becomes false; None changes nothing."""
    found: Edges = []
    active = False
    for at, holds in judged:
        if holds is not None and holds != active:
            active = holds
            found.append(("begin" if active else "end", at))
    return found


def applied(stream: Stream) -> list[tuple[int, float]]:
    """What a single-reading kind takes: readings newer than all before them in the log."""
    found: list[tuple[int, float]] = []
    for _, at, value in stream:
        if not found or at > found[-1][0]:
            found.append((at, value))
    return found


def in_time(stream: Stream) -> list[tuple[int, float]]:
    """What a windowed kind takes: all, by time; of two with one time the first in the log."""
    first: dict[int, float] = {}
    for _, at, value in stream:
        first.setdefault(at, value)
    return sorted(first.items())


def threshold(stream: Stream) -> Edges:
    return edges((at, value > 5) for at, value in applied(stream))


def in_range(stream: Stream) -> Edges:
    return edges((at, value < 2 or value > 8) for at, value in applied(stream))


def repeat_of(stream: Stream) -> Edges:
    """Two of the last three above 5."""
    values = applied(stream)
    return edges(
        (at, sum(value > 5 for _, value in values[max(0, i - 2) : i + 1]) >= 2) for i, (at, _) in enumerate(values)
    )


def repeat_within(stream: Stream) -> Edges:
    """Two above 5 in (t - 20 s, t], at every time at which that can change."""
    values = applied(stream)
    hits = [at for at, value in values if value > 5]
    times = sorted({at for at, _ in values} | {at + 20_000 for at in hits})
    return edges((t, sum(t - 20_000 < at <= t for at in hits) >= 2) for t in times)


def rate_readings(stream: Stream) -> Edges:
    """More than 2 in 10 s from one reading to the next."""
    values = applied(stream)
    return edges(
        (at, Fraction(value - old) / (at - before) * 10_000 > 2) for (before, old), (at, value) in pairwise(values)
    )


def rate_over(stream: Stream) -> Edges:
    """The oldest reading with at >= t - 20 s, when it is at least 10 s old."""
    values = applied(stream)
    found: list[tuple[int, bool | None]] = []
    for at, value in values:
        before, old = next(one for one in values if one[0] >= at - 20_000)
        span = at - before
        found.append((at, Fraction(value - old) / span * 10_000 > 2 if span >= 10_000 else None))
    return edges(found)


def rate_relative(stream: Stream) -> Edges:
    """More than 50 % of the older value's magnitude in 10 s from one reading to the next; of 0 there is no share."""
    found: list[tuple[int, bool | None]] = []
    for (before, old), (at, value) in pairwise(applied(stream)):
        share = Fraction(value - old) / Fraction(abs(old)) / (at - before) * 10_000 * 100 if old else None
        found.append((at, None if share is None else share > 50))
    return edges(found)


def rate_line(stream: Stream) -> Edges:
    """The slope of the line through at least four readings in (t - 40 s, t] above 1 in 10 s."""
    values = applied(stream)
    found: list[tuple[int, bool | None]] = []
    for at, _ in values:
        mine = [one for one in values if at - 40_000 < one[0] <= at]
        if len(mine) >= 4:
            slope = _slope([(Fraction(t), Fraction(value)) for t, value in mine]) * 10_000
            found.append((at, slope > 1))
    return edges(found)


def _slope(points: list[tuple[Fraction, Fraction]]) -> Fraction:
    t, v = (sum((point[axis] for point in points), Fraction(0)) / len(points) for axis in (0, 1))
    return sum(((a - t) * (b - v) for a, b in points), Fraction(0)) / sum((a - t) ** 2 for a, _ in points)


def jump(stream: Stream) -> Edges:
    """More than 3 from the reading before, at most 15 s ago."""
    values = applied(stream)
    before: list[tuple[int, float]] = [(-NEVER, 0.0), *values]
    return edges(
        (at, at - then <= 15_000 and abs(value - old) > 3)
        for (then, old), (at, value) in zip(before, values, strict=False)
    )


def flatline(stream: Stream) -> Edges:
    """Runs whose spread is at most 1: three readings over 10 s."""
    found: list[tuple[int, bool | None]] = []
    run: list[tuple[int, float]] = []
    for at, value in applied(stream):
        together = [old for _, old in run] + [value]
        run = [*run, (at, value)] if max(together) - min(together) <= 1 else [(at, value)]
        found.append((at, len(run) >= 3 and at - run[0][0] >= 10_000))
    return edges(found)


def baseline(stream: Stream) -> Edges:
    """|z| > 2 by median and MAD of the last day, of which one value in 30 s is kept and 30 are needed."""
    found: list[tuple[int, bool | None]] = []
    kept: list[tuple[int, float]] = []
    for at, value in applied(stream):
        day = [old for then, old in kept if then > at - 86_400_000]
        if len(day) >= 30:
            middle = statistics.median(day)
            mad = statistics.median([abs(old - middle) for old in day])
            found.append((at, abs(value - middle) / (1.4826 * mad) > 2 if mad else None))
        if not kept or at - kept[-1][0] >= 30_000:
            kept.append((at, value))
    return edges(found)


def sliding(stream: Stream) -> Edges:
    """The sum of (t - 20 s, t] above 12, at each reading and when one leaves."""
    values = in_time(stream)
    times = sorted({at for at, _ in values} | {at + 20_000 for at, _ in values})
    return edges((t, sum(value for at, value in values if t - 20_000 < at <= t) > 12) for t in times)


def session(stream: Stream) -> Edges:
    """More than two readings without a gap above 10 s between them, at the last one."""
    sessions: list[list[int]] = []
    for at, _ in in_time(stream):
        if sessions and at - sessions[-1][-1] <= 10_000:
            sessions[-1].append(at)
        else:
            sessions.append([at])
    return edges((times[-1], len(times) > 2) for times in sessions)


def count(stream: Stream) -> Edges:
    """The mean of every three readings above 5, at the third."""
    values = in_time(stream)
    threes = [values[i : i + 3] for i in range(0, len(values) - 2, 3)]
    return edges((three[-1][0], sum(value for _, value in three) > 15) for three in threes)


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


def geofence(stream: Stream) -> Edges:
    """Inside from 5 on; two positions in a row confirm, at the first of them."""
    sides = [(at, value >= 5) for at, value in applied(stream)]
    changes: list[tuple[int, bool | None]] = []
    confirmed: bool | None = None
    for (at, side), (_, following) in pairwise(sides):
        if side == following and side != confirmed:
            confirmed = side
            changes.append((at, side))
    return edges(changes)


NAIVE: dict[str, tuple[str, Callable[[Stream], Edges]]] = {
    "threshold": ("kind: threshold, raise: {above: 5}", threshold),
    "range": ("kind: range, range: [2, 8]", in_range),
    "repeat of": ("kind: repeat, raise: {above: 5}, times: 2, of: 3", repeat_of),
    "repeat within": ("kind: repeat, raise: {above: 5}, times: 2, within: 20s", repeat_within),
    "rate readings": ("kind: rate, raise: {above: 2}, per: 10s, readings: 1", rate_readings),
    "rate over": ("kind: rate, raise: {above: 2}, per: 10s, over: 20s", rate_over),
    "rate relative": ("kind: rate, raise: {above: 50}, per: 10s, readings: 1, relative: true", rate_relative),
    "rate line": ("kind: rate, raise: {above: 1}, per: 10s, over: 40s, method: least_squares", rate_line),
    "jump": ("kind: jump, limit: 3, within: 15s", jump),
    "flatline": ("kind: flatline, n: 3, over: 10s, eps: 1", flatline),
    "baseline": ("kind: baseline, z: 2", baseline),
    "sliding": ("kind: window, raise: {above: 12}, window: {type: sliding, size: 20s, aggregate: sum}", sliding),
    "session": ("kind: window, raise: {above: 2}, window: {type: session, gap: 10s, aggregate: count}", session),
    "count": ("kind: window, raise: {above: 5}, window: {type: count, size: 3, aggregate: mean}", count),
    "sequence": (
        "kind: sequence, first: {above: 7}, then: {below: 3}, not_between: {equals: 5}, within: 20s",
        sequence,
    ),
    "geofence": (
        "kind: geofence, event: enter, polygon: [[5, -1], [20, -1], [20, 1], [5, 1]]",
        geofence,
    ),
}
"""Every kind: its rule, and what it comes to."""
