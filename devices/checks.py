"""Dates in documents: what they may say."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import holidays

from pipeline.core.catalogue import Area, Calendar, Camera, DatedValue, Device
from pipeline.core.errors import BadInput, Misread
from pipeline.core.schedule import check_zone, parse_hours

MAX_DAYS = 2000


def check_area_validity(area: Area) -> None:
    """An area begins before it ends. Raises BadInput."""
    if area.valid_from is not None and area.valid_to is not None and area.valid_from >= area.valid_to:
        raise _ends_too_early("area.valid_to", area.valid_to, area.valid_from)


def check_dated(kind: str, document: Device | Camera) -> None:
    """At any time at most one value of an attribute holds. Raises BadInput."""
    for name, values in document.dated.items():
        field = f"{kind}.dated.{name}"
        for one in values:
            if one.valid_from is not None and one.valid_to is not None and one.valid_from >= one.valid_to:
                raise _ends_too_early(f"{field}.valid_to", one.valid_to, one.valid_from)
        for earlier, later in pairwise(sorted(values, key=_begin)):
            if earlier.valid_to is None or earlier.valid_to > _begin(later):
                raise BadInput(
                    field,
                    later.value,
                    f"one value at a time; {earlier.value} holds then too",
                    vi=f"mỗi lúc chỉ một giá trị; lúc đó {earlier.value} cũng đang có hiệu lực",
                )


def _ends_too_early(field: str, end: int, begin: int) -> BadInput:
    return BadInput(field, end, f"a time after valid_from ({begin})", vi=f"thời điểm sau valid_from ({begin})")


def _begin(one: DatedValue) -> int:
    return -(2**53) if one.valid_from is None else one.valid_from


def check_calendar(calendar: Calendar) -> None:
    """A known country and time zone, hours as schedules write them, and dates of ISO 8601, each once."""
    if calendar.country and calendar.country not in holidays.list_supported_countries(include_aliases=False):
        wanted = "an ISO 3166-1 code such as VN, or nothing"
        raise BadInput("calendar.country", calendar.country, wanted, vi="mã ISO 3166-1 như VN, hoặc để trống")
    try:
        check_zone(calendar.timezone)
    except Misread as wrong:
        raise BadInput("calendar.timezone", calendar.timezone, wrong.expected, vi=wrong.vi) from None
    try:
        parse_hours(calendar.hours)
    except Misread as wrong:
        raise BadInput("calendar.hours", calendar.hours, wrong.expected, vi=wrong.vi) from None
    if len(calendar.days) > MAX_DAYS:
        raise BadInput("calendar.days", len(calendar.days), f"at most {MAX_DAYS} days", vi=f"tối đa {MAX_DAYS} ngày")
    seen: set[str] = set()
    for day in calendar.days:
        try:
            date.fromisoformat(day.date)
        except ValueError:
            wanted = "a date such as 2026-02-17"
            raise BadInput("calendar.days.date", day.date, wanted, vi="ngày viết như 2026-02-17") from None
        if day.date in seen:
            raise BadInput("calendar.days.date", day.date, "each day once", vi="mỗi ngày chỉ ghi một lần")
        seen.add(day.date)
