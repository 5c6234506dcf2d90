"""A recorded process is recognised by pid, start time and boot, never by its pid alone."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import identity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(("sleep", "60"), start_new_session=True) as process:
        yield process
        process.kill()


def test_a_record_read_back_is_the_same_process(tmp_path: Path) -> None:
    us = identity.of(os.getpid())
    assert us is not None
    identity.write(tmp_path / "us.json", us, restarts=3)
    found = identity.read(tmp_path / "us.json")
    assert found == us
    assert found.alive()


def test_a_reused_pid_is_another_process_and_gets_no_signal(sleeper: subprocess.Popen[bytes]) -> None:
    now = identity.of(sleeper.pid)
    assert now is not None
    before = dataclasses.replace(now, started=now.started - 1)
    assert not before.alive()
    before.end(0.1)
    assert sleeper.poll() is None


def test_ending_kills_what_does_not_listen() -> None:
    deaf = ("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    with subprocess.Popen(deaf, start_new_session=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        who = identity.of(process.pid)
        assert who is not None
        who.end(0.3)
        assert process.wait(2) == -signal.SIGKILL


def test_a_zombie_does_not_count_as_alive(sleeper: subprocess.Popen[bytes]) -> None:
    who = identity.of(sleeper.pid)
    assert who is not None
    sleeper.kill()
    assert who.wait(2)


def test_a_missing_or_foreign_record_is_nobody(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"pid": 1}')
    assert identity.read(tmp_path / "none.json") is None
    assert identity.read(tmp_path / "other.json") is None
