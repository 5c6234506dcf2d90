"""Changes of rules and devices, failures, producers and gaps."""

from __future__ import annotations

import pytest

from pipeline.core.catalogue import Area, DeviceType, Kind, Site
from pipeline.core.machine import CatalogueChange
from rules.engine import producers
from rules.kinds.threshold import ThresholdWatch
from tests.unit.rules.logs import HOT, Log, brief, broken_rule, device, gone, rules

KEY = "hot|d1|air_temperature"


def test_a_changed_number_keeps_the_episode_and_acts_at_the_next_reading() -> None:
    log = Log(*rules(HOT))
    assert brief(log.add(0, 35)) == [(KEY, "begin", 0, "")]
    assert log.add(1, news=rules(HOT.replace("30", "40"))) == []
    ended = log.add(2, 35)
    assert brief(ended) == [(KEY, "end", 2, "")]
    assert (ended[0].n, ended[0].why.threshold.predicate) == (1, {"above": 40.0})  # type: ignore[union-attr]


def test_a_rule_changed_in_kind_of_comparison_ends_its_conditions() -> None:
    log = Log(*rules(HOT))
    log.add(0, 35)
    assert brief(log.add(1, news=rules(HOT.replace("above", "below")))) == [(KEY, "end", 1, "rule_changed")]
    assert brief(log.add(2, 20)) == [(KEY, "begin", 2, "")]


def test_a_removed_rule_ends_its_conditions() -> None:
    log = Log(*rules(HOT))
    log.add(0, 35)
    assert brief(log.add(1, news=(gone(Kind.RULE, "hot"),))) == [(KEY, "end", 1, "rule_removed")]
    assert log.add(2, 36) == []


def test_a_retired_device_is_out_of_scope() -> None:
    log = Log(*rules(HOT), device("d1"))
    log.add(0, 35)
    assert brief(log.add(1, news=(device("d1", retired_at=5),))) == [(KEY, "end", 1, "out_of_scope")]
    assert log.add(2, 36) == []


def test_a_device_that_moves_out_of_the_sites_of_a_rule_is_out_of_scope() -> None:
    log = Log(*rules(HOT.replace("air_temperature}", "air_temperature, sites: [s]}")), device("d1"))
    log.add(0, 35)
    assert brief(log.add(1, news=(device("d1", site="elsewhere"),))) == [(KEY, "end", 1, "out_of_scope")]


def test_news_takes_effect_before_the_lines_of_its_frame() -> None:
    log = Log()
    assert brief(log.add(0, 35, news=rules(HOT))) == [(KEY, "begin", 0, "")]


