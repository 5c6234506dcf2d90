"""Every kind resolves, and has a golden folder, and every pack passes its own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.check import check_paths
from rules.kinds import KINDS
from rules.packs import FOLDER
from rules.testing import run_tests

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_resolves_and_has_a_golden_folder(name: str) -> None:
    assert callable(KINDS[name].watch)
    assert list((GOLDEN / name).glob("*.yaml"))


def test_the_packs_are_without_fault_and_pass_their_tests() -> None:
    rules, findings = check_paths([FOLDER])
    assert findings == []
    assert [outcome for rule in rules for outcome in run_tests(rule) if not outcome.passed] == []
