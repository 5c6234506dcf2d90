"""Headlines as an operator says them; the machine's answers to operators."""

from __future__ import annotations

from typing import Any

from pipeline.core.alerts import AlertEvent, Text
from pipeline.core.conditions import Condition, ConditionLine, Progress, Verb, VerbName
from pipeline.core.machine import LogFrame
from rules.alerts.machine import AlertsMachine
from rules.alerts.state import AlertOutput
from rules.backtest import backtest, parse_input, rule_changes
from rules.catalogue_files import read_catalogue
from rules.engine.loader import load_text
from tests.unit.rules.logs import device

RULE = """
id: river
title: {vi: Mực nước vượt báo động, en: River above alarm level}
kind: threshold
scope: {quantity: water_level}
raise: {minor: {above: 4.2}, critical: {above: 5.7}}
"""
PLACE = device("r1", title=Text("Trạm Ninh Hòa", "Ninh Hoa station"), point=(109.1, 12.5))


def conditions(*values: float, rule: str = RULE, **fields: Any) -> list[Condition]:
    lines = [
        {"device": "r1", "quantity": "water_level", "unit": "m", "value": value, "at": f"2026-11-21T01:{n:02}:00Z"}
        for n, value in enumerate(values)
    ]
    return backtest(load_text(rule).checked(), [parse_input(line | fields) for line in lines], catalogue=[PLACE])


class Desk:
    """A machine fed line by line."""

    def __init__(self) -> None:
        self.machine = AlertsMachine(changes=[PLACE, *rule_changes(load_text(RULE).checked())])
        self.offset = 0

    def add(self, *lines: ConditionLine) -> list[AlertOutput]:
        numbered = tuple(enumerate(lines))
        frame = LogFrame(topic="c", partition=0, offset=self.offset, log=1_795_222_800_000, lines=numbered)
        self.offset += 1
        delta = self.machine.fold(frame)
        self.machine.commit(delta)
        return delta.outputs

    def verb(self, verb: VerbName, seen: int, id_: str = "v1", **fields: Any) -> AlertOutput:
        outputs = self.add(
            Verb(id=id_, verb=verb, key="river|r1|water_level", by="lan", at=1_795_222_800_000, seen=seen, **fields)
        )
        return outputs[0]


def test_a_headline_is_time_place_figure_and_relation() -> None:
    (raised,) = Desk().add(*conditions(6.26))
    assert raised.body.headline == Text(
        "08:00 21/11 | Trạm Ninh Hòa | 6,26 m | trên mức 5,70 m",
        "08:00 21/11 | Ninh Hoa station | 6.26 m | above 5.70 m",
    )
    assert raised.body.location == {"type": "Point", "coordinates": [109.1, 12.5]}


def test_an_ended_alert_says_that_it_is_over() -> None:
    cleared = Desk().add(*conditions(6.26, 4.0))[-1]
    assert cleared.type is AlertEvent.CLEARED
    assert cleared.body.headline.vi == "08:01 21/11 | Trạm Ninh Hòa | 4,00 m | đã hết: Mực nước vượt báo động"
    assert (cleared.body.severity, cleared.body.highest) == ("cleared", "critical")


def test_an_area_names_itself_its_figure_and_over_how_many_points() -> None:
    rule = (
        "{id: river, kind: area, scope: {quantity: water_level, area: ninh-hoa}, aggregate: share, of: {above: 4.2}, "
        "every: 10m, raise: {above: 0.25}, title: {vi: Lũ trên diện rộng, en: Widespread flood}}"
    )
    places = read_catalogue(
        [
            {"kind": "area", "id": "ninh-hoa", "title": {"vi": "Phường Ninh Hòa", "en": "Ninh Hoa ward"}},
            {"kind": "site", "id": "s", "area": "ninh-hoa"},
        ]
    )
    lines = [
        {"device": name, "quantity": "water_level", "unit": "m", "value": value, "at": "2026-11-21T01:00:00Z"}
        for name, value in (("r1", 5.0), ("r2", 3.0), ("r3", 3.0), ("r4", 6.0))
    ]
    devices = [device(name) for name in ("r1", "r2", "r3", "r4")]
    found = backtest(
        load_text(rule).checked(),
        [parse_input(line) for line in lines],
        catalogue=[*places, *devices],
        until=1_795_222_800_000 + 60_000,
    )
    machine = AlertsMachine(changes=[*places, *devices, *rule_changes(load_text(rule).checked())])
    frame = LogFrame[ConditionLine](topic="c", partition=0, offset=0, log=1_795_222_800_000, lines=((0, found[0]),))
    (raised,) = machine.fold(frame).outputs
    assert raised.body.headline == Text(
        "08:00 21/11 | Phường Ninh Hòa | 50 % của 4 điểm đo | trên mức 25 %",
        "08:00 21/11 | Ninh Hoa ward | 50 % over 4 points | above 25 %",
    )
    assert (raised.body.entity.kind, raised.body.entity.areas) == ("area", ("ninh-hoa",))


def test_a_composite_says_how_many_alerts_there_are_at_once() -> None:
    rules = f"{RULE}\n---\n{{id: both, kind: composite, of: [river], title: {{vi: Hai nơi, en: Two places}}}}"
    until = 1_795_222_800_000 + 60_000
    line = {"device": "r1", "quantity": "water_level", "unit": "m", "value": 6.26, "at": "2026-11-21T01:00:00Z"}
    loaded = load_text(rules).checked()
    (begin,) = [
        one for one in backtest(loaded, [parse_input(line)], catalogue=[PLACE], until=until) if one.rule == "both"
    ]
    machine = AlertsMachine(changes=[PLACE, *rule_changes(loaded)])
    (raised,) = machine.fold(LogFrame(topic="c", partition=0, offset=0, log=until, lines=((0, begin),))).outputs
    assert raised.body.headline == Text(
        "08:00 21/11 | Trạm Ninh Hòa | 1 cảnh báo cùng lúc | Hai nơi",
        "08:00 21/11 | Ninh Hoa station | 1 condition at once | Two places",
    )


