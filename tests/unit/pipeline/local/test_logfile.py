"""A log file turns over at its limit and keeps two older ones."""

from __future__ import annotations

from pathlib import Path

from pipeline.local.logfile import LogFile


def test_it_turns_over_at_its_limit_and_forgets_the_oldest(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", limit_bytes=10)
    for line in (b"one 56789\n", b"two 56789\n", b"three 789\n", b"four 6789\n"):
        log.write(line)
    log.close()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"a.log": b"four 6789\n", "a.log.1": b"three 789\n", "a.log.2": b"two 56789\n"}


def test_it_goes_on_where_the_last_run_ended(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        log = LogFile(tmp_path / "a.log")
        log.write(line)
        log.close()
    assert (tmp_path / "a.log").read_bytes() == b"one\ntwo\n"
