"""Stage 2 in the alerts worker: who reports what, reloads, faults."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.catalogue import Area, Kind
from pipeline.core.conditions import Condition, ConditionEdge, ConditionLine, Partial, Progress, Severity, condition_id
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.alerts.machine import AlertsMachine
from rules.kinds.gathering import Gathering
from tests.unit.rules.logs import T0, broken_rule, device, gone, rules

MEMBER = "{id: m, kind: threshold, scope: {quantity: rain_rate}, raise: {above: 1}}"
ANY = "{id: c, kind: composite, of: [m], match: any, severity: major}"
SOURCE = "ioc.readings.v1/0"


class Desk:
    """An alerts worker and its log."""

    def __init__(self, *changes: CatalogueChange) -> None:
        self.machine = AlertsMachine(changes=changes, expected=(SOURCE,))
        self.offset = 0

    def add(
        self, second: float, *lines: ConditionLine, news: tuple[CatalogueChange, ...] = ()
    ) -> list[tuple[Any, ...]]:
        """Fold a frame; key, event, time in seconds and reason of each alert event."""
        log = T0 + round(second * 1000)
        frame = LogFrame[ConditionLine](
            topic="ioc.conditions.v1",
            partition=0,
            offset=self.offset,
            log=log,
            lines=tuple(enumerate(lines)),
            news=news,
        )
        self.offset += 1
        delta = self.machine.fold(frame)
        self.machine.commit(delta)
        return [(one.key, one.type.name.lower(), (one.time - T0) / 1000, one.body.reason) for one in delta.outputs]


def wet(second: float, edge: ConditionEdge, begin: float = 0, *, shadow: bool = False, name: str = "d1") -> Condition:
    """An edge of the member's condition."""
    key, episode = f"m|{name}|rain_rate", T0 + round(begin * 1000)
    n = 0 if edge is ConditionEdge.BEGIN else 1
    return Condition(
        id=condition_id("m", key, episode, n),
        rule="m",
        rule_version="v",
        key=key,
        episode=episode,
        n=n,
        edge=edge,
        severity=Severity.MINOR,
        at=T0 + round(second * 1000),
        log=T0,
        device=name,
        shadow=shadow,
    )


def upto(second: float) -> Progress:
    """The source's progress."""
    return Progress(source=SOURCE, log=T0 + round(second * 1000))


BEGIN, END = ConditionEdge.BEGIN, ConditionEdge.END


def test_a_broken_document_is_reported_once_and_ends_when_it_is_mended() -> None:
    desk = Desk(broken_rule("bad"))
    assert desk.add(0) == [("sys.rule_failed|bad", "raised", 0, "")]
    assert desk.add(1) == []
    assert desk.add(2, news=(gone(Kind.RULE, "bad"),)) == [("sys.rule_failed|bad", "cleared", 2, "")]


def test_a_document_that_breaks_while_running_is_reported_with_file_field_and_allowed_values() -> None:
    desk = Desk(*rules(MEMBER))
    desk.add(0)
    assert desk.add(1, news=(broken_rule("m"),)) == [("sys.rule_failed|m", "raised", 1, "")]
    (state,) = desk.machine.open_alerts().values()
    assert state.alert is not None
    assert "kind: 'nonsense' is not valid; expected one of absence, area" in state.alert.why.detail
    assert "giá trị không hợp lệ; cần một trong absence, area" in state.alert.why.detail


def test_rules_that_count_one_another_are_out_of_service_and_the_others_go_on() -> None:
    ring = (*rules("{id: x, kind: composite, of: [y]}"), *rules("{id: y, kind: composite, of: [x]}"))
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}"), *ring)
    assert [key for key, *_ in desk.add(0)] == ["sys.rule_failed|x", "sys.rule_failed|y"]
    desk.add(1, wet(0, BEGIN))
    assert desk.add(11, upto(11)) == [("c|d1", "raised", 0, "")]


def test_a_condition_acts_when_w2_has_passed_it_and_not_before() -> None:
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}"))
    desk.add(0, wet(0, BEGIN))
    assert desk.add(10, upto(10)) == []
    assert desk.add(10.001, upto(10.001)) == [("c|d1", "raised", 0, "")]


def test_nothing_is_judged_before_every_source_has_told_its_progress() -> None:
    machine = AlertsMachine(changes=rules(f"{MEMBER}\n---\n{ANY}"), expected=(SOURCE, "ioc.readings.v1/1"))
    lines = ((0, wet(0, BEGIN)), (1, upto(100)))
    delta = machine.fold(LogFrame[ConditionLine](topic="c", partition=0, offset=0, log=T0, lines=lines))
    assert [one.key for one in delta.outputs] == ["m|d1|rain_rate"]


def test_a_shadow_member_counts_and_a_shadow_composite_alerts_nobody() -> None:
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}"))
    desk.add(0, wet(0, BEGIN, shadow=True))
    assert desk.add(11, upto(11)) == [("c|d1", "raised", 0, "")]
    shadow = Desk(*rules(f"{MEMBER}\n---\n{ANY.replace('severity', 'shadow: true, severity')}"))
    shadow.add(0, wet(0, BEGIN))
    assert shadow.add(11, upto(11)) == []
    assert shadow.machine.counters["ioc_alerts_shadow_total"] == 1


