"""The data folder keeps ports and passwords, and keeps them private."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.folders import default_data_folder, others_can_reach
from pipeline.local.datafolder import DataFolder, read_json


@pytest.fixture
def folder(reachable_folder: Path, request: pytest.FixtureRequest) -> DataFolder:
    found = DataFolder(reachable_folder / request.node.name)
    found.create()
    return found


def test_a_password_is_made_once_and_long(folder: DataFolder) -> None:
    word = folder.password("mqtt_admin")
    assert len(word) >= 24
    assert DataFolder(folder.root).password("mqtt_admin") == word
    assert folder.password("postgres") != word


def test_ports_stay_the_same_across_starts(folder: DataFolder) -> None:
    chosen = folder.ports(("kafka", "mqtt"), renew=True)
    assert DataFolder(folder.root).ports(("kafka", "mqtt"), renew=True) == chosen
    assert DataFolder(folder.root).ports((), renew=False) == chosen


def test_only_the_owner_can_read_passwords(folder: DataFolder) -> None:
    folder.password("postgres")
    for path in folder.root.glob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_removing_spares_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    DataFolder(tmp_path).remove()
    assert (tmp_path / "precious").exists()


def test_removing_takes_all_of_ours(folder: DataFolder) -> None:
    folder.password("postgres")
    folder.remove()
    assert not folder.root.exists()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "private.json").write_text("{")
    with pytest.raises(ConfigError, match=r"private\.json is not JSON"):
        read_json(tmp_path / "private.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user for PostgreSQL")
def test_root_is_told_when_postgres_could_not_reach_the_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="postgres cannot reach"):
        DataFolder(closed / "stack").create()


def test_a_project_that_others_can_reach_keeps_its_data_inside(reachable_folder: Path) -> None:
    assert others_can_reach(reachable_folder)
    assert default_data_folder(reachable_folder) == reachable_folder / "var" / "stack"
