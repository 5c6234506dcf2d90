"""Every kind resolves and has a golden folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.kinds import KINDS

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_resolves_and_has_a_golden_folder(name: str) -> None:
    assert callable(KINDS[name].watch)
    assert list((GOLDEN / name).glob("*.yaml"))
