"""The reader on the real RTSP server, through a line that misbehaves on command."""

from __future__ import annotations

import asyncio
import random
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.codec import detections, readings
from pipeline.core.events import CameraState, Detection, DetectionEvent, Reading
from pipeline.core.telemetry import Component, total
from pipeline.core.topics import READINGS
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy
from vision.address import Address, Login
from vision.camera import CameraAtWork, Surroundings
from vision.detectors.scripted import Scripted
from vision.picture import Box, Picture, Seen
from vision.probe import probe
from vision.reader import Reader, Timing
from vision.store import PictureStore
from vision.stream import StreamFault

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
QUICK = Timing(open_s=3, read_s=2.5, frozen_s=1.2, pause_low_s=0.1, pause_high_s=0.2)


@pytest.fixture
def line(stack: StackUnderTest) -> Iterator[MisbehavingProxy]:
    with MisbehavingProxy(urlsplit(stack.endpoints.rtsp_url).port or 0) as proxy:
        yield proxy


def through(line: MisbehavingProxy) -> Address:
    return Address(f"rtsp://127.0.0.1:{line.port}/cam1")


class Watched:
    """A reader at work: what it delivered, and the states it went through as a watcher saw them."""

    def __init__(self, address: Address, fps: float = 5) -> None:
        self.pictures: list[Picture] = []
        self.states: list[CameraState] = []
        self.reader = Reader("cam", lambda: address, fps, self.pictures.append, timing=QUICK)

    async def __aenter__(self) -> Watched:
        self.reader.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reader.stop()

    async def until(self, state: CameraState, within_s: float = 12) -> None:
        async def reached() -> bool:
            found = self.reader.state()
            if found is not None and self.states[-1:] != [found]:
                self.states.append(found)
            return self.states[-1:] == [state]

        await eventually(reached, within_s, every_s=0.02)


