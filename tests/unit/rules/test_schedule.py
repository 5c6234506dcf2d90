"""Weekly hours: every minute of a week against a table worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.schedule import NEVER, Schedule, parse_hours

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 11, 16, tzinfo=ZONE)


def at(day: int, hour: int, minute: int = 0) -> int:
    return int((MONDAY + timedelta(days=day, hours=hour, minutes=minute)).timestamp() * 1000)


def test_an_interval_belongs_to_the_day_on_which_it_starts() -> None:
    hours = Schedule(parse_hours("fri 22:00-06:00"))
    for minute in range(8 * 1440):
        opened = hours.open_until(at(0, 0, minute)) is not None
        assert opened == (4 * 1440 + 22 * 60 <= minute < 5 * 1440 + 6 * 60), minute


def test_adjoining_intervals_are_one() -> None:
    hours = Schedule(parse_hours("mon 06:00-12:00; mon 12:00-24:00; tue 00:00-01:00"))
    assert hours.open_until(at(0, 7)) == at(1, 1)


def test_a_week_without_a_gap_never_closes() -> None:
    assert Schedule(parse_hours("daily 00:00-24:00")).open_until(at(2, 3)) == NEVER


@pytest.mark.parametrize("text", ["", "daily", "mon 6:00-7:00", "sun-mon 06:00-07:00", "day 06:00-07:00"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="days"):
        parse_hours(text)
