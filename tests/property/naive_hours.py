"""A second evaluation of hours, holidays and working time, written from rules/SEMANTICS.md: quarter by quarter.

Shares nothing with the engine. A time is a number of quarters of an hour since Monday 20 April 2026, 00:00 UTC; the
days of the three weeks from then on are written down here, and so are the offsets of the zones (none changes its clock
in that time).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

BASE = 1_776_643_200_000
QUARTER = 900_000
DAY = 96
ZONES = {"Asia/Ho_Chi_Minh": 28, "Asia/Kathmandu": 23, "America/New_York": -16}
"""Quarters before UTC in April and May 2026."""
HOLIDAYS = {6, 7, 10, 11}
"""Hung Kings' day (10th of the 3rd lunar month) is Sunday 26 April; made up for on Monday; 30 April, 1 May."""
OWN_OFF, OWN_WORKED = {2, 10}, {12, 7}
"""The centre's own: Wednesday 22 April off; Saturday 2 May and the Monday above worked."""
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def is_holiday(day: int, calendar: str) -> bool:
    """Whether nobody works that day for a reason other than the weekend. `calendar`: vn or own."""
    if calendar == "own":
        return day not in OWN_WORKED and (day in OWN_OFF or day in HOLIDAYS)
    return day in HOLIDAYS


def is_worked(day: int, calendar: str) -> bool:
    """Weekdays that are no holiday, and what the centre works."""
    if calendar == "own" and day in OWN_WORKED:
        return True
    return day % 7 < 5 and not is_holiday(day, calendar)


class Span(NamedTuple):
    """Hours that begin on some days; quarters after local midnight; an end that is not after the start: next day."""

    days: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """As a rule writes it."""
        h1, m1, h2, m2 = self.start // 4, self.start % 4 * 15, self.end // 4, self.end % 4 * 15
        return f"{self.days} {h1:02}:{m1:02}-{h2:02}:{m2:02}"

    def falls_on(self, day: int, calendar: str) -> bool:
        """Whether it begins on that day."""
        if self.days == "workdays":
            return is_worked(day, calendar) if calendar else day % 7 < 5
        if self.days == "holidays":
            return bool(calendar) and is_holiday(day, calendar)
        named = {"daily": WEEK, "weekends": WEEK[5:]}.get(self.days, tuple(self.days.split(",")))
        return WEEK[day % 7] in named

    def holds(self, at: int, zone: str, calendar: str) -> bool:
        """Whether a quarter lies in it."""
        day, quarter = divmod(at + ZONES[zone], DAY)
        end = self.end if self.end > self.start else self.end + DAY
        today = self.falls_on(day, calendar) and self.start <= quarter < end
        return today or (self.falls_on(day - 1, calendar) and self.start <= quarter + DAY < end)


def opened(spans: list[Span], zone: str, calendar: str) -> Callable[[int], bool]:
    """Whether a quarter lies in any of them."""
    return lambda at: any(span.holds(at, zone, calendar) for span in spans)


def later(at: int, quarters: int, works: Callable[[int], bool]) -> int:
    """The end of the working quarter with which so many have passed since `at`; back when negative."""
    while quarters > 0:
        quarters -= works(at)
        at += 1
    while quarters < 0:
        at -= 1
        quarters += works(at)
    return at
