"""The command line: quick help, one-sentence errors, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import COMMANDS, application


def _ioc(*arguments: str, data: Path) -> subprocess.CompletedProcess[str]:
    project = Path(__file__).parents[4]
    env = {**os.environ, "IOC__DATA": str(data), "PYTHONPATH": str(project)}
    argv = (sys.executable, "-m", "pipeline.cli", *arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=data)


def _children_cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def test_help_lists_every_command_and_imports_none_of_them(tmp_path: Path) -> None:
    began = _children_cpu_s()
    done = _ioc("--help", data=tmp_path)
    assert done.returncode == 0
    assert set(COMMANDS) <= set(done.stdout.split())
    assert _children_cpu_s() - began < 0.5


def test_help_needs_no_heavy_library() -> None:
    code = "import sys; from pipeline.cli import application; application([]); print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert not {"pydantic", "numpy", "aiokafka", "psycopg", "faust"} & set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_row_of_the_table_can_be_imported(name: str) -> None:
    application([name])


def test_a_wrong_setting_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    done = _ioc("config", "check", "--set", "mqtt.port=abc", data=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("ioc: --set: mqtt.port: 'abc' is not valid; expected")
    assert "Traceback" not in done.stderr


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert _ioc("config", "chekc", data=tmp_path).returncode == 2
    assert _ioc("up", "--only", "kafak", data=tmp_path).returncode == 2


def test_settings_are_listed_as_json_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"mqtt": {"admin_password": "hunter2"}}')
    done = _ioc("config", "show", "--json", data=tmp_path)
    rows = {row["path"]: row for row in json.loads(done.stdout)}
    assert rows["mqtt.admin_password"]["value"] == "***"
    assert "hunter2" not in done.stdout


def test_status_without_a_stack_is_a_missing_service(tmp_path: Path) -> None:
    done = _ioc("status", "--json", data=tmp_path)
    assert (done.returncode, json.loads(done.stdout)) == (3, [])


def test_down_without_a_stack_is_done(tmp_path: Path) -> None:
    done = _ioc("down", data=tmp_path)
    assert (done.returncode, done.stdout) == (0, "nothing was running\n")
