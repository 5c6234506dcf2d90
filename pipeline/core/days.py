"""Which days are worked: weekends, public holidays with their substitute and swapped days, and a centre's own days.

Public holidays come from the package `holidays`, which follows article 112 of the Vietnamese Labour Code 2019
(fixed and lunar days; a day that falls on a weekend is made up for on the next working day) and the government's
yearly notices of swapped days.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import holidays
import msgspec

from pipeline.core.catalogue import Calendar


class Days(msgspec.Struct, frozen=True):
    """A calendar as rules use it. `off` and `working` are the centre's own days, stronger than the country's."""

    country: str = ""
    hours: str = ""
    zone: str = ""
    off: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def is_off(self, day: date) -> bool:
        """Whether nobody works on that day though it is no weekend, or is a holiday."""
        if day in self.working:
            return False
        return day in self.off or (bool(self.country) and day in _national(self.country, day.year)[0])

    def is_worked(self, day: date) -> bool:
        """Whether that day is worked: a weekday without holiday, or a weekend day that was swapped."""
        if day in self.working:
            return True
        if self.is_off(day):
            return False
        return day.weekday() < 5 or (bool(self.country) and day in _national(self.country, day.year)[1])


@lru_cache(maxsize=256)
def _national(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Public holidays of a year, and the weekend days that are worked for swapped ones.

    A swapped working day may belong to a day off in the next year, hence the year after is looked at too.
    """
    found = holidays.country_holidays(country, years=(year, year + 1))
    off = frozenset(day for day in found if day.year == year)
    return off, frozenset(day for day in found.weekend_workdays if day.year == year)


@lru_cache(maxsize=256)
def days_of(document: Calendar) -> Days:
    """The days of a calendar document. Raises ValueError for a date that is none."""
    own = [(date.fromisoformat(one.date), one.working) for one in document.days]
    return Days(
        country=document.country,
        hours=document.hours,
        zone=document.timezone,
        off=frozenset(day for day, working in own if not working),
        working=frozenset(day for day, working in own if working),
    )
