"""The formulas of `derive` against naive evaluations from their sources: hours, days, moments; kills anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core import events
from pipeline.core.catalogue import Device, DeviceType, Kind
from pipeline.core.events import Event
from pipeline.core.machine import CatalogueChange
from tests.property.naive_formulas import (
    HOUR,
    KNOTS,
    Reading,
    daily,
    half_up,
    heat_index,
    hourly,
    hours_of,
    midnights,
    nesterov,
)
from tests.property.test_kinds import T0, run

LATENESS = 10_000
PERIOD = 900
"""Seconds: four readings an hour; three are just enough."""


ORDER = ["pm10", "pm2_5", "so2", "co", "no2", "o3"].index


def derived(formula: str, readings: Sequence[Reading], typed: bool, data: st.DataObject) -> dict[int, object]:
    """What the rule makes of readings that come up to 9 s after their time, by its time."""
    log, frames = readings[0][0], list[tuple[int, tuple[Event, ...]]]()
    for at, name, value in readings:
        log = max(log, at + data.draw(st.sampled_from([0, 0, 9_000])))
        reading: Event = events.Reading(device="d", quantity=name, at=at, value=value)
        frames.append((log, (reading, reading) if at % 7 == 0 else (reading,)))
    frames.append((log + 60 * HOUR, ()))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=2))
    device = Device(id="d", type="t", site="s", attributes={"capacity": 800})
    known = [CatalogueChange(0, Kind.DEVICE, "d", device)]
    if typed:
        known.append(CatalogueChange(0, Kind.TYPE, "t", DeviceType(id="t", period_s=PERIOD, delay_s=LATENESS / 1000)))
    rule = f"{{id: r, kind: derive, scope: {{devices: [d]}}, stale_after: 10m, formula: {formula}}}"
    outputs = run(rule, "ioc.readings.v1", frames, kills, known=known)
    found = [(one.at, one.text or one.value) for one in outputs if isinstance(one, events.Reading)]
    assert len(found) == len(dict(found))
    return dict(found)


def _value(name: str) -> st.SearchStrategy[float]:
    knots = KNOTS[name]
    return st.one_of(st.sampled_from(knots[:6]), st.integers(0, knots[3]), st.integers(0, knots[-1] * 2)).map(float)


@st.composite
def _missing(draw: st.DrawFn) -> set[int]:
    """Hours of one day without readings: none, as many as may be missing, or one more; in a row or not."""
    count, start, stride = (
        draw(st.sampled_from([0, 0, 2, 3, 6, 7])),
        draw(st.integers(0, 23)),
        draw(st.sampled_from([1, 5])),
    )
    return {(start + number * stride) % 24 for number in range(count)}


@st.composite
def air(draw: st.DrawFn, names: Sequence[str], days: int, typed: bool) -> list[Reading]:
    """Readings of pollutants from T0 on, 16 hours before midnight; with a declared period some hours lack one of three.

    The first pollutant is often so little that the others decide.
    """
    found: list[Reading] = []
    for name in names:
        missing = {24 * day + hour for day in range(days) for hour in draw(_missing())}
        scale = draw(st.sampled_from([1, 16])) if name == names[0] else 1
        values, steady = draw(st.lists(_value(name), min_size=3, max_size=12)), draw(st.sampled_from([1, 6, 9]))
        for hour in sorted({*range(24 * days - 8)} - missing):
            value = values[hour // steady % len(values)] / scale
            count = 3 if not typed or hour % 31 else 2
            found += [(T0 + hour * HOUR + number * 1_000_003, name, value + number) for number in range(count)]
    return sorted(found)


_gases = st.lists(st.sampled_from(["o3", "so2", "co", "no2"]), min_size=1, max_size=2, unique=True)
_names = st.tuples(st.sampled_from(["pm10", "pm10", "pm2_5", "so2"]), _gases).map(
    lambda one: sorted({one[0], *one[1]}, key=ORDER)
)


@settings(max_examples=30, deadline=None)
@given(names=_names, typed=st.booleans(), data=st.data())
def test_the_daily_index_is_what_a_naive_evaluation_says(names: list[str], typed: bool, data: st.DataObject) -> None:
    readings = data.draw(air(names, 3, typed))
    hours = hours_of(readings, 3 if typed else 1)
    naive = {end: daily(hours, end) for end in midnights(readings)}
    expected = {end * HOUR: half_up(value) for end, value in naive.items() if value is not None}
    assert derived("vn_aqi_day", readings, typed, data) == expected


@settings(max_examples=30, deadline=None)
@given(names=_names, typed=st.booleans(), data=st.data())
def test_the_governing_pollutant_is_what_a_naive_evaluation_says(
    names: list[str], typed: bool, data: st.DataObject
) -> None:
    """One with the highest index; sums in another order may tell two that are equal apart."""
    readings = data.draw(air(names, 2, typed))
    hours = hours_of(readings, 3 if typed else 1)
    first, last = readings[0][0] // HOUR + 1, readings[-1][0] // HOUR + 14
    naive = {end * HOUR: hourly(hours, end) for end in range(first, last)}
    found = derived("vn_aqi_pollutant", readings, typed, data)
    assert found.keys() == {end for end, indices in naive.items() if indices}
    for end, name in found.items():
        highest = max(naive[end].values())
        assert name in [one for one, mine in naive[end].items() if highest - mine < 1e-9]


_rain = st.sampled_from([(0.0, 0.0, 0.0), (2.0, 1.5, 1.5), (2.0, 1.5, 1.25), (1.0, 0.5, 1.0), (4.0, 4.0)])
"""Readings (mm) of an hour: just enough together, just too little; too few of them."""


@settings(max_examples=40, deadline=None)
@given(typed=st.booleans(), data=st.data())
def test_the_nesterov_index_is_what_a_naive_evaluation_says(typed: bool, data: st.DataObject) -> None:
    """Days without the hour before 13:00, with rain, without any reading."""
    readings: list[Reading] = []
    noon = T0 + 4 * HOUR
    for day in range(data.draw(st.integers(1, 6))):
        start = noon + day * 24 * HOUR
        for name, values in (("air_temperature", [-4, 0, 13, 38]), ("relative_humidity", [0, 20, 65, 100])):
            count, value = data.draw(st.sampled_from([3, 3, 3, 2, 0])), data.draw(st.sampled_from(values))
            readings += [(start + number * 1_000_003, name, float(value)) for number in range(count)]
            readings += [(start - HOUR, name, 7.0), (start + HOUR, name, 7.0)] if count > 2 else []
        for hour, depth in data.draw(st.lists(st.tuples(st.integers(-11, 12), _rain), max_size=2)):
            times = [start + hour * HOUR + number * 1_000_003 for number in range(3)]
            readings += [(at, "rain_depth", one) for at, one in zip(times, depth, strict=False)]
    readings = list({one[:2]: one for one in sorted(readings)}.values())
    if readings:
        found = derived("nesterov", readings, typed, data)
        expected = nesterov(readings, 3 if typed else 1)
        assert found == pytest.approx({end * HOUR: value for end, value in expected.items()}, rel=1e-9, abs=1e-9)


_climate = st.one_of(
    st.tuples(st.just("air_temperature"), st.one_of(st.integers(20, 50), st.sampled_from([27, 30.3, 31, 35, 45]))),
    st.tuples(st.just("relative_humidity"), st.one_of(st.integers(0, 100), st.sampled_from([12, 13, 85, 86, 95, 95]))),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 200) | st.sampled_from([300, 600, 601]), _climate), min_size=1), st.data())
def test_the_heat_index_is_what_a_naive_evaluation_says(
    raw: list[tuple[int, tuple[str, float]]], data: st.DataObject
) -> None:
    """From the newest temperature and the newest humidity, none older than ten minutes."""
    at, readings, newest, expected = T0, [], dict[str, tuple[int, float]](), {}
    for step, (name, value) in raw:
        at += step * 1000
        readings.append((at, name, float(value)))
        newest[name] = (at, value)
        t, r = (newest.get(one, (-1, 0)) for one in ("air_temperature", "relative_humidity"))
        if min(t[0], r[0]) >= at - 600_000:
            expected[at] = heat_index(t[1], r[1])
    assert derived("heat_index", readings, False, data) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 700), st.integers(0, 40)), min_size=1, max_size=20), st.data())
def test_the_level_of_service_by_volume_is_what_a_naive_evaluation_says(
    raw: list[tuple[int, int]], data: st.DataObject
) -> None:
    """TCXDVN 104:2007, Z = V/C, of a capacity of 800: A to 280 vehicles an hour, B 400, C 600, D 720, E 800."""
    at, readings, expected = T0, list[Reading](), dict[int, str]()
    for step, number in raw:
        at += step * 1000
        readings.append((at, "traffic_flow", 40.0 * number))
        expected[at] = "FEDCBA"[sum(40 * number <= most for most in (280, 400, 600, 720, 800))]
    assert derived("los_volume", readings, False, data) == expected
