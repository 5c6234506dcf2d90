"""What the wheel holds: everything that runs, and nothing that only tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files in the built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_file_of_the_five_packages_is_in_the_wheel(names: set[str]) -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    ours = {name for name in tracked if name.partition("/")[0] in ("pipeline", "devices", "vision", "rules", "sinks")}
    assert {"pipeline/migrations/0001_registry.sql", "rules/packs/environment.yaml", "devices/types.yaml"} <= ours
    assert ours <= names


def test_nothing_but_the_five_packages_is_in_the_wheel(names: set[str]) -> None:
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "pipeline",
        "devices",
        "vision",
        "rules",
        "sinks",
    }


def test_no_test_data_and_no_weights_are_in_the_wheel(names: set[str]) -> None:
    assert not [name for name in names if name.endswith((".onnx", ".avi", ".h264", ".bin")) or "pets09" in name]


def test_the_licence_and_the_command_are_in_the_wheel(names: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("entry_points.txt") for name in names)
