"""`ioc calendar`: a centre's own days off and working days, the days of a year, and deadlines in working time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import msgspec
import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import moment, no_time, registry, settings
from pipeline.core.alerts import Text
from pipeline.core.catalogue import Calendar, CalendarDay, Kind
from pipeline.core.clock import rfc3339
from pipeline.core.errors import BadInput, Misread

group = typer.Typer(no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID")]


@group.command("set")
def set_(
    id_: Id,
    country: Annotated[str, typer.Option(help="ISO 3166-1 code of the public holidays; empty for none.")] = "VN",
    hours: Annotated[str, typer.Option(help="Working hours.")] = Calendar(id="x").hours,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Register a calendar, or change its country and working hours; its own days stay."""
    from pipeline.core.schedule import parse_hours

    try:
        parse_hours(hours)
    except Misread as wrong:
        raise BadInput("--hours", hours, wrong.expected, vi=wrong.vi) from None
    with registry(settings(sets)) as open_registry:
        before = open_registry.find(Kind.CALENDAR, id_)
        days = before.days if isinstance(before, Calendar) else ()
        stored = open_registry.put(Calendar(id=id_, country=country, hours=hours, days=days))
    print(f"calendar/{stored.id} version {stored.version}")


@group.command()
def day(
    id_: Id,
    dates: Annotated[list[str], typer.Argument(help="Dates such as 2027-02-11.")],
    working: Annotated[bool, typer.Option("--working/--off", help="Worked, or not.")] = False,
    vi: Annotated[str, typer.Option(help="Reason in Vietnamese.")] = "",
    en: Annotated[str, typer.Option(help="Reason in English.")] = "",
    sets: Sets = [],  # noqa: B006
) -> None:
    """Add the centre's own days off, or working days; they are stronger than public holidays."""
    with registry(settings(sets)) as open_registry:
        found = open_registry.find(Kind.CALENDAR, id_) or Calendar(id=id_)
        assert isinstance(found, Calendar)
        kept = [one for one in found.days if one.date not in dates]
        new = [CalendarDay(one, working, Text(vi, en)) for one in dates]
        days = tuple(sorted((*kept, *new), key=lambda one: one.date))
        stored = open_registry.put(msgspec.structs.replace(found, days=days))
    print(f"calendar/{stored.id} version {stored.version}")


@group.command("list")
def list_(
    id_: Id,
    year: Annotated[int, typer.Option(min=1995, max=2099, help="The year to show.")],
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """List the days of a year that differ from a plain week: days off, and weekend days that are worked."""
    from pipeline.core.days import days_of

    days = days_of(_calendar(id_, sets))
    every = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    odd = [
        one for one in every if one.year == year and (days.is_off(one) or days.is_worked(one) == (one.weekday() > 4))
    ]
    rows = [{"date": one.isoformat(), "worked": "yes" if days.is_worked(one) else "no"} for one in odd]
    show(rows, ["date", "worked"], as_json=as_json)


@group.command()
def deadline(
    id_: Id,
    start: Annotated[str, typer.Option("--from", help="From this time on, RFC 3339.")],
    duration: Annotated[str, typer.Option("--after", help="Working time, such as 2d (48 hours) or 16h.")],
    sets: Sets = [],  # noqa: B006
) -> None:
    """Say when so much working time has passed."""
    from pipeline.core.days import days_of
    from rules.engine.duration import parse_duration
    from rules.engine.working_time import add_working_time

    begin = moment("--from", start)
    if begin is None:
        raise no_time("--from", start)
    try:
        print(rfc3339(add_working_time(begin, parse_duration(duration), days_of(_calendar(id_, sets)))))
    except Misread as wrong:
        raise BadInput("--after", duration, wrong.expected, vi=wrong.vi) from None


def _calendar(id_: str, sets: list[str]) -> Calendar:
    if id_ == "vn":
        return Calendar(id="vn")
    with registry(settings(sets)) as open_registry:
        found = open_registry.find(Kind.CALENDAR, id_)
    if not isinstance(found, Calendar):
        raise BadInput(
            "calendar",
            id_,
            "vn, or a registered calendar; see `ioc catalogue list calendar`",
            vi="vn, hoặc một lịch đã đăng ký; xem `ioc catalogue list calendar`",
        )
    return found
