"""What the leading open rule engine gets wrong, done right: seven faults read in ThingsBoard's source (July 2026)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.catalogue import Device, DeviceType, Kind
from pipeline.core.conditions import Condition
from pipeline.core.machine import CatalogueChange
from pipeline.core.schedule import Schedule, parse_hours
from rules.backtest import backtest, parse_input
from rules.engine.loader import load_text

T0 = 1_795_222_800_000
"""2026-11-21T01:00:00Z."""
HOLD = """
id: hot
kind: threshold
scope: {quantity: air_temperature}
raise: {critical: {above: 40}, warning: {above: 30}}
"""
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
Line = tuple[float, float] | tuple[float, float, float]


def conditions(text: str, *lines: Line, until: float | None = None, **fields: Any) -> list[Condition]:
    """The conditions of a rule over lines of (second, value) or (second, value, second of arrival)."""
    inputs = [
        parse_input(
            {
                "device": "d1",
                "quantity": "air_temperature",
                "at": T0 + round(line[0] * 1000),
                "value": line[1],
                "log": T0 + round(line[-1 if len(line) > 2 else 0] * 1000),
                **fields,
            }
        )
        for line in lines
    ]
    return backtest(
        load_text(text).checked(), inputs, until=None if until is None else T0 + round(until * 1000), catalogue=KNOWN
    )


KNOWN = [
    CatalogueChange(0, Kind.TYPE, "t", DeviceType(id="t", period_s=60)),
    CatalogueChange(0, Kind.DEVICE, "d1", Device(id="d1", type="t", site="s", active_from=T0)),
]


def edges(found: list[Condition]) -> list[tuple[str, str, float]]:
    """Edge, severity and second."""
    return [(one.edge.value, one.severity.value, (one.at - T0) / 1000) for one in found]


def test_fault_1_a_buffered_reading_of_two_hours_ago_does_not_satisfy_a_duration() -> None:
    """Its duration took the start from the reading and the end from the server's clock."""
    text = HOLD + "for: 10m\n"
    assert conditions(text, (-7200, 45, 0), until=60) == []
    assert conditions(text, *[(-7200 + 60 * n, 45, 0) for n in range(30)], until=60) == []
    live = conditions(text, *[(60 * n, 45) for n in range(11)])
    assert edges(live) == [("begin", "critical", 600)]


@pytest.mark.parametrize("order", list(permutations([(0, 20), (1, 35), (2, 36), (3, 20)])))
def test_fault_2_the_order_of_arrival_inside_the_lateness_changes_no_alert(
    order: tuple[tuple[int, float], ...],
) -> None:
    """It refused a reading older than the last one."""
    lines = [(at, value, 4 + n / 10) for n, (at, value) in enumerate(order)]
    found = conditions(HOLD + "reorder: 5s\n", *lines, until=60)
    assert edges(found) == [("begin", "warning", 1), ("end", "warning", 3)]
    text = HOLD.replace("threshold", "window") + "window: {type: count, size: 2, aggregate: mean}\n"
    assert edges(conditions(text, *lines, until=60)) == []
    text = text.replace("30}", "27}")
    assert edges(conditions(text, *lines, until=60)) == [("begin", "warning", 1)]


def test_fault_3_severity_falls_while_the_alert_is_open_with_a_timer_of_its_own() -> None:
    """It could rise, and never fall."""
    text = HOLD.replace("{above: 40}", "{above: 40, clear: {below: 38, for: 2m}}")
    found = conditions(text, (0, 45), (60, 35), (120, 35), (180, 35), (240, 20))
    assert edges(found) == [
        ("begin", "critical", 0),
        ("update", "warning", 180),
        ("end", "warning", 240),
    ]
    assert len({one.episode for one in found}) == 1


def test_fault_4_the_end_carries_the_time_of_the_event_and_the_time_of_the_log() -> None:
    """Its clear and update times were those of the server."""
    found = conditions(HOLD, (0, 35, 3), (60, 45, 64), (120, 20, 125))
    assert [((one.at - T0) / 1000, (one.log - T0) / 1000) for one in found] == [(0, 3), (60, 64), (120, 125)]


def test_fault_5_friday_night_lasts_until_saturday_morning_in_every_minute_of_a_year() -> None:
    """Its Friday 22:00-06:00 was off on Saturday at 02:00, and at midnight exactly."""
    hours = Schedule(parse_hours("fri 22:00-06:00"))
    first = datetime(2026, 1, 1, tzinfo=ZONE).astimezone(UTC)
    for minute in range(365 * 1440):
        moment = first + timedelta(minutes=minute)
        local = moment.astimezone(ZONE)
        friday_night = (local.weekday() == 4 and local.hour >= 22) or (local.weekday() == 5 and local.hour < 6)
        assert (hours.open_until(int(moment.timestamp() * 1000)) is not None) == friday_night, local


def test_fault_6_silence_is_noticed_to_the_millisecond_not_at_the_next_check() -> None:
    """It looked once a minute, and kept a thousand points of a series."""
    text = "{id: lost, kind: absence, scope: {quantity: air_temperature}, after: 90s}"
    (begin,) = conditions(text, (0, 20), until=90.001)
    assert ((begin.at - T0) / 1000, (begin.log - T0) / 1000) == (90, 90.001)
    many = HOLD.replace("threshold", "window").replace("30}", "1999}").replace("40}", "4000}")
    many += "window: {type: sliding, size: 40m, aggregate: count}\n"
    assert edges(conditions(many, *[(n, 20) for n in range(2001)], until=2100))[:1] == [("begin", "warning", 1999)]


def test_fault_7_an_alert_carries_its_samples_their_places_and_the_version_of_its_rule() -> None:
    """Its details were a text made from a template."""
    rule = load_text(HOLD + "for: 2m\n").checked()[0]
    (begin,) = conditions(HOLD + "for: 2m\n", (0, 35), (60, 36), (120, 37))
    assert begin.rule_version == rule.version
    assert [(one.value, one.topic, one.offset) for one in begin.why.operands] == [
        (35, "ioc.readings.v1", 0),
        (37, "ioc.readings.v1", 2),
    ]
    assert begin.why.threshold is not None
    assert begin.why.threshold.predicate == {"above": 30.0}
    assert (begin.why.held_for_ms, begin.why.count, begin.why.min, begin.why.max) == (120_000, 3, 35, 37)
