"""`make setup` does what is missing, in order, and stops at the first failure."""

from __future__ import annotations

import pytest

from pipeline.local.installing import InstallError
from pipeline.local.setup import Step, run


def test_what_is_there_is_left_alone() -> None:
    done: list[str] = []
    steps = (
        Step("there", lambda: "", lambda: done.append("there")),
        Step("missing", lambda: "fetching it", lambda: done.append("missing")),
    )
    assert run(steps) == 0
    assert done == ["missing"]


def test_a_failure_ends_it_with_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise InstallError("an administrator must run: apt-get install x")

    done: list[str] = []
    steps = (Step("first", lambda: "x", fail), Step("second", lambda: "y", lambda: done.append("second")))
    assert run(steps) == 1
    assert done == []
    assert "setup: first: an administrator must run: apt-get install x" in capsys.readouterr().out
