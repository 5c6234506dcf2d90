"""What a change that costs a rule its state leaves behind: nothing that the rule trips over, no episode twice."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from pipeline.core.catalogue import Calendar, Kind
from pipeline.core.conditions import Condition
from pipeline.core.events import Case, CaseKind, CaseState, Event
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.engine.engine import Engine
from tests.unit.rules.logs import HOT, T0, Log, brief, device, gone, rules

KEY = "hot|d1|air_temperature"
SCOPE = "scope: {quantity: air_temperature}"
JUMP = f"{{id: hot, kind: jump, {SCOPE}, limit: 3, within: 15s}}"
LOST = f"{{id: lost, kind: absence, {SCOPE}, after: 30s}}"


@pytest.mark.parametrize(
    "after",
    [
        JUMP,
        HOT.replace("raise", "reorder: 5s, raise"),
        f"{{id: hot, kind: window, {SCOPE}, window: {{size: 5s, aggregate: last}}, raise: {{above: 30}}}}",
        f"{{id: hot, kind: sequence, {SCOPE}, first: {{below: 30}}, then: {{above: 30}}, within: 1m, hold: 1m}}",
    ],
    ids=["jump", "reorder", "window", "sequence"],
)
def test_a_rule_that_becomes_another_kind_goes_on_as_that(after: str) -> None:
    log = Log(*rules(HOT))
    log.add(0, 35)
    assert brief(log.add(1, news=rules(after))) == [(KEY, "end", 1, "rule_changed")]
    assert log.add(2, 20) == []
    assert [one[:2] for one in brief([*log.add(3, 35), *log.add(40)])][:1] == [(KEY, "begin")]


@pytest.mark.parametrize("rule", [HOT, JUMP], ids=["threshold", "jump"])
@pytest.mark.parametrize("how", ["changed", "removed", "moved"])
def test_an_episode_after_a_lost_state_is_above_the_one_before(rule: str, how: str) -> None:
    """Alerts take one that is not above it for a repeat. The readings after the change are older than the begin."""
    scoped = rule.replace("air_temperature}", "air_temperature, sites: [s]}")
    log = Log(*rules(scoped), device("d1"))
    first = [*log.add(9, 20), *log.add(10, 35)]
    if how == "changed":
        log.add(11, news=rules(scoped.replace("{id", "{live_for: 1h, id")))
    elif how == "removed":
        log.add(11, news=(gone(Kind.RULE, "hot"),))
        log.add(11, news=rules(scoped))
    else:
        log.add(11, news=(device("d1", site="elsewhere"),))
        log.add(11, news=(device("d1"),))
    again = [*log.add(12, 20, at=4), *log.add(13, 35, at=5)]
    assert [one.episode - T0 for one in (*first, *again)] == [10_000, 10_001]
    assert [one.at - T0 for one in again] == [5_000]


def test_an_episode_is_forgotten_a_week_after_its_state() -> None:
    log = Log(*rules(HOT))
    log.add(10, 35)
    log.add(11, news=(gone(Kind.RULE, "hot"),))
    assert any(key.startswith(b"e|") for key in log.engine.state_keys())
    log.add(11 + 7 * 86_400, news=(device("d1"),))
    assert any(key.startswith(b"e|") for key in log.engine.state_keys())
    log.add(12 + 7 * 86_400, news=(device("d2"),))
    assert not any(key.startswith(b"e|") for key in log.engine.state_keys())


def _heard(log: Log, seconds: range) -> list[Condition]:
    return [one for second in seconds for one in log.add(second, 20)]


@pytest.mark.parametrize("known", [LOST.replace("30s", "40s"), HOT], ids=["changed", "new"])
def test_an_absence_rule_that_comes_in_mid_stream_misses_no_device_that_speaks(known: str) -> None:
    """The device has been there for long: that the rule never heard it is no silence."""
    log = Log(*rules(known), device("d1", active_from=T0))
    assert [*_heard(log, range(0, 100, 10)), *log.add(95, news=rules(LOST)), *_heard(log, range(100, 130, 10))] == []
    assert brief(log.add(151)) == [("lost|d1|air_temperature", "begin", 150, "")]


def test_an_absence_rule_that_comes_in_mid_stream_counts_from_then() -> None:
    log = Log(device("d1", active_from=T0), device("d2", active_from=T0 + 50_000))
    log.add(40, news=rules(LOST))
    assert brief(log.add(90)) == [
        ("lost|d1|air_temperature", "begin", 70, ""),
        ("lost|d2|air_temperature", "begin", 80, ""),
    ]


def test_a_silence_that_is_too_long_outside_the_hours_begins_nothing() -> None:
    """From T0, 08:00 in Vietnam: heard at 0 s and 50 s, silent for 30 s outside the first minute and inside it."""
    log = Log(*rules(LOST.replace("after", 'schedule: {when: "daily 08:00-08:01"}, after')))
    log.add(0, 20)
    assert brief(log.add(40)) == [("lost|d1|air_temperature", "begin", 30, "")]
    assert brief(log.add(50, 20)) == [("lost|d1|air_temperature", "end", 50, "")]
    assert log.add(100) == []
    assert log.add(200, 20) == []


def test_a_begin_that_a_shorter_for_makes_due_before_the_newest_value_happens_at_the_change() -> None:
    """The value at 16 s was above the bound still; W has not come to 8 s when the rule changes, nor when 20 s comes."""
    rule = f"{{id: hot, kind: threshold, {SCOPE}, lateness: 20s, for: 30s, raise: {{above: 30}}}}"
    log = Log(*rules(rule))
    log.add(5, 35)
    log.add(16, 35)
    assert brief(log.add(17, news=rules(rule.replace("30s", "3s")))) == [(KEY, "begin", 8, "")]
    assert brief(log.add(20, 20)) == [(KEY, "end", 20, "")]


def test_a_level_whose_for_is_taken_away_shows_at_the_change() -> None:
    rule = f"{{id: hot, kind: threshold, {SCOPE}, raise: {{minor: {{above: 20}}, major: {{above: 30, for: 20s}}}}}}"
    log = Log(*rules(rule))
    assert [one.severity for one in log.add(0, 25)] == ["minor"]
    assert log.add(5, 35) == []
    changed = log.add(9, news=rules(rule.replace(", for: 20s", "")))
    assert [(one.edge, one.severity, one.at - T0) for one in changed] == [("update", "major", 5_000)]


def test_an_early_window_whose_number_changes_begins_with_readings_that_w_has_passed() -> None:
    """Nine by 8 s, of the window that ends at 20 s. W is at 16 s when the next reading comes."""
    rule = "{id: hot, kind: window, scope: {quantity: rain_depth}, lateness: 10s, raise: {above: 12}, "
    rule += "window: {size: 20s, aggregate: sum, early: true}}"
    rain = {"quantity": "rain_depth"}
    log = Log(*rules(rule))
    assert [*log.add(1, 9, reading=rain), *log.add(8, 0, reading=rain)] == []
    assert log.add(19, news=rules(rule.replace("12", "8"))) == []
    assert brief(log.add(26, 0, at=25, reading=rain)) == [("hot|d1|rain_depth", "begin", 8, "")]


def test_what_a_shorter_for_makes_due_behind_w_happens_at_the_change() -> None:
    rule = f"{{id: hot, kind: threshold, {SCOPE}, lateness: 0s, for: 30s, raise: {{above: 30}}}}"
    log = Log(*rules(rule))
    log.add(0, 35)
    assert brief(log.add(10, news=rules(rule.replace("30s", "3s")))) == [(KEY, "begin", 3, "")]


def test_an_episode_of_a_rule_that_sorts_its_readings_is_above_the_one_before() -> None:
    rule = HOT.replace("raise", "reorder: 5s, raise")
    log = Log(*rules(rule))
    first = [*log.add(10, 35), *log.add(16)]
    log.add(17, news=rules(rule.replace("5s", "6s")))
    again = log.add(18, 35, at=9)
    assert [(one.episode - T0, one.at - T0) for one in (*first, *again)] == [(10_000, 10_000), (10_001, 9_000)]


def test_a_changed_calendar_counts_from_the_next_state_of_a_case() -> None:
    """T0 is Saturday, 08:00. Due on Sunday, 08:00; an hour on is 09:00, by the working days Monday, 01:00."""

    def calendar(hours: str) -> CatalogueChange:
        return CatalogueChange(1, Kind.CALENDAR, "own", Calendar(id="own", country="", hours=hours))

    day = 86_400
    rule = "{id: due, scope: {cases: {}}, kind: deadline, escalate: 1h, calendar: own}"
    known = (*rules(rule), calendar("daily 00:00-24:00"))
    case = Case(case="k", kind=CaseKind.DOSSIER, state=CaseState.OPEN, at=T0, due_at=T0 + day * 1000)
    again = replace(case, at=T0 + 5_000)
    frames = [(0, (case,), ()), (1, (), (calendar("workdays 00:00-24:00"),)), (5, (again,), ()), (9 * day, (), ())]
    for lines, hours in ((frames, 41), ([*frames[:2], frames[3]], 25)):
        engine = Engine("ioc.cases.v1", 0, changes=known)
        found: list[Condition] = []
        for number, (second, events, news) in enumerate(lines):
            place = {"topic": "ioc.cases.v1", "partition": 0, "offset": number}
            at = T0 + second * 1000
            frame = LogFrame[Event](log=at, lines=tuple(enumerate(events)), news=news, **place)  # type: ignore[arg-type]
            delta = engine.fold(frame)
            engine.commit(delta)
            found += [one for one in delta.outputs if isinstance(one, Condition)]
        assert [(one.edge, (one.at - T0) / 3_600_000) for one in found] == [("begin", hours)]
