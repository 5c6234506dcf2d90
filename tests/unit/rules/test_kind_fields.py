"""Wrong rules of every kind: refused by field, and right ones next to them taken."""

from __future__ import annotations

import pytest

from pipeline.core.conditions import Severity
from pipeline.core.events import Reading
from pipeline.core.machine import LogFrame
from rules.engine.catalogue import Catalogue
from rules.engine.fold import Fold
from rules.engine.loader import load_text
from rules.engine.watch import Entity
from rules.kinds.baseline import BaselineWatch, Profile
from rules.kinds.deadline import DeadlineWatch
from tests.unit.rules.logs import T0

SERIES = "scope: {quantity: water_level}, "
LEVEL = SERIES + "raise: {above: 1}, "
WINDOW = LEVEL + "kind: window, window: "
FENCE = "scope: {quantity: vessel_speed}, kind: geofence, "
SQUARE = "polygon: [[0, 0], [1, 0], [1, 1]], "
CASES = "scope: {cases: {case: dossier}}, kind: deadline, "
PAIR = "first: {quantity: door, equals: open}, then: {quantity: presence, equals: here}, "


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (LEVEL + "kind: repeat, times: 3", "of"),
        (LEVEL + "kind: repeat, times: 3, of: 2", "of"),
        (LEVEL + "kind: repeat, times: 3, of: 5, within: 1m", "of"),
        (LEVEL + "kind: repeat, of: 5", "times"),
        (LEVEL + "kind: rate, over: 1h", "per"),
        (LEVEL + "kind: rate, per: 1h", "over"),
        (LEVEL + "kind: rate, per: 1h, readings: 3, method: least_squares", "readings"),
        (LEVEL + "kind: rate, per: 1h, over: 1h, method: slope", "method"),
        (SERIES + "kind: jump, within: 1m", "limit"),
        (SERIES + "kind: jump, limit: -1, within: 1m", "limit"),
        (LEVEL + "kind: jump, limit: 1, within: 1m", "raise"),
        (SERIES + "kind: range, range: [3, 2]", "range"),
        ("scope: {quantity: clock_skew}, kind: range", "range"),
        (SERIES + "kind: flatline, n: 1, over: 1h", "n"),
        (SERIES + "kind: flatline, n: 3, over: 1h, eps: -1", "eps"),
        (SERIES + "kind: baseline, z: 0", "z"),
        (SERIES + "kind: baseline, z: 3, side: left", "side"),
        (SERIES + "kind: forecast, level: high, horizon: 1h, over: 1h", "level"),
        (SERIES + "kind: forecast, level: 3, over: 1h", "horizon"),
        (WINDOW + "{type: session, aggregate: count}", "window.gap"),
        (WINDOW + "{type: session, gap: 1m, size: 1m, aggregate: count}", "window.size"),
        (WINDOW + "{type: count, size: 1h, aggregate: mean}", "window.size"),
        (WINDOW + "{type: count, size: 3, aggregate: mean, min_coverage: 0.5}", "window.min_coverage"),
        (WINDOW + "{type: sliding, size: 1h, every: 1m, aggregate: mean}", "window.every"),
        (WINDOW + "{size: 1h, aggregate: mean, early: true}", "window.early"),
        (WINDOW + "{size: 1h, aggregate: sum, early: true}", "window.early"),
        (WINDOW + "{size: 1h, aggregate: min, early: true}", "window.early"),
        (WINDOW + "{size: 1h, aggregate: max, early: true}, for: 1h", "window.early"),
        (FENCE + "event: enter", "polygon"),
        (FENCE + "event: enter, polygon: [[0, 0], [1, 1]]", "polygon"),
        (FENCE + SQUARE + "event: enter, area: a", "polygon"),
        (FENCE + SQUARE + "event: dwell", "dwell"),
        (FENCE + SQUARE + "event: cross", "event"),
        ("scope: {tags: [a]}, kind: sequence, " + PAIR, "within"),
        ("scope: {tags: [a]}, kind: sequence, within: 1m, for: 1m, " + PAIR, "for"),
        ("scope: {quantity: mode}, kind: sequence, within: 1m, " + PAIR, "first.quantity"),
        ("scope: {detections: {zone: z}}, kind: sequence, within: 1m, " + PAIR, "first.event"),
        (CASES + "shadow: false", "overdue"),
        (CASES + "overdue: soon", "overdue"),
        (CASES + "due_soon: {severity: minor}", "due_soon.before"),
        ("scope: {quantity: water_level}, kind: deadline, overdue: true", "scope.cases"),
        ("scope: {cases: {case: dossier}}, raise: {above: 1}, kind: threshold", "scope.cases"),
        ("scope: {cases: {case: file}}, kind: deadline, overdue: true", "scope.cases.case"),
        ("kind: composite, of: [b], unless: [b]", "unless"),
        ("kind: composite, of: [b], unless: [c], same: {radius: 3km}", "unless"),
        ("kind: recurrence, of: [b], times: 1, within: 1h", "times"),
        ("kind: recurrence, of: [b], times: 3", "within"),
        ("kind: recurrence, of: [], times: 3, within: 1h", "of"),
        ("kind: recurrence, of: [b], times: 3, within: 0s", "within"),
        ("kind: recurrence, of: [b], times: 3, within: 1h, same: {radius: 3km}", "same"),
        ("kind: recurrence, of: [b], times: 3, within: 1h, severity: grave", "severity"),
        ("scope: {tags: [a]}, kind: derive, formula: aqi", "formula"),
        ("scope: {quantity: pm10}, kind: derive, formula: vn_aqi_hour", "scope"),
        ("scope: {tags: [a]}, kind: derive, formula: los, inputs: {speed: mean_speed}", "inputs.speed"),
    ],
)
def test_a_wrong_rule_is_refused_by_field_and_line(text: str, field: str) -> None:
    found = load_text("{id: a, " + text + "}\n", "f.yaml")
    assert found.rules == ()
    assert field in [mistake.field for mistake in found.mistakes]
    assert {mistake.where for mistake in found.mistakes} == {"f.yaml:1"}


