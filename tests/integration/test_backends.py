"""Every back end of the reader on the real RTSP server; and what only the first one can do."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.clock import now_ms
from pipeline.core.codec import detections
from pipeline.core.events import CameraState, Detection, DetectionEvent
from pipeline.core.telemetry import Component
from pipeline.core.topics import DETECTIONS
from pipeline.local import rtsp
from tests.conftest import StackUnderTest
from tests.integration.cameras import CameraServer, Drawn, film, serving, street
from tests.integration.log_harness import eventually
from tests.interleaved import SickCamera
from tests.misbehaving_proxy import MisbehavingProxy
from vision.address import Address, Login
from vision.camera import CameraAtWork, Surroundings
from vision.detectors.scripted import Scripted
from vision.evidence import Evidence
from vision.gauges import CameraGauges
from vision.ladder import climb
from vision.mainstream import FRESH_MS, MainStream
from vision.picture import Box, Picture, Seen
from vision.probe import probe
from vision.reader import Reader, Timing
from vision.store import PictureStore
from vision.stream import BACKENDS, StreamFault

pytestmark = pytest.mark.timeout(90)
NAME, PASSWORD = "kỹ-thuật viên@/#%", "mật:khẩu@/#%?&+ \"x'"
SIZE = (384, 288)
STILL_S, MOVING_S, FPS, GOP_S = 14, 8, 10, 2


def yard() -> Iterator[Drawn]:
    """Nothing happens for STILL_S but a sensor's noise, then a street full of people for MOVING_S."""
    random, first = np.random.default_rng(2), next(street(1, SIZE)).astype(np.float32)
    for _ in range(STILL_S * FPS):
        yield np.clip(first + random.normal(0, 1.5, first.shape), 0, 255).astype(np.uint8)
    yield from itertools.islice(street(400, SIZE), 200, 200 + MOVING_S * FPS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraServer]:
    folder = tmp_path_factory.mktemp("camera")
    camera = CameraServer(folder, film(folder / "street.h264", street(60, SIZE)), login=(NAME, PASSWORD))
    with serving(camera):
        yield camera


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_login_may_have_any_character(server: CameraServer, backend: str) -> None:
    address = Address(rtsp.url(server.protected_port), Login(NAME, PASSWORD))
    found = probe(address, look_s=0.5, backend=backend)
    assert (found.width, found.height, found.codec) == (*SIZE, "h264")


def test_the_ladder_climbs_to_the_clock_with_any_login(server: CameraServer) -> None:
    found = climb(Address(rtsp.url(server.protected_port), Login(NAME, PASSWORD)))
    assert [rung.passed for rung in found.rungs] == [True] * 8
    assert found.found is not None
    assert found.found.fps == pytest.approx(10, abs=1)
    assert found.found.key_every_s == pytest.approx(1, abs=0.05)
    assert found.found.image.shape == (288, 384, 3)
    assert sum(rung.ms for rung in found.rungs) < 8000


@pytest.mark.parametrize("backend", BACKENDS)
def test_faults_are_told_apart_and_no_secret_is_written_anywhere(
    server: CameraServer, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    states = {}
    for name, port, path in (("login", server.protected_port, "/cam1"), ("path", server.port, "/no"), ("port", 9, "/")):
        with pytest.raises(StreamFault) as caught:
            probe(Address(f"rtsp://127.0.0.1:{port}{path}", Login(NAME, PASSWORD + "x")), backend=backend)
        states[name] = caught.value.state
    assert states == {"login": CameraState.UNAUTHORISED, "path": CameraState.OFFLINE, "port": CameraState.OFFLINE}
    said = "".join(capfd.readouterr())
    assert PASSWORD not in said
    assert quote(PASSWORD, safe="") not in said


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_reader_goes_from_online_over_a_kill_to_online_again(tmp_path: Path, backend: str) -> None:
    camera = CameraServer(tmp_path, film(tmp_path / "street.h264", street(60, SIZE)))
    pictures: list[Picture] = []
    timing = Timing(open_s=3, read_s=3, pause_low_s=0.1, pause_high_s=0.5)
    reader = Reader("kill", lambda: Address(camera.url), 5, pictures.append, timing=timing, backend=backend)

    async def until(state: CameraState) -> None:
        async def reached() -> bool:
            return reader.state() is state

        await eventually(reached, 15, every_s=0.05)

    with serving(camera):
        reader.start()
        try:
            await until(CameraState.ONLINE)
            camera.kill()
            await until(CameraState.OFFLINE)
            camera.start()
            await until(CameraState.ONLINE)
        finally:
            reader.stop()
    assert {picture.size for picture in pictures} == {SIZE}
    times = [picture.at for picture in pictures]
    assert times == sorted(set(times))


@pytest.fixture(scope="module")
def h265_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraServer]:
    folder = tmp_path_factory.mktemp("h265")
    camera = CameraServer(folder, film(folder / "street.h265", street(60, SIZE), codec="hevc"))
    with serving(camera):
        yield camera


