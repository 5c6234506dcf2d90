"""Hours over the nights in which a zone changes its clock, against the naive life: by what its wall clock shows."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.events import Event, Reading
from tests.property.naive_hours import WEEK
from tests.property.naive_life import Moment, life
from tests.property.test_kinds import run
from tests.property.test_life import SCOPE, Drawn, Shape, rules, told

QUARTER, DAY = 900_000, 96


class Night(NamedTuple):
    """A change of the clock: quarters of an hour from a midnight UTC (ms) to it; the offset before it and after."""

    zone: str
    base: int
    weekday: int
    change: int
    before: int
    after: int

    def local(self, at: int) -> tuple[int, int]:
        """Day and quarter of the wall clock."""
        return divmod(at + (self.before if at < self.change else self.after), DAY)


NIGHTS = [
    Night("Europe/Berlin", 1_774_656_000_000, 5, 100, 4, 8),
    Night("Europe/Berlin", 1_792_800_000_000, 5, 100, 8, 4),
    Night("America/New_York", 1_772_841_600_000, 5, 124, -20, -16),
    Night("America/New_York", 1_793_404_800_000, 5, 120, -16, -20),
    Night("Australia/Lord_Howe", 1_775_174_400_000, 4, 156, 44, 42),
    Night("Australia/Lord_Howe", 1_790_899_200_000, 4, 158, 42, 44),
]
"""Of 2026. Directive 2000/84/EC: the last Sundays of March and October, 01:00 UTC. US Energy Policy Act of 2005: the
second Sunday of March and the first of November, 02:00. Lord Howe Island: half an hour, 02:00 of the first Sundays of
April and October."""


class Hours(NamedTuple):
    """Hours of some days, in quarters of the wall clock; over midnight where the end is not after the start."""

    days: tuple[str, ...]
    start: int
    end: int

    @property
    def text(self) -> str:
        """As a rule writes them."""
        clock = [f"{quarter // 4:02}:{quarter % 4 * 15:02}" for quarter in (self.start, self.end)]
        return f"{','.join(self.days)} {'-'.join(clock)}"

    def holds(self, night: Night, at: int) -> bool:
        """Whether the wall clock shows a time in them."""
        day, quarter = night.local(at)
        end = self.end if self.end > self.start else self.end + DAY
        today, yesterday = (WEEK[(night.weekday + one) % 7] in self.days for one in (day, day - 1))
        return (today and self.start <= quarter < end) or (yesterday and quarter + DAY < end)


_quarter = st.sampled_from([*range(4), *range(12, DAY)])
"""Not from 01:00 to 03:00, which some clock skips or shows twice."""
_hours = st.builds(
    Hours,
    st.sets(st.sampled_from(WEEK), min_size=3).map(lambda days: tuple(sorted(days, key=WEEK.index))),
    _quarter,
    _quarter,
).filter(lambda one: one.start != one.end)


@settings(max_examples=40, deadline=None)
@given(
    night=st.sampled_from(NIGHTS),
    hours=st.lists(_hours, min_size=1, max_size=2),
    drawn=rules(Shape(unit=(15, "m"))),
    steps=st.lists(st.tuples(st.sampled_from([1, 2, 3, 5, 8, 13]), st.integers(0, 10)), min_size=10, max_size=30),
    data=st.data(),
)
def test_hours_over_a_change_of_the_clock_are_those_of_the_wall_clock(
    night: Night, hours: list[Hours], drawn: Drawn, steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    at, moments, frames = night.change - 40, list[Moment](), list[tuple[int, tuple[Event, ...]]]()
    for step, value in steps:
        at += step
        moments.append(Moment(at, tuple(test(value) for test in drawn.tests), value))
        time = night.base + at * QUARTER
        frames.append((time, (Reading(device="d", quantity="rain_depth", at=time, value=float(value)),)))
    frames.append((night.base + (at + 60) * QUARTER, ()))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=2))
    schedule = f'schedule: {{when: "{"; ".join(one.text for one in hours)}", timezone: {night.zone}}}'
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: 0s, live_for: 1h, {drawn.text}, {schedule}}}"
    terms = drawn.terms._replace(opened=lambda quarter: any(one.holds(night, quarter) for one in hours))
    found = told(run(rule, "ioc.readings.v1", frames, kills), night.base, QUARTER)
    assert found == life(moments, terms, at + 60)


@pytest.mark.parametrize(("day", "begin", "end"), [(1_774_742_400_000, 75, 105), (1_792_886_400_000, 15, 45)])
def test_a_time_that_the_clock_skips_or_shows_twice_is_that_of_the_clock_before(day: int, begin: int, end: int) -> None:
    """Berlin, 02:15 to 02:45: on 29 March 2026 by winter time, from 01:15 UTC; on 25 October by summer time, 00:15."""
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: 0s, live_for: 1h, stale_after: 5h, raise: {{above: 1}}, "
    rule += 'schedule: {when: "daily 02:15-02:45", timezone: Europe/Berlin}}'
    frames: list[tuple[int, tuple[Event, ...]]] = []
    for minute in range(0, 180, 5):
        at = day + minute * 60_000
        frames.append((at, (Reading(device="d", quantity="rain_depth", at=at, value=5.0),)))
    edges = told(run(rule, "ioc.readings.v1", frames, set()), day, 60_000)
    assert [(edge.edge, edge.at, edge.reason) for edge in edges] == [("begin", begin, ""), ("end", end, "schedule")]
