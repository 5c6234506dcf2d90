"""What a change of rules would change, and whether evidence still holds."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec.structs import replace
from typer.testing import CliRunner

from pipeline.cli.rule import app
from pipeline.core.alerts import Alert, Times
from pipeline.core.clock import rfc3339
from pipeline.core.conditions import Condition, Operand, Severity, Threshold, Why, Window
from pipeline.core.events import Reading
from pipeline.core.machine import LogFrame
from pipeline.explanation import lines_of
from rules.alerts.machine import AlertsMachine
from rules.backtest import backtest, parse_input
from rules.difference import difference
from rules.engine.catalogue import Catalogue
from rules.engine.loader import load_text
from rules.explain import Check, check_comparison, check_operand, check_replay, check_window, replayed, sources
from tests.unit.rules.logs import HOT, T0

SUM = "{id: sum, kind: window, scope: {quantity: rain_depth}, window: {size: 1m, aggregate: sum}, raise: {above: 2}}"


def conditions(rule: str, *values: float) -> list[Condition]:
    """The conditions of a rule over readings ten seconds apart."""
    lines = [
        {"device": "d1", "quantity": "air_temperature", "value": value, "at": T0 + n * 10_000}
        for n, value in enumerate(values)
    ]
    return backtest(load_text(rule).checked(), [parse_input(line) for line in lines])


def test_a_lower_bound_gains_an_alert_and_begins_another_earlier() -> None:
    values = (20, 26, 32, 20, 27, 20, 35, 20)
    found = difference(conditions(HOT, *values), conditions(HOT.replace("30", "25"), *values))
    assert [(one.begin - T0) // 1000 for one in found.gained] == [10, 40]
    assert [(one.begin - T0) // 1000 for one in found.lost] == [20]
    assert found.same == 1


def test_an_alert_of_another_severity_is_neither_gained_nor_lost() -> None:
    graver = HOT.replace("{above: 30}", "{major: {above: 30}}")
    found = difference(conditions(HOT, 35, 20), conditions(graver, 35, 20))
    assert (found.gained, found.lost, found.same) == ((), (), 0)
    assert [(a.highest.value, b.highest.value) for a, b in found.changed] == [("warning", "major")]


def test_backtest_against_prints_gained_and_lost(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(HOT.replace("30", "25"))
    (tmp_path / "old.yaml").write_text(HOT)
    readings = [
        {"device": "d1", "quantity": "air_temperature", "value": value, "at": T0 + n * 10_000}
        for n, value in enumerate((20, 27, 20, 35, 20))
    ]
    (tmp_path / "in.ndjson").write_text("".join(json.dumps(one) + "\n" for one in readings))
    given = ["--rules", str(tmp_path / "new.yaml"), "--against", str(tmp_path / "old.yaml")]
    found = CliRunner().invoke(app, ["backtest", *given, "--input", str(tmp_path / "in.ndjson")])
    assert found.exit_code == 0, found.output
    assert "+ hot|d1|air_temperature warning 2026-11-21T01:00:10Z..2026-11-21T01:00:20Z" in found.output.replace(
        ".000Z", "Z"
    )
    assert "1 gained, 0 lost, 0 otherwise, 1 the same" in found.output


def test_backtest_wants_one_source_and_something_to_tell(tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text(HOT)
    rules = ["--rules", str(tmp_path / "new.yaml")]
    for given in ([], ["--input", "x"], ["--input", "x", "--store", "a..b", "--output", "-"], ["--output", "-"]):
        found = CliRunner().invoke(app, ["backtest", *rules, *given])
        assert "give one of --input, --store and --topic" in str(found.exception)


def reading(value: float, at: int = T0, **fields: int) -> Reading:
    """One reading of d1."""
    return Reading(device="d1", quantity="rain_depth", value=value, at=at, **fields)  # type: ignore[arg-type]


def test_an_operand_is_the_same_only_when_device_time_and_value_are() -> None:
    operand = Operand(device="d1", quantity="rain_depth", value=2.5, at=T0, topic="ioc.readings.v1", offset=3)
    assert check_operand(operand, reading(2.5)).same is True
    assert check_operand(operand, reading(2.6)).same is False
    assert check_operand(operand, reading(2.5, T0 + 1)).same is False
    assert check_operand(operand, None).same is None


def test_a_window_is_summed_again() -> None:
    lines = [
        {"device": "d1", "quantity": "rain_depth", "unit": "mm", "value": value, "at": T0 + n * 10_000}
        for n, value in enumerate((1.0, 0.5, 1.0))
    ]
    (begin,) = backtest(load_text(SUM).checked(), [parse_input(line) for line in lines], until=T0 + 90_000)
    stored = [reading(1.0, T0), reading(0.5, T0 + 10_000), reading(1.0, T0 + 20_000), reading(9.0, T0 + 60_000)]
    assert check_window(begin.why, stored).same is True
    assert check_window(begin.why, stored[1:]).same is False
    assert check_window(begin.why, [*stored[:2], reading(1.1, T0 + 20_000)]).same is False


def test_the_comparison_is_done_again() -> None:
    operand = Operand(device="d1", value=31.0, at=T0)
    for predicate, holds in (
        ({"above": 30.0}, True),
        ({"above": 31.0}, False),
        ({"outside": [10, 30]}, True),
        ({"k": 3}, None),
    ):
        assert check_comparison(Why(operands=(operand,), threshold=Threshold(predicate=predicate))).same is holds
    joined = Window(type="area", start=T0, end=T0 + 1, aggregate="mean", value=50.0, count=2)
    assert check_window(Why(window=joined), []).same is None


STEPS = "{id: hot, kind: threshold, scope: {quantity: air_temperature}, "
STEPS += "raise: {minor: {above: 30}, major: {above: 35}}}"


def test_a_replay_holds_what_an_alert_says_or_tells_what_it_found_instead() -> None:
    lines = [
        {"device": "d1", "quantity": "air_temperature", "unit": "Cel", "value": value, "at": T0 + n * 60_000}
        for n, value in enumerate((20, 31, 36, 20))
    ]
    found = backtest(load_text(STEPS).checked(), [parse_input(line) for line in lines])

    def check(minute: int, severity: Severity, key: str = "hot|d1|air_temperature") -> Check:
        begin = T0 + minute * 60_000
        alert = replace(_alert(Why()), key=key, episode=begin, severity=severity, times=Times(begin=rfc3339(begin)))
        return check_replay(alert, found, "4 records")

    assert check(1, Severity.MINOR).same is True  # it begins there
    assert check(2, Severity.MAJOR).same is True  # it holds there, though it has begun before
    assert check(1, Severity.MAJOR).same is False
    for minute in (0, 3):
        assert check(minute, Severity.MINOR).same is False
    assert "nothing at all" in check(1, Severity.MINOR, "hot|d2|air_temperature").detail


def test_a_replay_takes_the_rules_that_a_rule_counts_and_the_devices_that_were_counted() -> None:
    others = ("{id: c, kind: composite, of: [hot]}", "{id: other, kind: range, scope: {quantity: ph}}")
    text = "\n---\n".join((STEPS, *others))
    rules = {rule.id: rule for rule in load_text(text).checked()}
    why = Why(conditions=("hot|d1|air_temperature", "hot|d2|air_temperature"), operands=(Operand(device="d3", at=T0),))
    alert = replace(_alert(why), key="c|d1", rule="c")
    assert [rule.id for rule in replayed(alert, rules)] == ["c", "hot"]
    assert sources(alert, rules["c"], Catalogue()) == ["d1", "d2", "d3"]


def test_an_explanation_names_bound_origin_validity_and_place() -> None:
    operand = Operand(
        device="d1", quantity="water_level", value=5.8, unit="m", at=T0, topic="t", partition=2, offset=7, line=1
    )
    threshold = Threshold(
        predicate={"above": 5.7}, origin="attribute flood_level_3 of d1", legal="QĐ 18/2021", valid_from=T0
    )
    text = "\n".join(lines_of(_alert(Why(operands=(operand,), threshold=threshold)), []))
    for part in ("5.7", "attribute flood_level_3 of d1, valid 2026-11-21T", "QĐ 18/2021", "t/2/7:1", "5.8 m"):
        assert part in text


def _alert(why: Why) -> Alert:
    (begin,) = conditions(HOT, 35)
    delta = AlertsMachine().fold(LogFrame(topic="c", partition=0, offset=0, log=T0, lines=((0, begin),)))
    return replace(delta.outputs[0].body, why=why)
