"""Cameras on the real RTSP server, broker and database: what comes out, and what happens when things break."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import psycopg
import pytest
import pytest_asyncio
from aiokafka import TopicPartition

from devices.registry import Registry
from pipeline.core.broker import read_to_end, start_consumer
from pipeline.core.catalogue import Camera, Kind, Line, Site, Zone
from pipeline.core.clock import now_ms
from pipeline.core.codec import detections, readings
from pipeline.core.events import CameraState, Detection, DetectionEvent, Edge, Quality, Reading
from pipeline.core.topics import DETECTIONS, READINGS, partition_of
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
POLYGON = ((180.0, 215.0), (560.0, 215.0), (640.0, 400.0), (120.0, 400.0))
WRONG = "wr0ng-passw0rd"


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

    def retire(self) -> None:
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

    def entered(self, found: list[Detection]) -> list[Detection]:
        return [each for each in found if each.event is DetectionEvent.ENTER]


class City(NamedTuple):
    """The vision worker at work on the cameras of one yard."""

    yard: Yard
    vision: Part
    seen: str
    dead: str
    digest: str
    refused: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(stack: StackUnderTest, nanodet: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """One worker for all tests here: starting one takes longer than what they ask of it."""
    folder = tmp_path_factory.mktemp("parts")
    environment = {**stack.environment, "IOC__VISION__MODEL": str(nanodet)}
    relay, vision = (Part(name, folder, environment) for name in ("relay", "vision"))
    yard, endpoints = Yard(stack), stack.endpoints
    await yard.open()
    with yard.registry() as registry:
        registry.keep_secret(f"{yard.name}-good", endpoints.rtsp_user, endpoints.rtsp_password)
        registry.keep_secret(f"{yard.name}-bad", endpoints.rtsp_user, WRONG)
    zone = Zone(id="yard", polygon=POLYGON)
    cameras = (
        yard.add("seen", endpoints.rtsp_url, (zone,), frame_size=(768, 576)),
        yard.add("dead", "rtsp://127.0.0.1:9/none"),
        yard.add("digest", endpoints.rtsp_url_protected, secret=f"{yard.name}-good", fps=2),
        yard.add("refused", endpoints.rtsp_url_protected, secret=f"{yard.name}-bad"),
    )
    async with running(relay, vision):
        yield City(yard, vision, *cameras)
        assert await vision.end(within_s=4) == 0  # as long as the stack gives it
        yard.retire()
    await yard.close()


async def test_occupancy_comes_once_a_second_and_passages_as_they_happen(city: City) -> None:
    async def seen() -> bool:
        found = await city.yard.detections(city.seen)
        return len(await city.yard.readings(city.seen)) >= 5 and len(city.yard.entered(found)) >= 3

    await eventually(seen, 30)
    counts = [each for each in await city.yard.readings(city.seen) if each.quantity == "zone_occupancy"]
    assert max(each.value or 0 for each in counts) >= 3
    assert {(each.unit, each.site, each.quality) for each in counts} == {
        ("{person}", f"{city.yard.name}-site", Quality.GOOD)
    }
    assert len({each.at // 1000 for each in counts}) == len(counts)
    assert all(abs(now_ms() - each.at) < 60_000 for each in counts)
    found = await city.yard.detections(city.seen)
    entered = city.yard.entered(found)
    for track in {each.track for each in entered}:  # who comes back has left before
        turns = [each.event for each in found if each.track == track]
        assert turns[0::2] == [DetectionEvent.ENTER] * len(turns[0::2])
        assert turns[1::2] == [DetectionEvent.LEAVE] * len(turns[1::2])
    assert all(each.zone == "yard" and each.label == "person" and each.box for each in entered)


async def test_evidence_is_in_the_database_under_its_digest(city: City) -> None:
    async def shown() -> list[str]:
        return [each.evidence for each in city.yard.entered(await city.yard.detections(city.seen)) if each.evidence]

    await eventually(shown, 30)
    (digest, *_) = await shown()

    async def stored() -> bool:
        return bool(city.yard.rows("select 1 from ioc.evidence where digest = %s", digest))

    await eventually(stored, 5)
    ((jpeg,),) = city.yard.rows("select jpeg from ioc.evidence where digest = %s", digest)
    assert f"sha256:{hashlib.sha256(jpeg).hexdigest()}" == digest
    check_picture(jpeg)


async def test_an_alert_of_a_camera_gets_a_clip_with_people_blurred(city: City) -> None:
    await city.yard.until(city.seen, CameraState.ONLINE)
    alert, at = uuid.uuid4().hex, now_ms()
    body = {"alert": alert, "why": {"operands": [{"device": city.seen, "at": at, "value": 1}]}}
    city.yard.rows(
        "insert into ioc.alert values (%s, %s, 'r', 1, 'major', false, true, true, now(), now(), %s)",
        alert,
        alert,
        json.dumps(body),
    )

    def clips() -> list[Any]:
        return city.yard.rows(
            "select mp4, clear, since, until from ioc.clip join ioc.alert_clip using (digest) where alert = %s", alert
        )

    async def stored() -> bool:
        return bool(clips())

    await eventually(stored, 20)
    ((mp4, clear, since, until),) = clips()
    assert clear is not None
    assert mp4 != clear
    assert 5 <= (until - since).total_seconds() <= 10.5
    with av.open(io.BytesIO(mp4)) as video:
        assert len(list(video.decode(video=0))) >= 15


async def test_a_dead_camera_is_offline_and_disturbs_nobody(city: City) -> None:
    await city.yard.until(city.dead, CameraState.OFFLINE)
    await city.yard.until(city.seen, CameraState.ONLINE)


async def test_a_login_opens_a_camera_and_a_wrong_one_is_unauthorised(city: City) -> None:
    await city.yard.until(city.digest, CameraState.ONLINE)
    await city.yard.until(city.refused, CameraState.UNAUTHORISED)


async def test_no_password_is_in_the_log_or_the_process_list(city: City) -> None:
    await city.yard.until(city.refused, CameraState.UNAUTHORISED)
    await city.yard.until(city.digest, CameraState.ONLINE)
    assert city.vision.process is not None
    process = Path("/proc") / str(city.vision.process.pid)
    said = city.vision.said() + (process / "cmdline").read_text() + (process / "environ").read_text()
    assert "refuses the login" in said
    assert WRONG not in said
    assert city.yard.stack.endpoints.rtsp_password not in said


async def test_stills_are_written_only_while_somebody_watches(city: City) -> None:
    def stills() -> list[Any]:
        return city.yard.rows("select jpeg, at from ioc.still where camera = %s", city.digest)

    await city.yard.until(city.digest, CameraState.ONLINE)
    assert stills() == []
    city.yard.rows("insert into ioc.watch values (%s, now() + interval '3 seconds')", city.digest)

    async def shown() -> bool:
        return bool(stills())

    await eventually(shown, 10)
    check_picture(stills()[0][0])

    async def over() -> bool:
        return not city.yard.rows("select 1 from ioc.watch where camera = %s and until > now()", city.digest)

    await eventually(over, 5)
    last = stills()[0][1]
    await asyncio.sleep(1.5)
    assert stills()[0][1] == last


async def test_killed_and_started_again_it_goes_on_with_new_tracks(city: City) -> None:
    async def entered() -> list[Detection]:
        return city.yard.entered(await city.yard.detections(city.seen))

    await eventually(entered, 30)
    before, readings_before = await entered(), len(await city.yard.readings(city.seen))
    await city.vision.end(signal.SIGKILL)
    await city.vision.start()
    await city.vision.ready()

    async def goes_on() -> bool:
        later = [each for each in await entered() if each.generation not in {one.generation for one in before}]
        return bool(later) and len(await city.yard.readings(city.seen)) > readings_before + 2

    await eventually(goes_on, 30)
    generations = {each.track: each.generation for each in await entered()}
    assert all(generations[each.track] == each.generation for each in await entered())


def script(folder: Path) -> Path:
    """Fifteen seconds at 5 pictures a second: one stands in the yard for ten, two cars pass to the right, one back."""
    pictures: dict[int, list[dict[str, Any]]] = {number: [] for number in range(1, 76)}
    for number in range(5, 56):
        pictures[number].append({"box": [300, 200, 40, 100]})
    for begin, start, step in ((8, 100, 14), (34, 100, 14), (60, 296, -14)):
        for n in range(15):
            pictures[begin + n].append({"box": [start + step * n, 480, 60, 40], "label": "car"})
    path = folder / "script.ndjson"
    path.write_text("".join(f"{json.dumps({'number': n, 'seen': seen})}\n" for n, seen in pictures.items()))
    return path


async def test_crossings_of_a_line_and_a_stay_become_detections_and_the_counts_add_up(
    city: City, tmp_path: Path
) -> None:
    camera = city.yard.add(
        "street",
        city.yard.stack.endpoints.rtsp_url,
        (Zone(id="yard", polygon=POLYGON, dwell_s=4),),
        lines=(Line(id="gate", points=((240.0, 450.0), (240.0, 570.0)), way="left"),),
        frame_size=(768, 576),
        detector="scripted",
        attributes={"script": str(script(tmp_path))},
    )

    async def of(event: DetectionEvent) -> list[Detection]:
        return [each for each in await city.yard.detections(camera) if each.event is event]

    async def seen() -> bool:
        return len(await of(DetectionEvent.DWELL)) >= 2 and len(await of(DetectionEvent.CROSS)) >= 3

    await eventually(seen, 40)
    with city.yard.registry() as registry:
        registry.retire(Kind.CAMERA, camera, now_ms())

    async def counted() -> bool:
        told = [each.value or 0 for each in await city.yard.readings(camera) if each.quantity == "line_count"]
        return sum(told) == len(await of(DetectionEvent.CROSS)) > 0

    await eventually(counted, 15)
    crossings = await of(DetectionEvent.CROSS)
    assert {(each.line, each.zone, each.label) for each in crossings} == {("gate", "gate", "car")}
    assert [each.direction for each in crossings[:3]] == ["left", "left", "right"]  # looking down the line
    assert [each.track for each in await of(DetectionEvent.WRONG_WAY)] == [
        each.track for each in crossings if each.direction == "right"
    ]
    begin, end, *_ = await of(DetectionEvent.DWELL)
    assert (begin.edge, end.edge, begin.zone, begin.label) == (Edge.BEGIN, Edge.END, "yard", "person")
    (entered, *_) = city.yard.entered(await city.yard.detections(camera))
    assert (entered.track, begin.at) == (begin.track, entered.at + 4000)
    assert end.at - entered.at == pytest.approx(10_000, abs=1000)
    assert begin.evidence.startswith("sha256:")
    assert {each.quantity for each in await city.yard.readings(camera)} >= {
        "zone_occupancy", "zone_dwell", "line_count", "line_count_left", "line_count_right", "car_count",
        "vehicle_count",
    }  # fmt: skip


async def test_a_retired_camera_is_left_alone(city: City) -> None:
    camera = city.yard.add("brief", "rtsp://127.0.0.1:9/none")
    await city.yard.until(camera, CameraState.OFFLINE)
    gone = city.yard.add(
        "wrong", "rtsp://127.0.0.1:9/none", attributes={"model": "none.onnx"}, zones=(Zone(id="z", polygon=POLYGON),)
    )
    await city.yard.until(gone, CameraState.UNSUPPORTED)
    with city.yard.registry() as registry:
        registry.retire(Kind.CAMERA, gone, now_ms())

    async def quiet() -> bool:
        before = len(await city.yard.states(gone))
        await asyncio.sleep(2.5)
        return len(await city.yard.states(gone)) == before

    await eventually(quiet, 15)


def check_picture(jpeg: bytes) -> None:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (576, 768, 3)
