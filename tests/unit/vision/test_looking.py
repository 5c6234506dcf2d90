"""On a quiet camera the detector rests, and nothing that it should have seen is forgotten."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from prometheus_client import REGISTRY

from vision.gauges import CameraGauges
from vision.looking import Looking
from vision.picture import Box, Picture, Seen


class Counted:
    """A detector that sees as many people as there have been looks, and fails when told to."""

    people = ("person",)

    def __init__(self) -> None:
        self.looks, self.broken = 0, False

    def detect(self, picture: Picture) -> list[Seen]:
        if self.broken:
            raise RuntimeError("no more memory")
        self.looks += 1
        return [Seen(Box(0, 0, 10, 20), "person", 0.9)] * self.looks


def picture(number: int, *, quiet: bool, size: tuple[int, int] = (64, 48)) -> Picture:
    return Picture(np.zeros((size[1], size[0], 3), np.uint8), number * 200, number, quiet=quiet)


async def here(work: Callable[[], list[Seen]]) -> list[Seen]:
    return work()


@pytest.fixture
def detector() -> Counted:
    return Counted()


@pytest.fixture
def looking(detector: Counted) -> Looking:
    return Looking(detector, here, CameraGauges("gate-cam"))


async def test_a_quiet_picture_shows_what_was_seen_last(looking: Looking, detector: Counted) -> None:
    assert len(await looking.see(picture(1, quiet=False))) == 1
    assert len(await looking.see(picture(2, quiet=True))) == 1
    assert detector.looks == 1
    assert len(await looking.see(picture(3, quiet=False))) == 2


async def test_a_change_that_was_skipped_is_looked_for_in_the_next_picture(looking: Looking, detector: Counted) -> None:
    await looking.see(picture(1, quiet=False))
    looking.missed(picture(2, quiet=True))
    await looking.see(picture(3, quiet=True))
    assert detector.looks == 1
    looking.missed(picture(4, quiet=False))
    await looking.see(picture(5, quiet=True))
    assert detector.looks == 2


async def test_a_look_that_failed_is_owed(looking: Looking, detector: Counted) -> None:
    await looking.see(picture(1, quiet=False))
    detector.broken = True
    with pytest.raises(RuntimeError):
        await looking.see(picture(2, quiet=False))
    detector.broken = False
    await looking.see(picture(3, quiet=True))
    assert detector.looks == 2


async def test_another_picture_size_is_looked_at_anew(looking: Looking, detector: Counted) -> None:
    await looking.see(picture(1, quiet=False))
    await looking.see(picture(2, quiet=True, size=(128, 96)))
    assert detector.looks == 2


def test_a_camera_s_metrics_end_with_it_and_do_not_come_back() -> None:
    gauges = CameraGauges("moved-cam", clock=lambda: 5_000)
    gauges.frames(2, broken=0)
    gauges.picture(arrived=3_500)
    assert REGISTRY.get_sample_value("ioc_camera_frames_total", {"camera": "moved-cam"}) == 2
    assert REGISTRY.get_sample_value("ioc_camera_staleness_seconds", {"camera": "moved-cam"}) == 1.5
    gauges.close()
    gauges.frames(1, broken=1)
    for name in ("ioc_camera_frames_total", "ioc_camera_staleness_seconds", "ioc_camera_pictures_total"):
        assert REGISTRY.get_sample_value(name, {"camera": "moved-cam"}) is None
