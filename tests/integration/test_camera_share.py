"""Cameras are shared out among vision workers; when one dies, the others have its cameras in fifteen seconds."""

from __future__ import annotations

import asyncio
import re
import signal
import time
import urllib.request
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from pipeline.local.ports import choose
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running
from tests.integration.test_vision import Yard

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
CAMERAS = 12
"""So many that no worker is without one by chance: once in two thousand runs."""
TAKEN_OVER_WITHIN_S = 15


class Two(NamedTuple):
    """Two vision workers on one yard; `ports`: their metrics."""

    yard: Yard
    workers: tuple[Part, Part]
    ports: tuple[int, int]
    cameras: list[str]

    async def followed(self, worker: int) -> set[str]:
        """The cameras that a worker says it follows."""
        try:
            with await asyncio.to_thread(
                urllib.request.urlopen, f"http://127.0.0.1:{self.ports[worker]}/metrics", timeout=3
            ) as answer:
                text = answer.read().decode()
        except OSError:
            return set()
        found = set(re.findall(r'^ioc_camera_staleness_seconds\{camera="([^"]+)"\}', text, re.MULTILINE))
        return found & set(self.cameras)

    async def newest_generation(self, camera: str) -> int:
        return max((each.generation or 0 for each in await self.yard.detections(camera)), default=0)

    async def spread(self) -> bool:
        """Whether each camera is followed by one worker, and each worker has some."""
        one, other = await self.followed(0), await self.followed(1)
        return one | other == set(self.cameras) and not one & other and bool(one) and bool(other)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    folder = tmp_path_factory.mktemp("share")
    ports = choose(("one", "two"), {}, str(folder))
    workers = tuple(
        Part("vision", folder, stack.environment, "--set", f"vision.id=v-{name}", "--metrics-port", str(port))
        for name, port in ports.items()
    )
    yard = Yard(stack)
    await yard.open()
    async with running(Part("relay", folder, stack.environment), *workers):
        cameras = [yard.add(f"c{number}", stack.endpoints.rtsp_url, fps=1) for number in range(CAMERAS)]
        yield Two(yard, workers, (ports["one"], ports["two"]), cameras)  # type: ignore[arg-type]
        yard.retire()
    await yard.close()


@pytest_asyncio.fixture(loop_scope="module")
async def two(pair: Two) -> Two:
    """Both at work, whatever the test before did to one of them."""
    for worker in pair.workers:
        if worker.process is None or worker.process.returncode is not None:
            await worker.start()
            await worker.ready()
    await eventually(pair.spread, 30)
    return pair


async def test_every_camera_is_followed_by_one_worker_and_each_worker_has_some(two: Two) -> None:
    one, other = await two.followed(0), await two.followed(1)
    assert one | other == set(two.cameras)
    assert one & other == set()
    assert one
    assert other


async def test_a_killed_worker_s_cameras_are_taken_over_in_fifteen_seconds(two: Two) -> None:
    lost = await two.followed(1)
    before = {camera: await two.newest_generation(camera) for camera in lost}
    began = time.monotonic()
    await two.workers[1].end(signal.SIGKILL)

    async def taken_over() -> bool:
        return all([await two.newest_generation(camera) > before[camera] for camera in lost])

    await eventually(taken_over, TAKEN_OVER_WITHIN_S)
    print(f"taken over after {time.monotonic() - began:.1f} s")
    assert await two.followed(0) == set(two.cameras)


async def test_a_worker_that_comes_back_gets_a_share_and_the_other_s_metrics_of_it_end(two: Two) -> None:
    await two.workers[1].end(signal.SIGKILL)

    async def alone() -> bool:
        return await two.followed(0) == set(two.cameras)

    await eventually(alone, TAKEN_OVER_WITHIN_S)
    await two.workers[1].start()
    await two.workers[1].ready()
    await eventually(two.spread, 20)


async def test_a_frozen_worker_wakes_up_below_the_generation_of_its_successor(two: Two) -> None:
    lost = await two.followed(1)
    before = {camera: await two.newest_generation(camera) for camera in lost}
    process = two.workers[1].process
    assert process is not None
    process.send_signal(signal.SIGSTOP)

    async def taken_over() -> bool:
        return all([await two.newest_generation(camera) > before[camera] for camera in lost])

    try:
        await eventually(taken_over, TAKEN_OVER_WITHIN_S)
    finally:
        process.send_signal(signal.SIGCONT)
    successors = {camera: await two.newest_generation(camera) for camera in lost}

    await eventually(two.spread, 20)
    back = lost & await two.followed(1)

    async def above() -> bool:
        return all([await two.newest_generation(camera) > successors[camera] for camera in back])

    await eventually(above, 10)
