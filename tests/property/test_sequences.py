"""Sequence, geofence and forecast with all that they can be told, against naive evaluations."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.property.naive_kinds import Edges, Stream, Values, applied, edges, in_time
from tests.property.test_kinds import T0, logs, readings, run, told
from tests.property.test_life import SCOPE, SECOND, arrivals

LATENESS = 20


def sequences(values: Values, within: int, hold: int, restart: bool, between: bool) -> Edges:
    """Above 7, then below 3; with 5 forbidden between them or not. Every second looks for its first in the past."""
    seconds: list[int] = []
    used: set[int] = set()
    for then, low in values:
        firsts = [at for at, high in values if high > 7 and at < then]
        firsts = firsts[-1:] if restart else firsts
        for first in firsts:
            forbidden = between and any(number == 5 for at, number in values if first < at < then)
            if low < 3 and first not in used and then - first <= within and not forbidden:
                used.add(first)
                seconds.append(then)
                break
    found: Edges = []
    for number, then in enumerate(seconds):
        if not found or found[-1][0] == "end":
            found.append(("begin", then))
        held = [later for later in seconds[number + 1 :] if hold and later <= then + hold]
        if not held:
            found.append(("end", then + hold))
    return found


@settings(max_examples=100, deadline=None)
@given(
    stream=arrivals(LATENESS),
    within=st.sampled_from([5, 8, 12, 25]),
    hold=st.sampled_from([0, 0, 5, 15, 60]),
    restart=st.booleans(),
    between=st.booleans(),
    data=st.data(),
)
def test_a_sequence_is_what_a_naive_evaluation_says(
    stream: Stream, within: int, hold: int, restart: bool, between: bool, data: st.DataObject
) -> None:
    """Out of order within the lateness; a hold is renewed by a second up to its end."""
    frames = data.draw(logs(readings(stream)))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, kind: sequence, {SCOPE}, lateness: {LATENESS}s, first: {{above: 7}}, then: {{below: 3}}, "
    rule += f"within: {within}s, hold: {hold}s, restart: {str(restart).lower()}"
    rule += ", not_between: {equals: 5}}" if between else "}"
    found = told(run(rule, "ioc.readings.v1", frames, kills))
    assert found == sequences(in_time(stream), within * SECOND, hold * SECOND, restart, between)


def _sides(values: Values, confirm: int) -> list[tuple[int, bool, int]]:
    """The confirmed sides: since when, inside or not, and when the position that confirms it came."""
    sides = [(at, number >= 5) for at, number in values]
    found: list[tuple[int, bool, int]] = []
    for index in range(confirm - 1, len(sides)):
        run_ = sides[index - confirm + 1 : index + 1]
        alike = {side for _, side in run_}
        if len(alike) == 1 and (not found or found[-1][1] != run_[0][1]):
            found.append((run_[0][0], run_[0][1], sides[index][0]))
    return found


def fence(values: Values, confirm: int, event: str, dwell: int, end: int) -> Edges:
    """Enter: inside; leave: outside after having been inside; dwell: inside for so long."""
    sides = _sides(values, confirm)
    if event == "dwell":
        found: Edges = []
        for (since, side, _), following in zip(sides, [*sides[1:], (end, False, end)], strict=False):
            stays = following[0] if following[0] == end else max(at for at, _ in values if at < following[0])
            if side and since + dwell <= stays:
                found += [("begin", since + dwell), ("end", following[0])]
        return found[:-1] if found and found[-1] == ("end", end) else found
    if event == "leave":
        inside = [side for _, side, _ in sides].index(True) if any(side for _, side, _ in sides) else len(sides)
        return edges((since, number > inside and not side) for number, (since, side, _) in enumerate(sides))
    return edges((since, side) for since, side, _ in sides)


@settings(max_examples=150, deadline=None)
@given(
    stream=arrivals(LATENESS),
    confirm=st.integers(1, 4),
    event=st.sampled_from(["enter", "leave", "dwell"]),
    dwell=st.integers(1, 40),
    data=st.data(),
)
def test_a_geofence_is_what_a_naive_evaluation_says(
    stream: Stream, confirm: int, event: str, dwell: int, data: st.DataObject
) -> None:
    """Positions in order or not, those out of order skipped. With so long a lateness only positions make edges."""
    frames = data.draw(logs(readings(stream)))
    end = T0 + 100_000 * SECOND
    frames[-1] = (end, ())
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, kind: geofence, {SCOPE}, lateness: 24h, live_for: 48h, stale_after: 48h, event: {event}, "
    rule += f"confirm: {confirm}, polygon: [[5, -1], [20, -1], [20, 1], [5, 1]]"
    rule += f", dwell: {dwell}s}}" if event == "dwell" else "}"
    found = told(run(rule, "ioc.readings.v1", frames, kills))
    assert found == fence(applied(stream), confirm, event, dwell * SECOND, end)


STUDENT_95 = [2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746]
"""NIST/SEMATECH e-Handbook, 1.3.6.7.2: the 95 % quantile at 2, 3, .. degrees of freedom."""
OVER, HORIZON, LEVEL = 120_000, 60_000, 9.37
_FAR = [sign * 10.0**power for power in range(3, 16) for sign in (-1, 1)]


def near(values: Values, at: int, factor: float, sign: int) -> bool | None:
    """Whether the line of (t - T, t] may reach the level within the horizon; None without a line.

    Looks at every second from now on whether the level lies inside the line's confidence band, or the line has crossed
    it; `factor` widens the band. A band that holds the level at every time says nothing.
    """
    mine = [(then - at, number) for then, number in values if at - OVER < then <= at]
    if len(mine) < 4 or mine[-1][0] - mine[0][0] < 0.8 * OVER:
        return None
    n = len(mine)
    t, v = sum(then for then, _ in mine) / n, sum(number for _, number in mine) / n
    spread = sum((then - t) ** 2 for then, _ in mine)
    slope = sum((then - t) * (number - v) for then, number in mine) / spread
    assume(n - 4 < len(STUDENT_95) - 2 and abs(slope) * OVER > 1e-6)
    error = math.sqrt(sum((number - v - slope * (then - t)) ** 2 for then, number in mine) / (n - 2))

    def gap(ahead: float) -> float:
        return (LEVEL - v - slope * (ahead - t)) * sign

    def inside(ahead: float) -> bool:
        band = STUDENT_95[n - 4] * error * math.sqrt(1 / n + (ahead - t) ** 2 / spread)
        return abs(gap(ahead)) <= band * factor

    if slope * sign <= 0 or gap(0) <= 0 or all(inside(ahead) for ahead in (*_FAR, t, *range(-OVER, OVER, 1000))):
        return False
    return any(inside(ahead) or gap(ahead) <= 0 for ahead in range(0, HORIZON + 1, 1000))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(stream=arrivals(0), sign=st.sampled_from([1, -1]), drift=st.sampled_from([0.2, 0.5, 1.0]), data=st.data())
def test_a_forecast_is_what_looking_at_every_second_ahead_says(
    stream: Stream, sign: int, drift: float, data: st.DataObject
) -> None:
    """A drift and noise; falling: the mirror image. Where one hundredth of the band decides, it is left out."""
    stream = [(log, at, drift * n + number / 4) for n, (log, at, number) in enumerate(stream)]
    if sign < 0:
        stream = [(log, at, 2 * LEVEL - number) for log, at, number in stream]
    values = applied(stream)
    narrow, wide = ([near(values, at, factor, sign) for at, _ in values] for factor in (0.99, 1.01))
    assume(narrow == wide)
    frames = data.draw(logs(readings(stream)))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    rule = f"{{id: r, kind: forecast, {SCOPE}, level: {LEVEL}, horizon: 60s, over: 120s, lateness: 1s, "
    rule += f"direction: {'rising' if sign > 0 else 'falling'}}}"
    found = told(run(rule, "ioc.readings.v1", frames, kills))
    assert found == edges(zip((at for at, _ in values), wide, strict=True))