def test_a_recurrence_names_the_site_and_how_often_it_was() -> None:
    rules = f"{RULE}\n---\n{{id: often, kind: recurrence, of: [river], times: 2, within: 30m, same: site, "
    rules += "title: {vi: Lũ lặp lại, en: Floods again}}"
    places = read_catalogue(
        [
            {"kind": "area", "id": "ninh-hoa", "title": {"vi": "Phường Ninh Hòa", "en": "Ninh Hoa ward"}},
            {
                "kind": "site",
                "id": "s",
                "area": "ninh-hoa",
                "point": [109.12, 12.49],
                "title": {"vi": "Cầu Dinh", "en": "Dinh bridge"},
            },
        ]
    )
    lines = [
        {"device": "r1", "quantity": "water_level", "unit": "m", "value": value, "at": f"2026-11-21T01:0{n}:00Z"}
        for n, value in enumerate((6.26, 4.0, 6.3))
    ]
    loaded, until = load_text(rules).checked(), 1_795_222_800_000 + 600_000
    inputs = [parse_input(line) for line in lines]
    found = [one for one in backtest(loaded, inputs, catalogue=[*places, PLACE], until=until) if one.rule == "often"]
    machine = AlertsMachine(changes=[*places, PLACE, *rule_changes(loaded)])
    (raised,) = machine.fold(LogFrame(topic="c", partition=0, offset=0, log=until, lines=((0, found[0]),))).outputs
    assert raised.body.headline == Text(
        "08:02 21/11 | Cầu Dinh | 2 lần trong 30 phút | Lũ lặp lại",
        "08:02 21/11 | Dinh bridge | 2 times in 30 min | Floods again",
    )
    entity = raised.body.entity
    assert (entity.kind, entity.id, entity.site, entity.areas) == ("site", "s", "s", ("ninh-hoa",))
    assert raised.body.location == {"type": "Point", "coordinates": [109.12, 12.49]}


def test_it_closes_the_moment_it_is_both_cleared_and_acknowledged() -> None:
    desk = Desk()
    begin, end = conditions(6.26, 4.0)
    desk.add(begin)
    assert desk.verb(VerbName.ACK, 1).type is AlertEvent.ACKNOWLEDGED
    assert [one.type for one in desk.add(end)] == [AlertEvent.CLEARED, AlertEvent.CLOSED]
    assert desk.machine.open_alerts() == {}


def test_a_new_episode_supersedes_one_that_is_cleared_and_unacknowledged() -> None:
    outputs = Desk().add(*conditions(6.26, 4.0, 6.0))
    assert [one.type.split(".")[3] for one in outputs] == ["raised", "cleared", "closed", "raised"]
    assert outputs[2].body.state.closed.reason == "superseded"
    assert [one.sequence for one in outputs] == [1, 2, 3, 4]


def test_an_ack_is_refused_when_the_severity_rose_since() -> None:
    desk = Desk()
    desk.add(*conditions(4.5, 6.0))
    refused = desk.verb(VerbName.ACK, seen=1)
    assert refused.type is AlertEvent.REFUSED
    assert refused.body.refused == "the severity has risen since"
    assert desk.verb(VerbName.ACK, seen=2, id_="v2").type is AlertEvent.ACKNOWLEDGED


def test_an_ack_is_refused_when_another_verb_was_applied_since() -> None:
    desk = Desk()
    desk.add(*conditions(4.5))
    desk.verb(VerbName.COMMENT, 1, note="đang kiểm tra")
    assert desk.verb(VerbName.ACK, seen=1, id_="v2").body.refused == "someone else has acted on it since"


def test_an_unsupported_verb_and_an_unknown_alert_are_refused_with_an_event() -> None:
    desk = Desk()
    assert desk.verb(VerbName.ACK, 1).body.refused == "there is no such alert"
    desk.add(*conditions(4.5))
    assert desk.verb(VerbName.SHELVE, 1, id_="v2").body.refused == "shelve is not supported yet"


def test_shadow_conditions_never_alert() -> None:
    desk = Desk()
    assert desk.add(*conditions(6.26, rule=RULE + "shadow: true\n")) == []
    assert desk.machine.counters["ioc_alerts_shadow_total"] == 1


def test_everything_is_judged_up_to_the_slowest_source() -> None:
    desk = Desk()
    assert desk.machine.upto() is None
    desk.add(Progress(source="ioc.readings.v1/0", log=5), Progress(source="ioc.readings.v1/1", log=9))
    desk.add(Progress(source="ioc.readings.v1/0", log=4))
    assert desk.machine.upto() == 5


def test_a_late_episode_leaves_the_open_alert_as_it_is() -> None:
    desk = Desk()
    desk.add(*conditions(6.26))
    before = desk.machine.open_alerts()["river|r1|water_level"].alert
    outputs = desk.add(*conditions(6.0, historical=True))
    assert [one.type.split(".")[3] for one in outputs] == ["raised", "cleared", "closed"]
    assert not any(one.tells_state for one in outputs)
    assert desk.machine.open_alerts()["river|r1|water_level"].alert == before
