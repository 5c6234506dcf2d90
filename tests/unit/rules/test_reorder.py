"""Readings that wait to be sorted, and readings that rules derive."""

from __future__ import annotations

import pytest

from pipeline.core.conditions import Condition
from pipeline.core.events import Reading
from rules.backtest import Backtest, parse_input
from rules.engine.dumps import dump_state, load_state
from rules.engine.loader import load_text
from rules.engine.reorder import ReorderState
from tests.unit.rules.logs import HOT, T0, Log, brief, rules

SORTED = HOT[:-1] + ", reorder: 5s, for: 0}"
KEY = "hot|d1|air_temperature"


def test_order_inside_the_watermark_does_not_matter() -> None:
    one, other = Log(*rules(SORTED)), Log(*rules(SORTED))
    one.add(10, 35, at=8)
    one.add(10, 20, at=9)
    other.add(10, 20, at=9)
    other.add(10, 35, at=8)
    expected = [(KEY, "begin", 8, ""), (KEY, "end", 9, "")]
    assert brief(one.add(20)) == brief(other.add(20)) == expected


def test_without_reorder_the_older_one_is_skipped() -> None:
    log = Log(*rules(HOT))
    assert brief([*log.add(10, 20, at=9), *log.add(10, 35, at=8), *log.add(20)]) == []
    assert log.engine.counters["ioc_rules_out_of_order_would_raise_total"] == 1


def test_a_reading_goes_on_when_the_watermark_has_passed_it() -> None:
    log = Log(*rules(SORTED))
    log.add(10, 35)
    assert log.add(15) == []
    assert brief(log.add(15.001)) == [(KEY, "begin", 10, "")]


def test_a_repeat_that_waits_is_counted_and_behind_the_watermark_order_is_that_of_the_log() -> None:
    log = Log(*rules(SORTED))
    log.add(10, 35)
    log.add(10, 20)
    assert brief(log.add(20)) == [(KEY, "begin", 10, "")]
    assert log.engine.counters["ioc_rules_duplicates_total"] == 1
    assert log.add(20, 99, at=9) == []
    assert log.engine.counters["ioc_rules_out_of_order_total"] == 1


def test_a_late_reading_is_judged_alone_at_once() -> None:
    log = Log(*rules(SORTED))
    found = log.add(10, 35, reading={"historical": True})
    assert [(one.edge.value, one.late) for one in found] == [("begin", True), ("end", True)]


def test_a_reading_that_waited_through_a_long_silence_is_not_late() -> None:
    log = Log(*rules(SORTED))
    log.add(10, 35)
    assert [one.late for one in log.add(50_000)][:1] == [False]


def test_evidence_names_the_place_of_the_reading_that_waited() -> None:
    log = Log(*rules(SORTED))
    log.add(9)
    log.add(10, 35)
    assert log.add(20)[0].why.operands[0].offset == 1


def test_the_state_of_what_waits_and_of_the_kind_survives_a_dump() -> None:
    log = Log(*rules(SORTED))
    log.add(10, 35)
    log.add(16, 36)
    state = load_state(log.engine.dump(f"c|{KEY}".encode()) or b"")
    assert isinstance(state, ReorderState)
    assert (len(state.waiting), state.inner.phase) == (1, 2)
    assert load_state(dump_state(state)) == state


def test_reorder_is_refused_where_event_time_rules_anyway() -> None:
    text = "{id: w, kind: window, scope: {quantity: rain_depth}, reorder: 5s, raise: {above: 1}, "
    text += "window: {size: 1h, aggregate: sum}}"
    assert [mistake.field for mistake in load_text(text).mistakes] == ["reorder"]


DERIVED = """
id: b.heat
kind: derive
scope: {devices: [d1]}
formula: heat_index
---
id: a.hot
kind: threshold
scope: {quantity: heat_index}
raise: {above: 40}
---
id: c.mean
kind: window
scope: {quantity: heat_index}
window: {type: count, size: 2, aggregate: min}
raise: {above: 40}
"""


def derived(*lines: tuple[str, float, float], until: float) -> tuple[list[Condition], list[Reading]]:
    """Conditions and derived readings of (quantity, second, value)."""
    inputs = [
        parse_input({"device": "d1", "quantity": quantity, "value": value, "at": T0 + round(second * 1000)})
        for quantity, second, value in lines
    ]
    run = Backtest(load_text(DERIVED).checked(), [])
    return run.run(inputs, T0 + round(until * 1000)), run.derived


def test_a_derived_reading_is_judged_in_the_same_fold_by_rules_of_any_id() -> None:
    conditions, readings = derived(
        ("air_temperature", 0, 32.3), ("relative_humidity", 0, 70), ("relative_humidity", 60, 72), until=300
    )
    assert [(one.quantity, one.at, one.unit) for one in readings] == [
        ("heat_index", T0, "Cel"),
        ("heat_index", T0 + 60_000, "Cel"),
    ]
    assert [one.value for one in readings] == pytest.approx([41.3, 41.9], abs=0.2)  # NWS: 90 F at 70 % is 106 F
    assert [(one.rule, one.edge.value, one.at - T0) for one in conditions] == [
        ("a.hot", "begin", 0),
        ("c.mean", "begin", 60_000),
    ]
    assert conditions[0].why.operands[0].quantity == "heat_index"


@pytest.mark.parametrize("quantity", ["heat_index", "nesterov", "nonsense"])
def test_a_formula_reads_no_derived_quantity_so_that_no_two_feed_one_another(quantity: str) -> None:
    text = "{id: x, kind: derive, scope: {devices: [d1]}, formula: heat_index, "
    text += f"inputs: {{air_temperature: {quantity}}}}}"
    assert [mistake.field for mistake in load_text(text).mistakes] == ["inputs.air_temperature"]
