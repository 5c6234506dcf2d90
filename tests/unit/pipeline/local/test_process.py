"""A supervised child, tried with small shell scripts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.core.errors import ServiceMissing
from pipeline.local import identity
from pipeline.local.datafolder import DataFolder
from pipeline.local.process import Child
from pipeline.local.service import Service

STAYS = "echo hello; while :; do sleep 0.05; done"


def _eventually(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def folder(reachable_folder: Path, request: pytest.FixtureRequest) -> DataFolder:
    found = DataFolder(reachable_folder / request.node.name)
    found.create()
    return found


@pytest.fixture
def make(folder: DataFolder) -> Iterator[Callable[..., Child]]:
    children: list[Child] = []

    def build(script: str, ready: Callable[[], bool] = lambda: True, start_within_s: float = 5.0) -> Child:
        service = Service("child", "nowhere", ("sh", "-c", script), ready, folder.root, start_within_s=start_within_s)
        children.append(Child(service, folder))
        return children[-1]

    yield build
    for child in children:
        child.kill()


def test_what_it_writes_is_in_its_log_file(make: Callable[..., Child], folder: DataFolder) -> None:
    make(STAYS).start()
    path = folder.logs / "child.log"
    assert _eventually(lambda: path.exists() and "hello\n" in path.read_text())


def test_starting_waits_until_it_is_ready(make: Callable[..., Child], folder: DataFolder) -> None:
    mark = folder.root / "mark"
    make(f"sleep 0.2; touch {mark}; {STAYS}", ready=mark.exists).start()
    assert mark.exists()


def test_one_that_exits_while_starting_is_missing_and_its_last_words_are_told(make: Callable[..., Child]) -> None:
    child = make("echo no such file; exit 3", ready=lambda: False)
    with pytest.raises(ServiceMissing, match=r"exited while starting; see .*child\.log: no such file"):
        child.start()


def test_one_that_is_never_ready_is_ended_and_missing(make: Callable[..., Child]) -> None:
    child = make(STAYS, ready=lambda: False, start_within_s=0.2)
    with pytest.raises(ServiceMissing, match="not ready within"):
        child.start()
    assert child.pid() is None


def test_one_that_dies_unasked_is_started_again(make: Callable[..., Child]) -> None:
    child = make(STAYS)
    child.start()
    first = child.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert _eventually(lambda: child.pid() not in (None, first))
    assert child.restarts == 1


def test_one_that_is_stopped_stays_down_until_it_is_started(make: Callable[..., Child]) -> None:
    child = make(STAYS)
    child.start()
    child.stop()
    time.sleep(0.7)  # longer than the first back-off
    assert child.pid() is None
    child.start()
    assert child.pid() is not None
    assert child.restarts == 0


def test_starting_twice_is_starting_once(make: Callable[..., Child]) -> None:
    child = make(STAYS)
    child.start()
    first = child.pid()
    child.start()
    assert child.pid() == first


def test_stopping_ends_what_the_child_started_itself(make: Callable[..., Child], folder: DataFolder) -> None:
    mark = folder.root / "grandchild"
    child = make(f"sleep 60 & echo $! > {mark}; wait", ready=lambda: mark.exists() and mark.read_text() != "")
    child.start()
    grandchild = identity.of(int(mark.read_text()))
    assert grandchild is not None
    child.stop()
    assert grandchild.wait(2)


def test_its_record_names_the_process_and_goes_with_it(make: Callable[..., Child], folder: DataFolder) -> None:
    child = make(STAYS)
    child.start()
    recorded = identity.read(folder.run / "child.json")
    assert recorded is not None
    assert recorded.pid == child.pid()
    child.stop()
    assert _eventually(lambda: not (folder.run / "child.json").exists())
