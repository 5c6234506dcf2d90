"""A camera at work without a stream, a Kafka or a database: pictures are handed to it, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera
from pipeline.core.codec import detections
from pipeline.core.events import Detection
from pipeline.core.telemetry import Component, total
from pipeline.core.topics import DETECTIONS
from vision.address import Login
from vision.camera import CameraAtWork, Surroundings
from vision.detectors import Detector
from vision.evidence import Evidence
from vision.picture import Picture
from vision.store import PictureStore


class Worked(NamedTuple):
    """What a camera said, which pictures it kept, and how pictures were counted."""

    said: list[Detection]
    kept: list[Evidence]
    component: Component


class Kept(PictureStore):
    """A store that keeps pictures in a list; all cameras in `watched` are looked at."""

    def __init__(self, component: Component, watched: Iterable[str]) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:9/none", component)
        self.watched, self.pictures = frozenset(watched), list[Evidence]()

    def keep(self, picture: Evidence) -> bool:
        self.pictures.append(picture)
        return True

    still = keep


async def worked(
    camera: Camera, detector: Detector, pictures: Iterable[Picture], *, watched: bool = False, **around: object
) -> Worked:
    """The camera's work on these pictures; `around`: further surroundings by name."""
    lines: list[bytes] = []
    component = Component("vision", CollectorRegistry())

    def put(topic: str, device: str, line: bytes, settled: Callable[[], None] | None) -> None:
        if topic == DETECTIONS:
            lines.append(line)
        if settled is not None:
            settled()

    store = Kept(component, [camera.id] if watched else [])
    with ThreadPoolExecutor(1) as pool:
        more: dict[str, Any] = {"waiting": lambda: 0, **around}
        surroundings = Surroundings(
            put, pool=pool, login=lambda _: Login("", ""), store=store, component=component, **more
        )
        work = CameraAtWork(camera, detector, 7, surroundings)
        running = asyncio.create_task(work.run())
        for picture in pictures:
            work._deliver(picture)
            async with asyncio.timeout(10):
                while total(component.in_flight):
                    await asyncio.sleep(0.002)  # not 0: a loop that never rests takes the time from the pool
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return Worked([detections.decode_line(line) for line in lines], store.pictures, component)
