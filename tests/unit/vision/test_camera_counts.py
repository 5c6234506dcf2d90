"""What a camera's metrics count: every dropped picture, whatever the reason, and every failure of its readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import numpy as np
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.telemetry import Component, total
from tests.integration.log_harness import eventually
from vision.address import Login
from vision.camera import WAITING_LIMIT, CameraAtWork, Surroundings
from vision.detectors import Detector, Dropped
from vision.detectors.scripted import Scripted
from vision.picture import Picture, Seen
from vision.reader import Timing
from vision.store import PictureStore

ALL = Zone(id="z", polygon=((0.0, 0.0), (64.0, 0.0), (64.0, 48.0), (0.0, 48.0)))
BEGIN = 1_795_230_000_000


class Failing:
    """A detector that gives no answer."""

    people = ("person",)

    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect(self, picture: Picture) -> list[Seen]:
        raise self._error


def broken_store(_name: str) -> Login:
    raise RuntimeError("nobody has foreseen this")


@asynccontextmanager
async def at_work(
    camera: Camera,
    detector: Detector,
    component: Component,
    waiting: int = 0,
    login: Callable[[str], Login] = lambda _: Login("", ""),
) -> AsyncIterator[CameraAtWork]:
    """A camera at work, ended in the end."""
    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    with ThreadPoolExecutor(1) as pool:
        timing = Timing(pause_low_s=0.01, pause_high_s=0.02)
        around = Surroundings(lambda *_: None, lambda: waiting, pool, login, store, component, timing)
        work = CameraAtWork(camera, detector, 7, around)
        running = asyncio.create_task(work.run())
        try:
            yield work
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def counted(metric: str, camera: str) -> float:
    return REGISTRY.get_sample_value(metric, {"camera": camera}) or 0.0


@pytest.mark.parametrize(
    ("reason", "detector", "waiting"),
    [
        ("detector_failed", Failing(RuntimeError("the model is broken")), 0),
        ("deadline", Failing(Dropped("deadline")), 0),
        ("newer", Failing(Dropped("newer")), 0),
        ("behind", Scripted.of({}), WAITING_LIMIT + 1),
    ],
)
async def test_a_picture_that_gives_nothing_is_counted_for_its_camera_too(
    reason: str, detector: Detector, waiting: int
) -> None:
    registry = CollectorRegistry()
    component = Component("vision", registry)
    camera = Camera(id=f"drops-{reason}", site="yard", url="rtsp://127.0.0.1:9/cam", zones=(ALL,))
    async with at_work(camera, detector, component, waiting) as work:
        for number in range(3):
            work._deliver(Picture(np.zeros((48, 64, 3), np.uint8), BEGIN + number * 1000, number))
            async with asyncio.timeout(10):
                while total(component.in_flight):
                    await asyncio.sleep(0)
        assert registry.get_sample_value("ioc_vision_dropped_total", {"reason": reason}) == 3
        assert counted("ioc_camera_dropped_total", camera.id) == 3


async def test_a_failure_that_nobody_foresaw_is_counted_for_the_reader_that_had_it() -> None:
    url = "rtsp://127.0.0.1:9/cam"
    camera = Camera(id="fails", site="yard", url=url, evidence_url=url, secret="s")
    async with at_work(camera, Scripted.of({}), Component("vision", CollectorRegistry()), login=broken_store) as work:

        async def sub_stream() -> bool:
            return counted("ioc_camera_reader_failures_total", "fails") >= 2

        async def main_stream() -> bool:
            return counted("ioc_camera_reader_failures_total", "fails:main") >= 2

        await eventually(sub_stream, 10)
        assert work._main_picture() is None  # a wish opens the main stream
        await eventually(main_stream, 10)
