"""Weekly hours in which a rule is in force. An interval belongs to the day on which it starts.

With a calendar, `workdays` are the days that are worked: no holidays, but swapped weekend days; `holidays` are
those on which nobody works though it may be a weekday; other days are days of the week as ever.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from pipeline.core.days import Days
from pipeline.core.errors import Misread

DEFAULT_ZONE = "Asia/Ho_Chi_Minh"
EXPECTED = (
    "days and hours such as 'workdays 06:30-08:00', 'daily 22:00-06:00', 'sat,sun 00:00-24:00' or, with a calendar, "
    "'holidays 00:00-24:00'"
)
EXPECTED_VI = (
    "ngày và giờ như 'workdays 06:30-08:00', 'daily 22:00-06:00', 'sat,sun 00:00-24:00' hoặc, khi có lịch, "
    "'holidays 00:00-24:00'"
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORKED, _HOLIDAYS = 7, 8
_NAMED = {
    "daily": frozenset(range(7)),
    "workdays": frozenset((*range(5), _WORKED)),
    "weekends": frozenset(range(5, 7)),
    "holidays": frozenset((_HOLIDAYS,)),
}
_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
NEVER = 2**62
"""A time that does not come."""
_JOINS = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Hours(msgspec.Struct, frozen=True):
    """Minutes after local midnight, on the given weekdays (Monday 0). `end` <= `start` runs into the next day.

    7 among the days marks them as workdays, 8 stands for holidays; both mean more only with a calendar.
    """

    days: frozenset[int]
    start: int
    end: int

    def falls_on(self, day: date, days: Days | None) -> bool:
        """Whether an interval starts on that day."""
        if days is not None and _HOLIDAYS in self.days and days.is_off(day):
            return True
        if days is not None and _WORKED in self.days:
            return days.is_worked(day)
        return day.weekday() in self.days


class Schedule(msgspec.Struct, frozen=True):
    """Hours of the week in a time zone. `calendar`: its id; `days`: what it says, once the catalogue is known."""

    hours: tuple[Hours, ...]
    zone: str = DEFAULT_ZONE
    calendar: str = ""
    days: Days | None = None

    def open_until(self, at: int) -> int | None:
        """End (exclusive, ms) of the open interval that holds `at`, adjoining ones joined; None when closed.

        `NEVER` when there is no gap.
        """
        return _open_until(self, at)

    def on(self, day: date) -> list[tuple[int, int]]:
        """The intervals (ms, end excluded) that start on a local day, in order of their begins."""
        zone = ZoneInfo(self.zone)
        return sorted(_interval(day, hours, zone) for hours in self.hours if hours.falls_on(day, self.days))


@lru_cache(maxsize=65_536)
def _open_until(schedule: Schedule, at: int) -> int | None:
    end = _end_of_one(schedule, at)
    for _ in range(_JOINS):
        further = None if end is None else _end_of_one(schedule, end)
        if further is None:
            return end
        end = further
    return NEVER


def _end_of_one(schedule: Schedule, at: int) -> int | None:
    today = local_day(at, schedule.zone)
    ends = [end for day in (today - timedelta(days=1), today) for start, end in schedule.on(day) if start <= at < end]
    return max(ends, default=None)


def _interval(day: date, hours: Hours, zone: ZoneInfo) -> tuple[int, int]:
    over = 1440 if hours.end <= hours.start else 0
    return _local_ms(day, hours.start, zone), _local_ms(day, hours.end + over, zone)


def _local_ms(day: date, minutes: int, zone: ZoneInfo) -> int:
    days, rest = divmod(minutes, 1440)
    moment = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), zone)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def local_day(at: int, zone: str) -> date:
    """The local date at `at`."""
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).date()


def day_start(at: int, zone: str) -> int:
    """Local midnight at or before `at`, in ms."""
    return _local_ms(local_day(at, zone), 0, ZoneInfo(zone))


def check_zone(zone: str) -> str:
    """Return `zone` when it is in the time zone database. Raises Misread."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise Misread(f"a time zone such as {DEFAULT_ZONE}", vi=f"múi giờ như {DEFAULT_ZONE}") from wrong
    return zone


def parse_hours(text: str) -> tuple[Hours, ...]:
    """`workdays 06:30-08:00, 16:30-18:00; sat 07:00-12:00` as hours. Raises Misread."""
    return tuple(hours for part in text.split(";") for hours in _parse_part(part))


def _parse_part(part: str) -> list[Hours]:
    days, _, spans = part.strip().partition(" ")
    found = [_HOURS.fullmatch(span.strip()) for span in spans.split(",")]
    return [_parse_span(_parse_days(days), match) for match in found]


def _parse_days(text: str) -> frozenset[int]:
    if text in _NAMED:
        return _NAMED[text]
    return frozenset(day for piece in text.split(",") for day in _parse_range(piece))


def _parse_range(piece: str) -> range:
    first, _, last = piece.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise Misread(EXPECTED, vi=EXPECTED_VI)
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    if end < start:
        days = " ".join(_DAYS)
        raise Misread(f"days in the order {days}", vi=f"các thứ theo trình tự {days}")
    return range(start, end + 1)


def _parse_span(days: frozenset[int], match: re.Match[str] | None) -> Hours:
    if match is None:
        raise Misread(EXPECTED, vi=EXPECTED_VI)
    h1, m1, h2, m2 = (int(group) for group in match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if max(m1, m2) > 59 or start >= 1440 or end > 1440 or start == end:
        raise Misread(EXPECTED, vi=EXPECTED_VI)
    return Hours(days, start, end)