def test_a_composite_that_comes_while_conditions_live_counts_them() -> None:
    desk = Desk(*rules(MEMBER))
    desk.add(0, wet(0, BEGIN), upto(0))
    desk.add(1, wet(1, BEGIN, 1, name="d2"), wet(2, END, 1, name="d2"))
    assert desk.add(30, upto(30), news=rules(ANY)) == [("c|d1", "raised", 0, "")]


def test_texts_and_for_may_change_and_the_members_may_not() -> None:
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}"))
    desk.add(0, wet(0, BEGIN))
    desk.add(11, upto(11))
    kept = ANY.replace("severity", "for: 1m, title: x, severity")
    assert desk.add(12, news=rules(kept)) == []
    changed = desk.add(13, news=rules(ANY.replace("[m]", "[m, n]")))
    assert changed == [("c|d1", "cleared", 13, "rule_changed")]


def test_a_removed_composite_ends_its_conditions_and_those_who_count_them_learn_it() -> None:
    above = "{id: e, kind: composite, of: [c], match: any, severity: major}"
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}\n---\n{above}"))
    desk.add(0, wet(0, BEGIN))
    assert [one[:2] for one in desk.add(11, upto(11))] == [("c|d1", "raised"), ("e|d1", "raised")]
    assert desk.add(12, news=(gone(Kind.RULE, "c"),)) == [("c|d1", "cleared", 12, "rule_removed")]
    assert desk.add(30, upto(30)) == [("e|d1", "cleared", 12, "")]


def test_a_rule_that_throws_in_stage_2_goes_out_of_service_with_one_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    other = ANY.replace("id: c", "id: d").replace("major", "minor")
    desk = Desk(*rules(f"{MEMBER}\n---\n{ANY}\n---\n{other}"))
    desk.add(0, wet(0, BEGIN))
    desk.add(11, upto(11))
    usual = Gathering.advance

    def advance(self: Gathering, *given: Any) -> Any:
        if self.rule.id == "c":
            raise ZeroDivisionError("oh")
        return usual(self, *given)

    monkeypatch.setattr(Gathering, "advance", advance)
    found = desk.add(12, wet(12, BEGIN, 12, name="d2"), upto(30))
    assert ("c|d1", "cleared", 12, "rule_failed") in found
    assert ("sys.rule_failed|c", "raised", 12, "") in found
    assert ("d|d2", "raised", 12, "") in found
    assert [one for one in desk.add(40, wet(40, BEGIN, 40, name="d3"), upto(60)) if one[0].startswith("c|")] == []
    monkeypatch.undo()
    mended = desk.add(61, news=rules(ANY.replace("match: any, ", "")))
    assert ("sys.rule_failed|c", "cleared", 61, "") in mended
    assert {key for key, event, *_ in desk.add(80, upto(80)) if event == "raised"} == {"c|d1", "c|d2", "c|d3"}


def test_a_share_replaces_its_predecessor_and_one_of_another_rule_version_is_left_out() -> None:
    area = "{id: a, kind: area, scope: {quantity: rain_rate, area: x}, aggregate: sum, every: 10s, raise: {above: 5}}"
    (change,) = rules(area)
    desk = Desk(change, device("d1"), CatalogueChange(1, Kind.AREA, "x", Area(id="x")))
    shape = desk.machine.second.world.rules["a"].shape

    def share(value: float, shape: str) -> Partial:
        body = {"shape": shape, "count": 1, "hits": 1, "memory": [value], "operands": []}
        return Partial(rule="a", area="x", source=SOURCE, pane=T0, value=body)

    desk.add(0, share(9.0, shape), share(6.0, shape), share(100.0, "another"))
    assert desk.add(11, upto(11)) == [("a|x", "raised", 0, "")]
    (state,) = desk.machine.open_alerts().values()
    assert state.alert is not None
    assert state.alert.why.window is not None
    assert state.alert.why.window.value == 6.0
    assert state.alert.entity.kind == "area"


def test_an_area_that_ends_takes_its_condition_with_it() -> None:
    rule = "{id: a, kind: area, scope: {quantity: rain_rate, area: x}, aggregate: sum, every: 10s, raise: {above: 5}}"
    end = CatalogueChange(1, Kind.AREA, "x", Area(id="x", valid_to=T0 + 60_000))
    desk = Desk(*rules(rule), end)
    shape = desk.machine.second.world.rules["a"].shape
    body = {"shape": shape, "count": 1, "hits": 1, "memory": [9.0], "operands": []}
    desk.add(0, Partial(rule="a", area="x", source=SOURCE, pane=T0, value=body))
    assert desk.add(11, upto(11)) == [("a|x", "raised", 0, "")]
    assert desk.add(59) == []
    assert desk.add(60) == [("a|x", "cleared", 60, "out_of_scope")]
