"""A worker's cameras: what is said of one that cannot be worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera
from pipeline.core.codec import detections
from pipeline.core.events import CameraState
from pipeline.core.telemetry import Component, total
from tests.integration.log_harness import eventually
from vision.address import Login
from vision.camera import Surroundings
from vision.store import PictureStore
from vision.worker import FAILURES, Fleet

CAMERA = Camera(id="c", site="s", url="rtsp://127.0.0.1:9/x", detector="no-such-model")


class AtOnce:
    """Tries again without a pause."""

    def pause(self) -> float:
        return 0.0


async def refused(more: int) -> None:
    """Return when cameras could not be worked on so many times more."""
    seen = total(FAILURES)

    async def enough() -> bool:
        return total(FAILURES) >= seen + more

    await eventually(enough, 10)


async def test_that_a_camera_is_unsupported_is_said_once_of_each_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vision.worker.BackOff", AtOnce)
    said: list[CameraState | None] = []

    def put(_topic: str, _device: str, line: bytes, _settled: Callable[[], None] | None) -> None:
        said.append(detections.decode_line(line).state)

    component = Component("vision", CollectorRegistry())
    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    with ThreadPoolExecutor(1) as pool:
        fleet = Fleet(Surroundings(put, lambda: 0, pool, lambda _: Login("", ""), store, component))
        try:
            await fleet.apply({"c": CAMERA})
            await refused(5)
            assert said == [CameraState.UNSUPPORTED]
            await fleet.apply({"c": replace(CAMERA, version=2)})
            await refused(5)
        finally:
            await fleet.stop()
    assert said == [CameraState.UNSUPPORTED] * 2
