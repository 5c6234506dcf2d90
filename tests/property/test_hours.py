"""Hours, time zones, holidays and working time against a second, naive evaluation: quarter by quarter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Calendar, CalendarDay, Kind
from pipeline.core.conditions import Condition
from pipeline.core.days import days_of
from pipeline.core.events import Case, CaseKind, CaseState, Event, Reading
from pipeline.core.machine import CatalogueChange
from rules.engine.working_time import add_working_time
from tests.property.naive_hours import BASE, DAY, QUARTER, WEEK, ZONES, Span, later, opened
from tests.property.naive_life import Moment, life
from tests.property.test_kinds import logs, run
from tests.property.test_life import SCOPE, Drawn, Shape, rules, told

_days = st.one_of(
    st.sampled_from(["daily", "workdays", "weekends", "holidays"]),
    st.sets(st.sampled_from(WEEK), min_size=1, max_size=3).map(lambda days: ",".join(sorted(days, key=WEEK.index))),
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """Some hours; some go on into the next day."""
    start = draw(st.integers(0, DAY - 1))
    return Span(draw(_days), start, draw(st.integers(0, DAY).filter(lambda end: end != start)))


def _own(hours: str = "daily 00:00-24:00", zone: str = "Asia/Ho_Chi_Minh") -> CatalogueChange:
    days = (
        CalendarDay("2026-04-22"),
        CalendarDay("2026-04-30"),
        CalendarDay("2026-05-02", working=True),
        CalendarDay("2026-04-27", working=True),
    )
    return CatalogueChange(0, Kind.CALENDAR, "own", Calendar(id="own", hours=hours, timezone=zone, days=days))


@settings(max_examples=100, deadline=None)
@given(
    drawn=rules(Shape(unit=(15, "m"))),
    hours=st.lists(spans(), min_size=1, max_size=3),
    zone=st.sampled_from(sorted(ZONES)),
    calendar=st.sampled_from(["", "vn", "own"]),
    steps=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 10)), min_size=10, max_size=30),
    data=st.data(),
)
def test_hours_open_and_close_as_the_naive_life_says(
    drawn: Drawn, hours: list[Span], zone: str, calendar: str, steps: list[tuple[int, int]], data: st.DataObject
) -> None:
    """From Saturday 25 April on: the weekend, Hung Kings' day made up for, the holidays, own days."""
    at, moments, lines = 5 * DAY, [], []
    for step, value in steps:
        at += step
        moments.append(Moment(at, tuple(test(value) for test in drawn.tests), value))
        time = BASE + at * QUARTER
        lines.append((time, Reading(device="d", quantity="rain_depth", at=time, value=float(value))))
    frames: list[tuple[int, tuple[Event, ...]]] = data.draw(logs(lines))  # type: ignore[arg-type]
    frames[-1] = (BASE + (at + 60) * QUARTER, ())
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=2))
    schedule = f'schedule: {{when: "{"; ".join(span.text for span in hours)}", timezone: {zone}'
    schedule += f", calendar: {calendar}}}" if calendar else "}"
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: 0s, live_for: 1h, {drawn.text}, {schedule}}}"
    terms = drawn.terms._replace(opened=opened(hours, zone, calendar))
    found = told(run(rule, "ioc.readings.v1", frames, kills, known=[_own()]), BASE, QUARTER)
    assert found == life(moments, terms, at + 60)


_stage = st.integers(0, 60)


@settings(max_examples=60, deadline=None)
@given(
    working=st.lists(spans().map(lambda span: span._replace(days="workdays")), min_size=1, max_size=3),
    zone=st.sampled_from(sorted(ZONES)),
    before=_stage,
    after=_stage,
    states=st.lists(st.tuples(st.integers(1, 150), st.booleans(), st.integers(-100, 200)), min_size=1, max_size=5),
    data=st.data(),
)
def test_deadlines_in_working_time_are_what_counting_quarters_says(
    working: list[Span],
    zone: str,
    before: int,
    after: int,
    states: list[tuple[int, bool, int]],
    data: st.DataObject,
) -> None:
    """Holidays and own days at first, then none; a case whose due time moves, that is done, that is open again."""
    works = opened(working, zone, "own")
    at, lines, known = 4 * DAY, [], []
    for step, done, off in states:
        at += step
        time, state = BASE + at * QUARTER, CaseState.DONE if done else CaseState.OPEN
        due = BASE + (at + off) * QUARTER
        lines.append((time, Case(case="k", kind=CaseKind.DOSSIER, state=state, at=time, due_at=due)))
        known.append((at, done, [later(at + off, quarters, works) for quarters in (-before, 0, after)]))
    frames: list[tuple[int, tuple[Event, ...]]] = data.draw(logs(lines))  # type: ignore[arg-type]
    frames[-1] = (BASE + (at + 17 * 7 * DAY) * QUARTER, ())
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=2))
    rule = f"{{id: r, scope: {{cases: {{case: dossier}}}}, kind: deadline, due_soon: {before * 15}m, overdue: true, "
    rule += f"escalate: {after * 15}m, calendar: own}}"
    calendar = _own("; ".join(span.text for span in working), zone)
    outputs = run(rule, "ioc.cases.v1", frames, kills, known=[calendar])
    found = [
        (one.edge.value, (one.at - BASE) // QUARTER, one.severity.value)
        for one in outputs
        if isinstance(one, Condition)
    ]
    assert found == _stages(known)


def test_going_back_in_working_time_passes_over_no_end_that_is_later() -> None:
    """Hours 05:00-13:15 and 05:15-13:00: a quarter before 13:30 of a Monday is 13:00, not 12:45."""
    days = days_of(Calendar(id="c", country="", hours="workdays 05:00-13:15; workdays 05:15-13:00"))
    noon = BASE + (13 * 4 - 28) * QUARTER
    assert add_working_time(noon + 2 * QUARTER, -QUARTER, days) == noon


def _stages(known: list[tuple[int, bool, list[int]]]) -> list[tuple[str, int, str]]:
    """Begin, update, end of a case by looking at every quarter at which anything can change."""
    names = ("warning", "major", "critical")
    moments = {at for at, _, _ in known} | {time for _, _, times in known for time in times}
    found, shown = [], -1
    for now in sorted(moment for moment in moments if moment >= known[0][0]):
        _, over, times = [one for one in known if one[0] <= now][-1]
        stage = -1 if over else sum(now >= time for time in times) - 1
        if stage != shown:
            edge = "begin" if shown < 0 else "end" if stage < 0 else "update"
            found.append((edge, now, names[shown if stage < 0 else stage]))
        shown = stage
    return found