@pytest.mark.parametrize("backend", BACKENDS)
def test_h265_is_read_as_h264_is(h265_server: CameraServer, server: CameraServer, backend: str) -> None:
    """The same pictures, 60 that go round, within what two encoders lose: 30 dB would be a poor picture."""
    came: list[Picture] = []
    reader = Reader("h265", lambda: Address(h265_server.url), 10, came.append, backend=backend)
    reader.start()
    until = time.monotonic() + 15
    while len(came) < 25 and time.monotonic() < until:
        time.sleep(0.05)
    reader.stop()
    drawn = list(street(60, SIZE))
    assert len(came) >= 25
    for picture in came[5:25:5]:
        assert picture.size == SIZE
        assert max(cv2.PSNR(picture.image, each) for each in drawn) > 30
    times = [picture.at for picture in came]
    assert times == sorted(set(times))


def test_of_an_h265_stream_key_frames_alone_can_be_decoded(h265_server: CameraServer) -> None:
    came: list[Picture] = []
    reader = Reader("keys", lambda: Address(h265_server.url), 10, came.append, keys_only=True)
    reader.start()
    until = time.monotonic() + 15
    while len(dated := [each.at for each in came if each.clock == "rtcp"]) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    reader.stop()
    assert np.diff(dated) == pytest.approx([1000, 1000], abs=50)


def test_the_ladder_climbs_to_the_clock_of_an_h265_camera_that_nobody_else_watches(h265_server: CameraServer) -> None:
    """Without another viewer this server often answers 503 just after it was asked to describe the stream."""
    found = climb(Address(h265_server.url))
    assert [rung.passed for rung in found.rungs] == [True] * 8
    assert "H.265" in found.rungs[4].said.en
    assert found.found is not None
    assert found.found.fps == pytest.approx(10, abs=1)
    assert found.found.key_every_s == pytest.approx(1, abs=0.05)


async def test_a_camera_whose_sensor_hangs_is_frozen_though_its_encoder_makes_key_frames(tmp_path: Path) -> None:
    same, gop = itertools.repeat(next(street(1, SIZE)), 300), GOP_S * FPS
    camera = CameraServer(tmp_path, film(tmp_path / "hung.h264", same, key_every=gop, quality="qp=18"))
    states: list[CameraState | None] = []
    timing = Timing(open_s=3, read_s=6, frozen_s=3)
    reader = Reader("hung", lambda: Address(camera.url), FPS, lambda _: states.append(reader.state()), timing=timing)

    async def frozen() -> bool:
        return reader.state() is CameraState.FROZEN and len(states) > 3 * FPS

    with serving(camera):
        reader.start()
        try:
            await eventually(frozen, 20, every_s=0.05)
        finally:
            reader.stop()
    assert CameraState.ONLINE in states