def test_a_rule_that_throws_goes_out_of_service_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(*rules(HOT + "\n---\n" + HOT.replace("id: hot", "id: warm")))
    log.add(0, 35)
    usual = ThresholdWatch.read

    def read(self: ThresholdWatch, *args: object) -> None:
        if self.rule.id == "hot":
            raise ZeroDivisionError("oh")
        usual(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(ThresholdWatch, "read", read)
    assert brief(log.add(1, 10)) == [
        (KEY, "end", 1, "rule_failed"),
        ("sys.rule_failed|hot", "begin", 1, ""),
        ("warm|d1|air_temperature", "end", 1, ""),
    ]
    assert log.add(2, 10, 11) == []
    monkeypatch.undo()
    assert brief(log.add(3, news=rules(HOT.replace("30", "31")))) == [("sys.rule_failed|hot", "end", 3, "")]
    assert brief(log.add(4, 35))[0] == (KEY, "begin", 4, "")


def test_a_broken_document_ends_the_rules_conditions_and_is_told_by_no_partition() -> None:
    log = Log(*rules(HOT))
    log.add(0, 35)
    assert brief(log.add(1, news=(broken_rule("hot"),))) == [(KEY, "end", 1, "rule_failed")]
    assert log.add(2, 40) == []
    assert log.add(3, news=rules(HOT)) == []
    assert brief(log.add(4, 35)) == [(KEY, "begin", 4, "")]


def test_a_silent_producer_is_one_condition_and_absence_waits_for_it() -> None:
    lost = "{id: lost, kind: absence, scope: {quantity: air_temperature}, after: 60s}"
    log = Log(*rules(lost))
    log.add(0, 20, producer="gw-1")
    assert log.add(30, producer="cam") == []
    assert brief(log.add(30.001, producer="cam")) == [("sys.producer|gw-1", "begin", 30, "")]
    for second in range(50, 200, 25):
        assert log.add(second, producer="cam") == []
    assert brief(log.add(200, producer="gw-1")) == [("sys.producer|gw-1", "end", 200, "")]
    for second in (225, 245, 260):
        assert not [one for one in log.add(second, producer="gw-1") if one.rule == "lost"]
    assert brief(log.add(260.5, producer="gw-1")) == [("lost|d1|air_temperature", "begin", 260, "")]


def test_only_the_reporting_partition_tells_of_silent_producers() -> None:
    log = Log(reports_producers=False)
    log.add(0, producer="gw-1")
    assert log.add(100) == []
    assert log.engine.dump(producers.producer_key("gw-1")) is not None


def test_a_lost_piece_of_the_log_is_told_at_once() -> None:
    found = Log().add(0, lost=7)
    assert brief(found) == [
        ("sys.gap|ioc.readings.v1/0", "begin", 0, ""),
        ("sys.gap|ioc.readings.v1/0", "end", 0, ""),
    ]
    assert found[0].why.count == 7


def test_out_of_order_readings_are_skipped_and_counted() -> None:
    log = Log(*rules(HOT))
    log.add(10, 20)
    assert log.add(11, 50, at=9) == []
    assert log.add(11, 20, at=10) == []
    assert log.engine.counters["ioc_rules_out_of_order_total"] == 1
    assert log.engine.counters["ioc_rules_out_of_order_would_raise_total"] == 1
    assert log.engine.counters["ioc_rules_duplicates_total"] == 1


def test_log_time_never_steps_back() -> None:
    log = Log(*rules(HOT))
    log.add(10, 35)
    assert log.add(5, 20, at=11)[0].log == log.engine.log


def test_evidence_names_the_place_in_the_log() -> None:
    log = Log(*rules(HOT))
    log.add(0)
    operand = log.add(1, 20, 35)[0].why.operands[0]
    assert (operand.topic, operand.partition, operand.offset, operand.line) == ("ioc.readings.v1", 0, 1, 1)


def test_a_rules_lateness_is_the_largest_delay_in_its_scope() -> None:
    slow = CatalogueChange(1, Kind.TYPE, "t", DeviceType(id="t", delay_s=900))
    log = Log(*rules(HOT), device("d1"))
    assert log.engine.world.lateness() == {"hot": 10_000}
    log.add(0, news=(slow,))
    assert log.engine.world.lateness() == {"hot": 900_000}


def test_the_area_of_a_scope_is_its_whole_subtree() -> None:
    places = (
        CatalogueChange(1, Kind.AREA, "lam-dong", Area(id="lam-dong")),
        CatalogueChange(1, Kind.AREA, "di-linh", Area(id="di-linh", parent="lam-dong")),
        CatalogueChange(1, Kind.SITE, "s", Site(id="s", area="di-linh")),
    )
    text = HOT.replace("air_temperature}", "air_temperature, area: lam-dong}")
    assert Log(*rules(text), *places, device("d1")).add(0, 35)
    assert not Log(*rules(text), device("d1")).add(0, 35)


def test_what_a_change_keeps_and_drops_is_counted() -> None:
    log = Log(*rules(HOT))
    log.add(0, 35)
    log.add(0, 35, device="d2")
    log.add(1, news=rules(HOT.replace("30", "31")))
    assert log.engine.counters["ioc_rules_states_kept_total"] == 2
    log.add(2, news=rules(HOT.replace("above", "below")))
    assert log.engine.counters["ioc_rules_states_dropped_total"] == 2


def test_pending_time_goes_on_through_a_changed_number_and_starts_over_after_another_change() -> None:
    held = HOT.rstrip("}") + "}, for: 20s}"
    log = Log(*rules(held))
    log.add(0, 35)
    log.add(10, news=rules(held.replace("30", "31")))
    assert brief(log.add(20, 35)) == [(KEY, "begin", 20, "")]
    again = Log(*rules(held))
    again.add(0, 35)
    again.add(10, news=rules(held.replace("air_temperature}", "air_temperature, sites: [s]}")))
    assert again.add(20, 35) == []


def test_a_shadow_rule_runs_and_marks_its_conditions() -> None:
    log = Log(*rules(HOT.rstrip("}") + "}, shadow: true}"))
    assert [one.shadow for one in log.add(0, 35)] == [True]
    log.add(1, news=rules(HOT))
    assert [(one.shadow, one.edge.value) for one in log.add(2, 20)] == [(False, "end")]


def test_a_derived_reading_is_no_sign_of_life_of_its_device() -> None:
    """At 01:00 the index of the hour is made of readings of the two hours before: the station is silent since 00:50."""
    station = "scope: {devices: [d1]}"
    lost = f"{{id: lost, kind: absence, {station}, after: 5m}}"
    index = f"{{id: index, kind: derive, {station}, formula: vn_aqi_hour}}"
    log = Log(*rules(f"{lost}\n---\n{index}"), device("d1"))
    pm10 = {"quantity": "pm10"}
    log.add(-3660, 20, reading=pm10)
    log.add(-600, 20, reading=pm10)
    assert [one[:3] for one in brief(log.add(60))] == [("lost|d1", "begin", -300)]
    assert log.add(120) == []
