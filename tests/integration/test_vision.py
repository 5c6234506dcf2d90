"""Cameras on the real RTSP server, broker and database: what comes out, and what happens when things break."""

from __future__ import annotations

import hashlib
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psycopg
import pytest
from aiokafka import TopicPartition

from devices.registry import Registry
from pipeline.core.broker import read_to_end, start_consumer
from pipeline.core.catalogue import Camera, Kind, Site, Zone
from pipeline.core.clock import now_ms
from pipeline.core.codec import detections, readings
from pipeline.core.events import CameraState, Detection, DetectionEvent, Quality, Reading
from pipeline.core.topics import DETECTIONS, READINGS, partition_of
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
POLYGON = ((180.0, 215.0), (560.0, 215.0), (640.0, 400.0), (120.0, 400.0))
WHOLE = ((0.0, 0.0), (768.0, 0.0), (768.0, 576.0), (0.0, 576.0))


class Yard:
    """Registered cameras of one test, and what they published since it began."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack = stack
        self.name = f"v{uuid.uuid4().hex[:6]}"
        self._since: dict[TopicPartition, int] = {}
        self._consumer: Any = None

    async def open(self) -> None:
        self._consumer = await start_consumer(self.stack.kafka_brokers)
        partitions = [TopicPartition(topic, n) for topic in (READINGS, DETECTIONS) for n in range(8)]
        self._consumer.assign(partitions)
        self._since = await self._consumer.end_offsets(partitions)

    async def close(self) -> None:
        await self._consumer.stop()
        with self.registry() as registry:
            for camera in registry.list(Kind.CAMERA):
                if camera.id.startswith(self.name):
                    registry.retire(Kind.CAMERA, camera.id, now_ms())

    @contextmanager
    def registry(self) -> Iterator[Registry]:
        with psycopg.connect(self.stack.postgres_dsn) as connection:
            yield Registry(connection, by="test")

    def add(self, name: str, url: str, zones: tuple[Zone, ...] = (), secret: str = "", **more: Any) -> str:
        id_ = f"{self.name}-{name}"
        with self.registry() as registry:
            registry.put(Site(id=f"{self.name}-site"))
            registry.put(Camera(id=id_, site=f"{self.name}-site", url=url, zones=zones, secret=secret, **more))
        return id_

    async def readings(self, device: str) -> list[Reading]:
        return [e for e in await self._read(READINGS, device, readings) if e.device == device]

    async def detections(self, camera: str) -> list[Detection]:
        return [e for e in await self._read(DETECTIONS, camera, detections) if e.camera == camera]

    async def states(self, camera: str) -> list[CameraState | None]:
        return [d.state for d in await self.detections(camera) if d.event is DetectionEvent.STATE]

    async def until(self, camera: str, state: CameraState, within_s: float = 20) -> None:
        """Wait until `state` is the newest that the camera said."""

        async def said() -> bool:
            return (await self.states(camera))[-1:] == [state]

        await eventually(said, within_s)

    async def _read(self, topic: str, device: str, codec: Any) -> list[Any]:
        partition = TopicPartition(topic, partition_of(device, 8))
        self._consumer.seek(partition, self._since[partition])
        found = []
        async for record in read_to_end(self._consumer, [partition]):
            if record.value:
                found += [event for _, event in codec.decode_frame(record.value).lines]
        return found

    def rows(self, query: str, *values: object) -> list[Any]:
        with psycopg.connect(self.stack.postgres_dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def a_yard(stack: StackUnderTest) -> AsyncIterator[Yard]:
    yard = Yard(stack)
    await yard.open()
    try:
        yield yard
    finally:
        await yard.close()


def parts(stack: StackUnderTest, folder: Path, model: Path) -> tuple[Part, Part]:
    environment = {**stack.environment, "IOC__VISION__MODEL": str(model)}
    return Part("relay", folder, environment), Part("vision", folder, environment)


async def test_a_camera_is_seen_from_its_stream_to_the_topics_and_the_database(
    stack: StackUnderTest, tmp_path: Path, nanodet: Path
) -> None:
    relay, vision = parts(stack, tmp_path, nanodet)
    async with a_yard(stack) as yard, running(relay, vision):
        dead = yard.add("dead", "rtsp://127.0.0.1:9/none")
        camera = yard.add("cam", stack.endpoints.rtsp_url, (Zone(id="yard", polygon=POLYGON),), frame_size=(768, 576))

        async def seen() -> bool:
            return len(await yard.readings(camera)) >= 8 and len(await entered()) >= 3

        async def entered() -> list[Detection]:
            return [d for d in await yard.detections(camera) if d.event is DetectionEvent.ENTER]

        await eventually(seen, 40)
        counts = [r for r in await yard.readings(camera) if r.quantity == "zone_occupancy"]
        assert max(r.value or 0 for r in counts) >= 3
        assert {(r.unit, r.site, r.quality) for r in counts} == {("{person}", f"{yard.name}-site", Quality.GOOD)}
        assert len({r.at // 1000 for r in counts}) == len(counts)
        assert all(abs(now_ms() - r.at) < 60_000 for r in counts)
        assert (await yard.states(camera)) == [CameraState.ONLINE]
        assert (await yard.states(dead)) == [CameraState.OFFLINE]
        found = await entered()
        assert len({d.track for d in found}) == len(found)
        assert all(d.zone == "yard" and d.label == "person" and (d.confidence or 0) >= 0.3 for d in found)
        assert "rtcp" in {d.clock for d in found}
        check_pictures(yard, [d.evidence for d in found if d.evidence])
        await vision.end(signal.SIGKILL)
        before = len(await yard.readings(camera))
        await vision.start()

        async def goes_on() -> bool:
            return len(await yard.readings(camera)) > before + 2

        await eventually(goes_on, 30)
        later = [d for d in await entered() if d.generation != found[0].generation]
        assert not {d.track for d in later} & {d.track for d in found}


def check_pictures(yard: Yard, digests: list[str]) -> None:
    assert digests
    for digest in digests:
        ((jpeg,),) = yard.rows("select jpeg from ioc.evidence where digest = %s", digest)
        assert f"sha256:{hashlib.sha256(jpeg).hexdigest()}" == digest
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape == (576, 768, 3)