async def test_a_quiet_camera_rests_on_key_frames_and_wakes_within_two_seconds_of_a_change(tmp_path: Path) -> None:
    camera = CameraServer(tmp_path, film(tmp_path / "yard.h264", yard(), key_every=GOP_S * FPS))
    pictures: list[tuple[Picture, bool]] = []
    reader = Reader(
        "yard",
        lambda: Address(camera.url),
        FPS,
        lambda picture: pictures.append((picture, reader.resting)),
        gauges=CameraGauges("yard"),
        rests=True,
    )

    async def woken() -> bool:
        rested = [number for number, (_, resting) in enumerate(pictures) if resting]
        return bool(rested) and len(pictures) - rested[-1] > 2 * FPS

    with serving(camera):
        reader.start()
        try:
            await eventually(woken, STILL_S + MOVING_S + 10)
        finally:
            reader.stop()
    times = [(picture.arrived - pictures[0][0].arrived) / 1000 for picture, _ in pictures]
    rested = [number for number, (_, resting) in enumerate(pictures) if resting]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[rested[0] : rested[-1] + 1])]
    assert all(gap == pytest.approx(GOP_S, abs=0.5) for gap in gaps)  # key frames, and nothing between them
    assert 10 <= times[rested[0]] <= STILL_S
    awake = times[rested[-1] + 1 :]
    assert awake[0] <= STILL_S + 1.5  # film time begins up to a second before the first picture
    assert max(later - earlier for earlier, later in itertools.pairwise(awake[:FPS])) < 0.5  # no frame is lost
    assert not pictures[rested[-1]][0].quiet
    assert not REGISTRY.get_sample_value("ioc_camera_broken_frames_total", {"camera": "yard"})


async def test_a_spoiled_packet_ends_no_connection_and_no_spoiled_picture_is_shown(server: CameraServer) -> None:
    sick, pictures = SickCamera(), list[Picture]()
    with MisbehavingProxy(server.port, rewrite=sick.line) as line:
        address = Address(rtsp.url(line.port))
        reader = Reader("spoiled", lambda: address, 100, pictures.append, gauges=CameraGauges("spoiled"))
        reader.start()
        try:

            async def broken() -> bool:
                return (REGISTRY.get_sample_value("ioc_camera_broken_frames_total", {"camera": "spoiled"}) or 0) > 5

            async def more(than: int) -> bool:
                return len(pictures) > than

            await eventually(lambda: more(10), 10)
            sick.broken = 0.02
            await eventually(broken, 20)
            sick.broken = 0.0
            seen = len(pictures)
            await eventually(lambda: more(seen + 30), 10)
        finally:
            reader.stop()
    assert REGISTRY.get_sample_value("ioc_camera_connections_total", {"camera": "spoiled"}) == 1
    truth = [cv2.GaussianBlur(drawn, (9, 9), 0).astype(np.float32) for drawn in street(60, SIZE)]
    for picture in pictures:
        blurred = cv2.GaussianBlur(picture.image, (9, 9), 0)
        assert min(float(np.abs(blurred - one).max()) for one in truth) < 60  # a smear differs by whole blocks


@pytest.mark.parametrize("backend", BACKENDS)
async def test_fifty_cameras_that_never_answer_do_not_delay_one_that_works(server: CameraServer, backend: str) -> None:
    pictures: list[Picture] = []
    with MisbehavingProxy(server.port) as line:
        line.stall()
        silent = lambda: Address(rtsp.url(line.port))  # noqa: E731
        dead = [Reader(f"d{n}", silent, 5, lambda _: None, backend=backend) for n in range(50)]
        alive = Reader("alive", lambda: Address(server.url), 100, pictures.append, backend=backend)

        async def enough() -> bool:
            return len(pictures) >= 50

        async def all_wait() -> bool:
            return line.accepted >= 50

        for reader in dead:
            reader.start()
        try:
            await eventually(all_wait, 5)
            alive.start()
            await eventually(enough, 15)
            assert line.accepted == 50
        finally:
            for reader in (*dead, alive):
                reader.stop()
    late = [picture.arrived for picture in pictures[15:]]
    assert max(later - earlier for earlier, later in itertools.pairwise(late)) < 400


