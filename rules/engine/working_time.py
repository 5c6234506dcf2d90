"""Deadlines in working time: the hours in which people work by a calendar."""

from __future__ import annotations

from datetime import date, timedelta
from operator import itemgetter

from pipeline.core.days import Days
from pipeline.core.errors import Misread
from pipeline.core.schedule import Schedule, local_day, parse_hours

MAX_GAP_DAYS = 60
"""The longest time without work; Tết and a centre's own days are well below it."""
_DAY = timedelta(days=1)


def add_working_time(start_ms: int, duration_ms: int, calendar: Days) -> int:
    """The time at which `duration_ms` of working time has passed since `start_ms` (ms, UTC).

    Time outside `calendar.hours`, or on days that are not worked, does not count. A duration of 0 ends at the
    start, whenever that is; a deadline at the end of working hours is that end, not the next begin. A negative
    duration goes back: the newest time from which so much passes until the start. Raises Misread for a
    calendar without working time in 60 days.
    """
    schedule = Schedule(parse_hours(calendar.hours), calendar.zone, days=calendar)
    return _back(start_ms, -duration_ms, schedule) if duration_ms < 0 else _on(start_ms, duration_ms, schedule)


def _on(at: int, left: int, schedule: Schedule) -> int:
    day, idle = local_day(at, schedule.zone) - _DAY, 0
    while left and idle <= MAX_GAP_DAYS:
        idle += 1
        for begin, end in schedule.on(day):
            if left and end > at:
                begin = max(begin, at)
                at = begin + min(left, end - begin)
                left -= at - begin
                idle = 0
        day += _DAY
    return _done(at, left)


def _back(at: int, left: int, schedule: Schedule) -> int:
    day, idle = local_day(at, schedule.zone) + _DAY, 0
    while left and idle <= MAX_GAP_DAYS:
        idle += 1
        for begin, end in _ending(day, schedule):
            if left and begin < at:
                end = min(end, at)
                at = end - min(left, end - begin)
                left -= end - at
                idle = 0
        day -= _DAY
    return _done(at, left)


def _ending(day: date, schedule: Schedule) -> list[tuple[int, int]]:
    """The intervals that end on a local day, the last end first: going back, no later end may be passed over."""
    near = (one for start in (day - _DAY, day) for one in schedule.on(start))
    return sorted((one for one in near if local_day(one[1] - 1, schedule.zone) == day), key=itemgetter(1), reverse=True)


def _done(at: int, left: int) -> int:
    if left:
        raise Misread(
            f"a calendar with working time in every {MAX_GAP_DAYS} days",
            vi=f"lịch mà cứ {MAX_GAP_DAYS} ngày đều có giờ làm việc",
        )
    return at
