"""The starter packs: complete, in two languages, with sources, and every test of theirs passes."""

from __future__ import annotations

from collections import Counter

import pytest

from rules.check import check_paths
from rules.engine.loader import load_paths
from rules.engine.settings import Rule
from rules.packs import FOLDER
from rules.testing import run_tests

STARTER = {
    "T1": ["traffic.los", "traffic.los.level"],
    "T2": [
        *("traffic.jam", "traffic.jam.risk", "traffic.jam.dense", "traffic.jam.severe"),
        *("traffic.jam.slow", "traffic.jam.slow5", "traffic.jam.still", "traffic.occupied"),
    ],
    "T3": ["traffic.queue"],
    "T4": ["traffic.wrong-way"],
    "T5": ["traffic.stopped"],
    "T6": ["traffic.speeding"],
    "T7": ["traffic.crash", "traffic.crash.drop", "traffic.crash.stop"],
    "T8": ["traffic.school-gate"],
    "T9": ["traffic.flood"],
    "A1": ["safety.intrusion", "safety.door.night"],
    "A2": ["safety.crowd"],
    "A3": ["safety.fire", "safety.smoke"],
    "A4": ["safety.loitering"],
    "A5": ["safety.abandoned"],
    "A6": ["safety.camera.tamper", "safety.camera.frozen"],
    "A7": ["safety.repeated", "safety.repeated.site"],
    "E1": ["env.air.aqi", "env.air.aqi.hour", "env.air.aqi.day", "env.air.aqi.pollutant"],
    "E2": [
        *("env.air.so2.hour", "env.air.so2.day", "env.air.co.hour", "env.air.co.8h", "env.air.no2.hour"),
        *("env.air.no2.day", "env.air.o3.hour", "env.air.o3.8h", "env.air.tsp.hour", "env.air.tsp.day"),
        *("env.air.pm10.day", "env.air.pm25.day", "env.air.h2s.hour", "env.air.nh3.hour", "env.air.benzene.hour"),
        *("env.air.chlorine.hour", "env.air.chlorine.day", "env.air.lead.day"),
    ],
    "E3": ["env.river.flood"],
    "E4": ["env.river.rise", *(f"env.river.soon.{level}" for level in (1, 2, 3)), "env.river.jump"],
    "E5": [
        *("env.rain.rate", "env.rain.1h", "env.rain.3h", "env.rain.6h", "env.rain.12h", "env.rain.24h"),
        *("env.rain.72h", "env.landslide.day", "env.landslide"),
    ],
    "E6": ["env.heat"],
    "E7": ["env.salinity"],
    "E8": ["env.noise.day", "env.noise.night"],
    "E9": [
        *("env.water.class", "env.water.class.level", "env.water.oxygen", "env.water.ph"),
        *(f"env.water.drop.{classes}" for classes in ("ac", "ad", "bd")),
    ],
    "E10": ["env.forest-fire", "env.forest-fire.index"],
    "E11": ["env.reservoir.opening", "env.reservoir.change"],
    "D1": ["device.lost", "device.camera.lost", "device.lost.cluster"],
    "D2": ["data.late"],
    "D3": ["data.density.air", "data.density.river", "data.density.rain"],
    "D4": ["data.flat.pm25", "data.flat.temperature"],
    "D5": ["data.clock"],
    "D6": ["data.station.mode"],
    "D7": ["device.battery", "device.battery.voltage"],
    "D8": ["data.report.missing"],
    "C1": ["cases.report.deadline"],
    "C2": ["cases.dossier.deadline"],
    "C3": [
        *(f"cases.vessel.lost{after}{part}" for after in ("", ".day", ".10d") for part in ("", ".silent")),
        "cases.vessel.in-port",
    ],
    "C4": ["cases.vessel.boundary", "cases.vessel.boundary.near"],
    "C5": ["cases.report.burst"],
    "C6": ["cases.compound.flood"],
}
"""The starter list by number: 9 of traffic, 7 of security, 11 of environment, 8 of data, 6 of cases."""
RULES = load_paths([FOLDER]).checked()
UNALERTED = ("derive",)
"""Kinds that raise nothing, so that nobody is told what to do."""


def test_the_packs_are_without_fault() -> None:
    assert check_paths([FOLDER])[1] == []


def test_the_starter_list_is_complete_and_every_rule_belongs_to_it() -> None:
    assert Counter(number[0] for number in STARTER) == {"T": 9, "A": 7, "E": 11, "D": 8, "C": 6}
    assert sorted(rule_id for ids in STARTER.values() for rule_id in ids) == sorted(rule.id for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_is_bilingual_sourced_and_of_a_pack(rule: Rule) -> None:
    assert rule.title.vi
    assert rule.title.en
    assert len(rule.alert.legal) > 20
    assert rule.origin.pack
    assert rule.origin.version
    assert all(text.vi and text.en for text in rule.alert.steps)
    if rule.kind not in UNALERTED:
        assert rule.alert.category
        assert rule.shadow or (rule.alert.instruction.vi and rule.alert.instruction.en)


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_a_rule_passes_its_tests_of_which_one_fires_and_one_is_quiet(rule: Rule) -> None:
    outcomes = run_tests(rule, RULES)
    assert {outcome.name: outcome.differences for outcome in outcomes if not outcome.passed} == {}
    assert {outcome.fired for outcome in outcomes} == {True, False}
