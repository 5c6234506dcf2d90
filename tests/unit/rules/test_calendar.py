"""Working days and working time. Dates are those that the government published.

2024: Thông báo 5015/TB-LĐTBXH (Tết, Quốc khánh), Công văn 2450/LĐTBXH (29/4 swapped for Saturday 4/5). 2025: Thông báo
6150/TB-BLĐTBXH (Tết, 2/5 swapped for Saturday 26/4, Quốc khánh). 2026: Tết 16 to 20/2; 31/8 swapped for Saturday 22/8.
"""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.core.catalogue import Calendar, CalendarDay
from pipeline.core.clock import parse_rfc3339
from pipeline.core.days import days_of
from pipeline.core.schedule import Schedule, parse_hours
from rules.engine.working_time import add_working_time

VN = days_of(Calendar(id="vn"))
H = 3_600_000


def ms(local: str) -> int:
    """Milliseconds of a local time such as 2026-02-13 16:00."""
    return parse_rfc3339(local.replace(" ", "T") + ":00+07:00")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2024-02-08", "2024-02-14"),  # Tết Giáp Thìn
        ("2024-04-29", "2024-05-01"),
        ("2024-09-02", "2024-09-03"),
        ("2025-01-27", "2025-01-31"),  # Tết Ất Tỵ
        ("2025-04-07", "2025-04-07"),  # Giỗ Tổ, the tenth of the third lunar month
        ("2025-04-30", "2025-05-02"),
        ("2025-09-01", "2025-09-02"),
        ("2026-02-16", "2026-02-20"),  # Tết Bính Ngọ
        ("2026-04-27", "2026-04-27"),  # Giỗ Tổ falls on Sunday 26/4: made up for on Monday
        ("2026-08-31", "2026-09-02"),
    ],
)
def test_published_days_off_are_not_worked(first: str, last: str) -> None:
    days = range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1)
    assert [date.fromordinal(day) for day in days if VN.is_worked(date.fromordinal(day))] == []


@pytest.mark.parametrize("day", ["2024-05-04", "2025-04-26", "2026-08-22"])
def test_published_swapped_saturdays_are_worked(day: str) -> None:
    assert date.fromisoformat(day).weekday() == 5
    assert VN.is_worked(date.fromisoformat(day))


@pytest.mark.parametrize("day", ["2024-02-07", "2024-02-15", "2025-02-03", "2026-02-13", "2026-02-23", "2026-09-03"])
def test_the_days_around_are_worked(day: str) -> None:
    assert VN.is_worked(date.fromisoformat(day))


def test_a_centres_own_days_are_stronger() -> None:
    own = days_of(Calendar(id="x", days=(CalendarDay("2026-02-23"), CalendarDay("2026-02-20", working=True))))
    assert not own.is_worked(date(2026, 2, 23))
    assert own.is_worked(date(2026, 2, 20))
    assert not own.is_worked(date(2026, 2, 19))


def test_without_a_country_only_weekends_are_free() -> None:
    plain = days_of(Calendar(id="x", country=""))
    assert plain.is_worked(date(2026, 2, 17))
    assert not plain.is_worked(date(2026, 2, 15))


def test_a_schedule_of_workdays_follows_its_calendar_and_one_of_the_week_does_not() -> None:
    plain = Schedule(parse_hours("workdays 06:30-08:00"))
    vietnamese = Schedule(parse_hours("workdays 06:30-08:00"), calendar="vn", days=VN)
    tet, swapped = ms("2026-02-17 07:00"), ms("2026-08-22 07:00")
    assert (plain.open_until(tet), plain.open_until(swapped)) == (ms("2026-02-17 08:00"), None)
    assert (vietnamese.open_until(tet), vietnamese.open_until(swapped)) == (None, ms("2026-08-22 08:00"))


def test_holidays_are_days_of_their_own_and_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = Schedule(parse_hours("holidays 22:00-06:00"), calendar="vn", days=VN)
    assert nights.open_until(ms("2026-02-20 23:00")) == ms("2026-02-21 06:00")
    assert nights.open_until(ms("2026-02-21 05:59")) == ms("2026-02-21 06:00")
    assert nights.open_until(ms("2026-02-23 23:00")) is None


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-20 08:00", 2, "2026-11-20 10:00"),
        ("2026-11-20 08:00", 4, "2026-11-20 14:00"),  # 3.5 h to 11:30, half an hour after lunch
        ("2026-11-20 08:00", 3.5, "2026-11-20 11:30"),  # the end of the morning, not the begin of the afternoon
        ("2026-11-20 16:00", 2, "2026-11-23 08:30"),  # over a weekend
        ("2026-11-21 10:00", 1, "2026-11-23 08:30"),  # a Saturday
        ("2026-02-13 16:00", 2, "2026-02-23 08:30"),  # over Tết
        ("2026-08-21 16:00", 2, "2026-08-22 08:30"),  # into a swapped Saturday
        ("2026-11-20 08:00", 7.5, "2026-11-23 08:00"),  # 07:30-11:30 and 13:30-17:00 are 7.5 h a day
        ("2026-11-21 10:00", 0, "2026-11-21 10:00"),
        ("2026-11-23 08:30", -2, "2026-11-20 16:00"),
        ("2026-02-23 08:30", -2, "2026-02-13 16:00"),
    ],
)
def test_working_time_by_hand(start: str, hours: float, due: str) -> None:
    assert add_working_time(ms(start), round(hours * H), VN) == ms(due)


def test_there_and_back_is_the_same_time_within_working_hours() -> None:
    start = ms("2026-01-05 09:17")
    for hours in range(1, 400, 7):
        assert add_working_time(add_working_time(start, hours * H, VN), -hours * H, VN) == start


def test_overlapping_hours_count_once() -> None:
    days = days_of(Calendar(id="x", hours="daily 00:00-24:00; mon 07:00-09:00", country=""))
    start = ms("2026-11-22 20:00")
    assert add_working_time(start, 24 * H, days) == start + 24 * H


def test_a_calendar_that_never_works_is_refused() -> None:
    off = tuple(CalendarDay(date.fromordinal(date(2026, 1, 1).toordinal() + n).isoformat()) for n in range(100))
    with pytest.raises(ValueError, match="60 days"):
        add_working_time(ms("2026-01-05 09:00"), H, days_of(Calendar(id="x", days=off)))