async def test_pictures_come_at_the_camera_s_rate_in_order_of_their_time(stack: StackUnderTest) -> None:
    async with Watched(Address(stack.endpoints.rtsp_url)) as watched:

        async def enough() -> bool:
            return sum(picture.clock == "rtcp" for picture in watched.pictures) >= 40

        await eventually(enough, 25)  # long after the step from the time of arrival to the camera's clock
    times = [picture.at for picture in watched.pictures]
    assert times == sorted(set(times))
    gaps = sorted(b - a for a, b in zip(times[-12:], times[-11:], strict=False))
    assert 150 <= gaps[len(gaps) // 2] <= 250  # 5 a second out of 10
    assert watched.pictures[-1].clock == "rtcp"
    assert watched.pictures[-1].size == (768, 576)
    assert watched.states == [] or watched.reader.frames >= 38


async def test_a_stalled_line_is_frozen_then_offline_and_comes_back(line: MisbehavingProxy) -> None:
    async with Watched(through(line)) as watched:
        await watched.until(CameraState.ONLINE)
        line.stall()
        await watched.until(CameraState.OFFLINE)
        line.ok()
        await watched.until(CameraState.ONLINE)
    assert watched.states == [CameraState.ONLINE, CameraState.FROZEN, CameraState.OFFLINE, CameraState.ONLINE]


async def test_a_dropped_line_is_a_fault_although_no_error_is_raised(line: MisbehavingProxy) -> None:
    async with Watched(through(line)) as watched:
        await watched.until(CameraState.ONLINE)
        line.drop()
        await watched.until(CameraState.OFFLINE)
        await watched.until(CameraState.ONLINE)


async def test_a_refused_and_a_silent_port_are_offline_until_the_camera_answers(line: MisbehavingProxy) -> None:
    async with Watched(through(line)) as watched:
        line.refuse()
        await watched.until(CameraState.OFFLINE)
        line.silent()
        await asyncio.sleep(0.5)
        await watched.until(CameraState.OFFLINE)
        line.ok()
        await watched.until(CameraState.ONLINE)
    assert watched.states == [CameraState.OFFLINE, CameraState.ONLINE]


async def test_a_stopped_reader_ends_its_thread(stack: StackUnderTest) -> None:
    async with Watched(Address(stack.endpoints.rtsp_url)) as watched:
        await watched.until(CameraState.ONLINE)

    async def ended() -> bool:
        return not any(thread.name == "camera cam" for thread in threading.enumerate())

    await eventually(ended, 10)


def test_a_probe_says_what_a_camera_sends(stack: StackUnderTest) -> None:
    found = probe(Address(stack.endpoints.rtsp_url))
    assert (found.codec, found.width, found.height, found.clock) == ("h264", 768, 576, "rtcp")
    assert found.fps == pytest.approx(10, abs=1)
    assert 0 < found.first_picture_s < 6


def test_a_login_opens_the_protected_camera(stack: StackUnderTest) -> None:
    endpoints = stack.endpoints
    login = Login(endpoints.rtsp_user, endpoints.rtsp_password)
    assert probe(Address(endpoints.rtsp_url_protected, login), look_s=0.5).width == 768


@pytest.mark.parametrize("login", [None, Login("cam", "wr0ng-passw0rd")])
def test_a_wrong_or_missing_login_is_unauthorised(stack: StackUnderTest, login: Login | None) -> None:
    with pytest.raises(StreamFault, match="refuses the login") as caught:
        probe(Address(stack.endpoints.rtsp_url_protected, login))
    assert caught.value.state is CameraState.UNAUTHORISED
    assert "wr0ng" not in everything_known(caught.value)


def everything_known(error: BaseException) -> str:
    """Its text, its chain, and every local variable of our own modules that a debugger or a reporter would show."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if "/vision/" in frame.f_code.co_filename]
    assert ours
    return repr([error, error.__cause__, error.__context__, *(frame.f_locals for frame in ours)])


def test_an_unknown_path_is_told(stack: StackUnderTest) -> None:
    with pytest.raises(StreamFault, match="no stream under this path"):
        probe(Address(stack.endpoints.rtsp_url.replace("cam1", "cam2")))


async def test_every_picture_is_accounted_for_and_occupancy_comes_once_a_second(stack: StackUnderTest) -> None:
    component = Component("vision", CollectorRegistry())
    lines: list[tuple[str, str, bytes]] = []

    def put(topic: str, device: str, line: bytes, settled: Callable[[], None] | None) -> None:
        lines.append((topic, device, line))
        if settled is not None:
            asyncio.get_running_loop().call_later(random.random() / 10, settled)

    polygon = ((0.0, 0.0), (768.0, 0.0), (768.0, 576.0), (0.0, 576.0))
    zones = (Zone(id="whole", polygon=polygon), Zone(id="cars", polygon=polygon, labels=("car",)))
    camera = Camera(id="cam", site="s", url=stack.endpoints.rtsp_url, fps=10, zones=zones)
    detector = Scripted.of({number: [Seen(Box(300 + number, 200, 40, 100), "person", 0.9)] for number in range(1, 200)})
    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    with ThreadPoolExecutor(1) as pool:
        # the shipped timing: with the quick one, a second in which the machine is busy elsewhere is a frozen camera
        around = Surroundings(put, lambda: 0, pool, lambda _: Login("", ""), store, component)
        work = asyncio.create_task(CameraAtWork(camera, detector, 7, around).run())

        async def enough() -> bool:
            return sum(topic == READINGS for topic, _, _ in lines) >= 8

        await eventually(enough, 20)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    async def at_rest() -> bool:
        return total(component.in_flight) == 0

    await eventually(at_rest, 10)  # what was handed to the store, which is down, is dropped in its own time
    assert component.balance() == 0
    check_lines(lines)


def check_lines(lines: list[tuple[str, str, bytes]]) -> None:
    """Two zones have a series each, one reading a second; one person entered once and left when the work ended."""
    counted: list[Reading] = [readings.decode_line(line) for topic, _, line in lines if topic == READINGS]
    for device, quantity, values in (("cam.whole", "zone_occupancy", {0, 1}), ("cam.cars", "zone_vehicles", {0})):
        mine = [each for each in counted if (each.device, each.quantity) == (device, quantity)]
        assert {each.value for each in mine} == values
        assert len({each.at // 1000 for each in mine}) == len(mine) >= 3
    found: list[Detection] = [detections.decode_line(line) for topic, _, line in lines if topic != READINGS]
    said = [(each.event, each.zone, each.track) for each in found]
    assert said[0][0] is DetectionEvent.STATE
    assert said[1:] == [(DetectionEvent.ENTER, "whole", "7-1"), (DetectionEvent.LEAVE, "whole", "7-1")]
    assert [each.evidence for each in found] == [""] * 3  # there is no database to hold a picture
