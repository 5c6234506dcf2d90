"""The log app alone, on the real broker: state is exact and no output is missing, whatever happens to the workers."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.log_harness import Log, a_log, eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


@pytest.fixture
async def log(kafka_brokers: str, tmp_path: Path) -> AsyncIterator[Log]:
    async with a_log(kafka_brokers, tmp_path) as log:
        yield log


async def test_a_worker_killed_again_and_again_under_load_leaves_exact_state_and_every_output(log: Log) -> None:
    await log.start("a")
    feeding = asyncio.create_task(log.feed(3000, pause_s=0.07))
    for _ in range(5):
        await log.loaded("a")
        await asyncio.sleep(random.uniform(0.3, 2.5))
        await log.signal("a", signal.SIGKILL)
        await log.start("a")
    await feeding
    await log.settled()
    await log.check_exact()


async def test_a_stopped_worker_saves_everything_and_the_next_one_goes_on_there(log: Log) -> None:
    await log.start("a")
    await log.feed(100)
    await log.settled()
    await log.feed(50)
    await log.signal("a", signal.SIGTERM)
    _, markers = await log.state()
    assert all(marker.next for marker in markers.values())
    await log.start("a")
    await log.feed(50)
    await log.settled()
    await log.check_exact()


async def test_two_workers_share_the_partitions_and_a_third_one_joining_loses_nothing(log: Log) -> None:
    await log.start("a")
    await log.start("b")
    feeding = asyncio.create_task(log.feed(1000, pause_s=0.1))
    await asyncio.sleep(4)
    await log.start("c", static=False)
    await asyncio.sleep(3)
    await log.signal("c", signal.SIGTERM)
    await feeding
    await log.settled()
    await log.check_exact()


async def test_a_frozen_worker_that_wakes_up_is_fenced_and_spoils_nothing(log: Log) -> None:
    await log.start("a", static=False)
    await log.feed(50)
    await log.settled()
    await log.signal("a", signal.SIGSTOP)
    await log.start("b", static=False)
    await log.feed(200, pause_s=0.1)
    await log.settled()  # the session of a runs out, b owns everything
    await log.signal("a", signal.SIGCONT)
    await log.feed(200, pause_s=0.1)
    await log.settled()
    await log.check_exact()


async def test_a_frame_on_which_four_starts_died_is_dead_lettered_and_the_log_goes_on(log: Log) -> None:
    await log.start("a")
    await log.feed(20)
    await log.settled()
    await log.send(1, b'{"key":"k1","number":0,"poison":true}')
    deaths = 0
    for _ in range(12):
        try:
            assert await log.exit_status("a", 12) == 70
        except TimeoutError:
            break
        deaths += 1
        await log.start("a")
    assert 6 <= deaths <= 8  # two before anybody is suspected, four on the frame
    await log.feed(20)
    await log.settled()
    await log.check_exact()


async def test_a_broken_line_is_dead_lettered_and_its_neighbours_are_folded(log: Log) -> None:
    await log.start("a")
    log.fed["k1"] += 2
    await log.send(1, b'{"key":"k1","number":1}\n{"key":"k1","nu\n{"key":"k1","number":2}')
    await log.settled()
    await log.check_exact()
    assert b"broken_json" in await log.dead_letter(f"{log.input}/1/0/1")


async def test_records_removed_by_retention_are_counted_and_passed_over(log: Log) -> None:
    await log.start("a")
    await log.feed(20)
    await log.settled()
    await log.signal("a", signal.SIGTERM)
    await log.send(1, b'{"key":"gone","number":1}')
    await log.delete_before(1, 3)
    await log.start("a")
    await log.feed(20)
    await log.settled()
    await log.check_exact()
    assert "records lost to retention" in (log.folder / "a.log").read_text()


async def test_committed_offsets_without_a_checkpoint_stop_the_worker_with_one_sentence(log: Log) -> None:
    await log.start("a")
    await log.feed(20)
    await log.settled()
    await log.signal("a", signal.SIGTERM)
    await log.forget_checkpoints()
    await log.start("a")
    assert await log.exit_status("a", 30) == 70
    assert "--accept-empty-state" in (log.folder / "a.log").read_text()


async def test_the_private_methods_of_faust_that_we_override_are_called(log: Log) -> None:
    await log.start("a")
    await log.feed(20)
    await log.settled()

    async def committed() -> bool:
        return await log.committed() == {number: marker.next for number, marker in (await log.state())[1].items()}

    await eventually(committed, 20)