@pytest.mark.parametrize("backend", BACKENDS)
async def test_cameras_that_answer_everything_and_play_nothing_delay_no_other(
    server: CameraServer, backend: str
) -> None:
    """Each is being opened all the time: who had to wait for one of them would have no picture in seconds."""
    mute, pictures, began = SickCamera(), list[Picture](), time.monotonic()
    mute.mute = True
    with MisbehavingProxy(server.port, rewrite=mute.line) as line:
        address, timing = Address(rtsp.url(line.port)), Timing(open_s=10, read_s=10, pause_low_s=0.1, pause_high_s=0.5)
        dead = [Reader(f"m{n}", lambda: address, 5, lambda _: None, timing=timing, backend=backend) for n in range(8)]
        alive = Reader("alive", lambda: Address(server.url), 100, pictures.append, backend=backend)

        async def all_opening() -> bool:
            return line.accepted >= len(dead)

        async def enough() -> bool:
            return len(pictures) >= 10

        for reader in dead:
            reader.start()
        try:
            await eventually(all_opening, 5)
            began = time.monotonic()
            alive.start()
            await eventually(enough, 30)
            took = time.monotonic() - began
        finally:
            for reader in (*dead, alive):
                reader.stop()
    assert took < 5


async def test_a_main_stream_is_open_only_while_somebody_wishes_for_it(server: CameraServer) -> None:
    main = MainStream("big", lambda: Address(server.url), None)
    assert main.wished(now_ms()) is None

    async def shown() -> bool:
        return main.wished(now_ms()) is not None

    await eventually(shown, 10)
    first = main.wished(now_ms())
    assert first is not None
    assert first.size == SIZE
    assert main.wished(first.arrived + FRESH_MS + 1) is None  # a line that stalled shows no old pictures
    main.tend()
    assert main.wished(now_ms()) is not None
    main.stop()

    async def closed() -> bool:
        return not any(thread.name == "camera big" for thread in threading.enumerate())

    await eventually(closed, 10)
    assert main.wished(now_ms()) is None  # and opens again
    main.stop()


class Kept(PictureStore):
    """A store that remembers what it is given and needs no database."""

    def __init__(self, component: Component) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:9/none", component)
        self.kept: list[Evidence] = []

    def keep(self, made: Evidence) -> bool:
        self.kept.append(made)
        return True


async def test_both_copies_of_an_events_evidence_are_of_the_main_stream(
    server: CameraServer, stack: StackUnderTest
) -> None:
    """Somebody walks for five seconds, in which the main stream opens, and then stands in the zone."""
    right = ((200.0, 0.0), (384.0, 0.0), (384.0, 288.0), (200.0, 288.0))
    camera = Camera(
        id="two", site="s", url=server.url, evidence_url=stack.endpoints.rtsp_url, zones=(Zone(id="z", polygon=right),)
    )
    walk = {number: [Seen(Box(20 + 6 * min(number, 40), 100, 20, 50), "person", 0.9)] for number in range(1, 400)}
    component, told = Component("vision", CollectorRegistry()), list[Detection]()
    store = Kept(component)

    def put(topic: str, device: str, line: bytes, settled: Callable[[], None] | None) -> None:
        if topic == DETECTIONS:
            told.append(detections.decode_line(line))

    with ThreadPoolExecutor(1) as pool:
        around = Surroundings(put, lambda: 0, pool, lambda _: Login("", ""), store, component)
        work = asyncio.create_task(CameraAtWork(camera, Scripted.of(walk), 7, around).run())

        async def entered() -> bool:
            return any(each.event is DetectionEvent.ENTER for each in told)

        await eventually(entered, 30)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    named = next(each.evidence for each in told if each.event is DetectionEvent.ENTER)
    shown = next(each for each in store.kept if each.digest == named)
    assert [size(shown.jpeg), size(shown.clear)] == [(768, 576), (768, 576)]


def size(jpeg: bytes) -> tuple[int, int]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.shape[1], image.shape[0]