def _fold(log: int) -> Fold:
    return Fold(LogFrame(topic="t", partition=0, offset=0, log=log), log, {}, {})


@pytest.mark.parametrize(("weeks", "begins"), [(4, 1), (3, 0)])
def test_a_profile_of_four_weeks_is_what_a_value_is_judged_by(weeks: int, begins: int) -> None:
    rule = load_text("{id: a, scope: {quantity: water_level}, kind: baseline, z: 3}").checked()[0]
    watch = BaselineWatch(rule, Entity("d", "water_level"), Catalogue(), lambda _: Profile(10.0, 1.0, weeks))
    fold = _fold(T0)
    watch.read(fold, Reading(device="d", quantity="water_level", at=T0, value=14.5), 0)  # z = 4.5 / 1.4826 = 3.04
    assert len(fold.outputs) == begins


def test_stages_of_a_deadline_are_laid_out_in_working_time() -> None:
    """A calendar in which time counts half: two hours of work take four."""
    text = "{id: a, scope: {cases: {case: dossier}}, kind: deadline, due_soon: 2h, overdue: true, escalate: 1h}"
    rule = load_text(text).checked()[0]
    watch = DeadlineWatch(rule, Entity("k"), Catalogue(), lambda at, ms: at + 2 * ms)
    due, hour, fold = T0 + 36_000_000, 3_600_000, _fold(T0)
    watch.read(fold, Reading(device="k", quantity="dossier", at=T0, value=float(due), text="open"), 0)
    state = fold.state(watch.key)
    assert state.times == (due - 4 * hour, due, due + 2 * hour)
    assert [stage.severity for stage in rule.own.stages] == [Severity.WARNING, Severity.MAJOR, Severity.CRITICAL]
