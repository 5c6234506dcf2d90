"""Our own processes are rows; each runs as `ioc run <name>` with the stack's data folder."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from pipeline.core.errors import ServiceMissing, UsageError
from pipeline.local import own
from pipeline.local.datafolder import DataFolder
from pipeline.local.own import OwnProcess
from pipeline.local.stack import LocalStack


def test_a_row_is_a_part_of_the_command_line(tmp_path: Path) -> None:
    service = own.service(OwnProcess("relay", "pipeline.relay"), DataFolder(tmp_path), {})
    assert service.argv == (sys.executable, "-m", "pipeline.cli", "run", "relay")
    assert service.env["IOC__DATA"] == str(tmp_path)


def test_a_part_that_this_version_lacks_is_not_available() -> None:
    there = importlib.util.find_spec("pipeline.cli.run") is not None
    assert own.available(OwnProcess("here", "pipeline.local.own")) == there
    assert not own.available(OwnProcess("gone", "pipeline.local.nothing"))
    assert not own.available(OwnProcess("gone", "nothing.at.all"))


def test_a_part_that_exits_at_once_takes_the_stack_down_again(
    reachable_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "_SETTLE_S", 20.0)  # a busy machine may need seconds to start Python
    folder = reachable_folder / "own"
    rows = (OwnProcess("wrong", "pipeline.local.own"),)
    stack = LocalStack(folder, services=("mosquitto", "wrong"), processes=rows)
    with pytest.raises(ServiceMissing, match=r"wrong does not answer.*exited while starting"):
        stack.up()
    assert stack.pid("mosquitto") is None
    assert not (folder / "supervisor.json").exists()


def test_only_known_parts_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="kafak is no part of the stack; the parts are kafka, mosquitto"):
        LocalStack(tmp_path, services=("kafak",))
