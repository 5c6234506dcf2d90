"""Every golden folder of a rule kind: rules with hand-worked expectations, found by listing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.engine.loader import load_text
from rules.engine.settings import Rule
from rules.kinds import KINDS
from rules.testing import run_tests

HERE = Path(__file__).parent
FILES = sorted(file for kind in KINDS for file in (HERE / kind).glob("*.yaml"))
LOADED = [load_text(file.read_text("utf-8"), file.name).checked() for file in FILES]
CASES = [(rule, rules) for rules in LOADED for rule in rules if rule.tests]


def test_every_file_has_tests() -> None:
    assert [file.name for file, rules in zip(FILES, LOADED, strict=True) if not any(rule.tests for rule in rules)] == []


@pytest.mark.parametrize(("rule", "others"), CASES, ids=[rule.id for rule, _ in CASES])
def test_a_rule_does_what_was_worked_out_by_hand(rule: Rule, others: tuple[Rule, ...]) -> None:
    outcomes = run_tests(rule, others)
    assert outcomes
    assert {outcome.name: outcome.differences for outcome in outcomes if not outcome.passed} == {}
