"""Cameras unlike others: long logins, rare key frames, few frames, sound that goes on when the pictures end."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from pipeline.core.events import CameraState
from pipeline.local import rtsp
from tests.integration.cameras import CameraServer, film, serving, street
from tests.integration.log_harness import eventually
from tests.strange_camera import StrangeCamera, units_of
from vision.address import Address, Login
from vision.gauges import CameraGauges
from vision.ladder import climb
from vision.picture import Picture
from vision.probe import probe
from vision.reader import Reader, Timing
from vision.stream import BACKENDS, StreamFault

pytestmark = pytest.mark.timeout(90)
SIZE = (384, 288)
FPS = 10
LONG = {"plain": "a" * 123, "signs": "!$&'()*+,;=" * 11, "marks": "ộ" * 41}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("password", LONG.values(), ids=LONG)
def test_a_login_may_be_as_long_as_it_is_let(tmp_path: Path, password: str, backend: str) -> None:
    camera = CameraServer(tmp_path, film(tmp_path / "street.h264", street(20, SIZE)), login=("cam", password))
    with serving(camera):
        address = Address(rtsp.url(camera.protected_port), Login("cam", password))
        assert probe(address, look_s=0.5, backend=backend).codec == "h264"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_camera_that_wants_its_login_in_the_path_is_opened_and_the_login_shown_nowhere(
    tmp_path: Path, backend: str, capfd: pytest.CaptureFixture[str]
) -> None:
    film_ = film(tmp_path / "street.h264", street(20, SIZE))
    camera = CameraServer(tmp_path, film_, path="/user=admin&password=s%40cret%2F&channel=1")
    url = f"rtsp://127.0.0.1:{camera.port}/user={{user}}&password={{password}}&channel=1"
    with serving(camera):
        address = Address(url, Login("admin", "s@cret/"))
        assert probe(address, look_s=0.5, backend=backend).codec == "h264"
        assert climb(address).broken is None
        with pytest.raises(StreamFault):
            probe(Address(url, Login("admin", "else")), look_s=0.5, backend=backend)
    assert "cret" not in "".join(capfd.readouterr())


async def test_a_camera_with_rare_key_frames_is_told_so_in_time(tmp_path: Path) -> None:
    """Who comes second to a shared stream waits for its next key frame: here 30 s."""
    rare = itertools.islice(itertools.cycle(street(60, SIZE)), 30 * FPS)
    camera = CameraServer(tmp_path, film(tmp_path / "rare.h264", rare, key_every=30 * FPS))
    pictures: list[Picture] = []
    first = Reader("first", lambda: Address(camera.url), FPS, pictures.append)

    async def watched() -> bool:
        return len(pictures) > FPS

    with serving(camera):
        first.start()
        try:
            await eventually(watched, 10)
            began = time.monotonic()
            found = await asyncio.to_thread(climb, Address(camera.url))
            assert time.monotonic() - began < 8
        finally:
            first.stop()
    assert found.broken is not None
    assert found.broken.name == "key_frame"
    assert found.broken.said.en.startswith("no key frame within ")
    assert found.broken.said.vi.startswith("không có khung hình khóa trong ")
    assert "2 giây" in found.broken.fix.vi


@pytest.mark.parametrize("fps", [0.5, 1, 2])
def test_the_ladder_tells_the_rate_of_a_slow_camera_in_time(tmp_path: Path, fps: float) -> None:
    camera = CameraServer(tmp_path, film(tmp_path / "slow.h264", street(30, SIZE), key_every=5), fps=fps)
    with serving(camera):
        began = time.monotonic()
        found = climb(Address(camera.url))
        assert time.monotonic() - began < 8
    assert found.broken is None
    assert found.found is not None
    assert found.found.fps == pytest.approx(fps, rel=0.1)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_camera_whose_sound_goes_on_when_its_pictures_end_is_opened_again(tmp_path: Path, backend: str) -> None:
    """Its sound must not pass for a sign of life: the dead connection would stay open for ever, stopped or not."""
    film_ = film(tmp_path / "street.h264", street(60, SIZE))
    camera = CameraServer(tmp_path, film_, more=("--sound", "--frames", "30"))
    gauges, timing = CameraGauges(f"sound-{backend}"), Timing(open_s=3, read_s=2, frozen_s=1.2, pause_low_s=0.1)
    reader = Reader(
        f"sound {backend}",
        lambda: Address(camera.url),
        5,
        lambda _: None,
        timing=timing,
        gauges=gauges,
        backend=backend,
    )

    async def again() -> bool:
        label = {"camera": f"sound-{backend}"}
        return (REGISTRY.get_sample_value("ioc_camera_connections_total", label) or 0) >= 2

    async def ended() -> bool:
        return not any(thread.name == f"camera sound {backend}" for thread in threading.enumerate())

    with serving(camera):
        reader.start()
        try:
            await eventually(again, 20)
        finally:
            reader.stop()
        await eventually(ended, 10)


async def test_a_camera_whose_rtp_time_stands_still_is_looked_at_by_arrival(tmp_path: Path) -> None:
    units = units_of(film(tmp_path / "street.h264", street(30, SIZE)))
    pictures: list[Picture] = []
    with StrangeCamera(units, ticks=lambda _: 1000, fps=FPS) as camera:
        reader = Reader("standing", lambda: Address(camera.url), 5, pictures.append)
        reader.start()

        async def enough() -> bool:
            return len(pictures) > 10

        try:
            await eventually(enough, 9)  # two seconds to open it, one to see it, two for ten pictures
        finally:
            reader.stop()
    assert sorted({picture.clock for picture in pictures}) == ["arrival"]


class Silent(StrangeCamera):
    """It plays nothing."""

    def answer(self, method: str, headers: dict[str, str]) -> tuple[str, list[str]] | None:
        return ("503 Service Unavailable", []) if method in ("SETUP", "PLAY") else None


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_a_camera_that_describes_its_stream_and_does_not_play_it_is_offline_and_not_unsupported(
    tmp_path: Path, codec: str, backend: str
) -> None:
    units = units_of(film(tmp_path / "street.h264", street(10, SIZE)))
    with Silent(units, codec=codec) as camera, pytest.raises(StreamFault) as caught:
        probe(Address(camera.url), backend=backend)
    assert caught.value.state is CameraState.OFFLINE
