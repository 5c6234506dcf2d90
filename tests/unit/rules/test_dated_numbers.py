"""Numbers of devices with dates, and areas with dates."""

from __future__ import annotations

from pipeline.core.catalogue import Area, Calendar, CalendarDay, DatedValue, Group, Kind, Site
from pipeline.core.machine import CatalogueChange
from tests.unit.rules.logs import T0, Log, brief, device, rules

LEVEL = "{id: hot, kind: threshold, scope: {quantity: air_temperature}, raise: {above: {attribute: limit, plus: 0.5}}}"
KEY = "hot|d1|air_temperature"
OLD, NEW = "Quyết định 05/2020", "Quyết định 18/2021"


def dated(**fields: object) -> CatalogueChange:
    """A device whose limit is 30 before T0 + 100 s and 20 from then on."""
    cut = T0 + 100_000
    values = (DatedValue(30.0, None, cut, OLD), DatedValue(20.0, cut, None, NEW))
    return device("d1", dated={"limit": values}, **fields)


def test_a_reading_is_judged_by_the_number_of_its_own_time() -> None:
    log = Log(*rules(LEVEL), dated())
    assert log.add(99, 25) == []
    begun = log.add(100, 25)
    assert brief(begun) == [(KEY, "begin", 100, "")]
    threshold = begun[0].why.threshold
    assert threshold is not None
    assert (threshold.predicate, threshold.legal, threshold.valid_from) == ({"above": 20.5}, NEW, T0 + 100_000)
    assert threshold.origin == "attribute limit of d1"


def test_a_reading_from_before_the_change_that_comes_after_it_is_judged_by_the_old_number() -> None:
    log = Log(*rules(LEVEL), dated())
    begun = log.add(105, 31, at=99.9)
    assert brief(begun) == [(KEY, "begin", 99.9, "")]
    assert begun[0].why.threshold.valid_to == T0 + 100_000  # type: ignore[union-attr]
    assert begun[0].why.threshold.legal == OLD  # type: ignore[union-attr]


def test_a_number_that_holds_at_no_time_never_raises() -> None:
    log = Log(*rules(LEVEL), device("d1", dated={"limit": (DatedValue(1.0, T0 + 10_000, T0 + 20_000),)}))
    assert log.add(9, 50) == []
    assert brief(log.add(10, 50)) == [(KEY, "begin", 10, "")]
    assert brief(log.add(20, 50)) == [(KEY, "end", 20, "")]


def test_a_dated_value_goes_before_a_plain_one_of_the_same_name() -> None:
    log = Log(*rules(LEVEL), dated(attributes={"limit": 1.0}))
    assert log.add(0, 25) == []


def test_what_was_begun_by_the_old_number_names_it_after_a_restart() -> None:
    text = LEVEL.replace("}}}", "}}, for: 20s}")
    log = Log(*rules(text), dated())
    log.add(95, 31)
    saved = {key: raw for key in log.engine.state_keys() if (raw := log.engine.dump(key)) is not None}
    again = Log(*rules(text), dated(), state=saved)
    begun = again.add(130)
    assert brief(begun) == [(KEY, "begin", 115, "")]
    assert begun[0].why.threshold.predicate == {"above": 30.5}  # type: ignore[union-attr]


def test_an_area_begins_and_ends_at_its_dates_without_news() -> None:
    text = "{id: hot, kind: threshold, scope: {quantity: air_temperature, area: new}, raise: {above: 30}}"
    places = (
        CatalogueChange(1, Kind.AREA, "new", Area(id="new", valid_from=T0 + 50_000, valid_to=T0 + 100_000)),
        CatalogueChange(1, Kind.SITE, "s", Site(id="s", area="new")),
    )
    log = Log(*rules(text), *places, device("d1"))
    assert log.add(0, 35) == []
    assert brief(log.add(50, 35)) == [(KEY, "begin", 50, "")]
    assert brief(log.add(100, 36)) == [(KEY, "end", 100, "out_of_scope")]
    assert log.add(101, 37) == []


def test_a_group_names_devices_and_sites() -> None:
    text = "{id: hot, kind: threshold, scope: {quantity: air_temperature, group: g}, raise: {above: 30}}"
    group = CatalogueChange(1, Kind.GROUP, "g", Group(id="g", devices=("d1",), sites=("t",)))
    log = Log(*rules(text), group, device("d1"), device("d2"), device("d3", site="t"))
    assert [len(log.add(0, 35, device=name)) for name in ("d1", "d2", "d3")] == [1, 0, 1]


def test_a_day_that_is_added_to_a_calendar_closes_the_hours_at_the_next_reading() -> None:
    text = (
        "{id: hot, kind: threshold, scope: {quantity: air_temperature}, raise: {above: 30}, "
        "schedule: {calendar: own, when: workdays 00:00-24:00}}"
    )
    friday = "2026-11-20"  # T0 is 2026-11-21 08:00 local, a Saturday
    open_ = CatalogueChange(
        1, Kind.CALENDAR, "own", Calendar(id="own", days=(CalendarDay("2026-11-21", working=True),))
    )
    shut = CatalogueChange(2, Kind.CALENDAR, "own", Calendar(id="own", days=(CalendarDay(friday),)))
    log = Log(*rules(text), open_)
    assert brief(log.add(0, 35)) == [(KEY, "begin", 0, "")]
    ended = log.add(1, 36, news=(shut,)) + log.add(60)
    assert [(one.edge.value, one.reason) for one in ended] == [("end", "schedule")]
