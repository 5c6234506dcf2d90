"""Generations only grow, and a camera waits until the catalogue has it."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.camera_share import Cameras, next_generation
from pipeline.cameras import KnownCameras
from pipeline.core.catalogue import Camera, Kind
from pipeline.core.machine import CatalogueChange

NOW_S = 1_795_230_000


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        ("", NOW_S),  # nobody had the partition yet, or Kafka forgot
        (str(NOW_S - 500), NOW_S),
        (str(NOW_S), NOW_S + 1),  # taken over within the second
        (str(NOW_S + 3600), NOW_S + 3601),  # the former owner's clock was an hour ahead
        ("not ours", NOW_S),
    ],
)
def test_the_next_generation_is_above_the_noted_one_and_not_below_the_clock(noted: str, expected: int) -> None:
    assert next_generation(noted, NOW_S * 1000 + 999) == expected


async def test_a_camera_begins_only_when_the_catalogue_has_its_version() -> None:
    known, applied = KnownCameras(), list[Cameras]()

    async def apply(cameras: Cameras, generation: int) -> None:
        applied.append(cameras)

    camera = Camera(id="cam", site="s", url="rtsp://x/1", version=2)
    known.take([CatalogueChange(1, Kind.CAMERA, "cam", Camera(id="cam", site="s", url="rtsp://x/1"))])
    waiting = asyncio.ensure_future(known.first(apply)({"cam": camera}, 7))
    await asyncio.sleep(0)
    assert applied == []
    known.take([CatalogueChange(2, Kind.CAMERA, "cam", camera)])
    await waiting
    assert applied == [{"cam": camera}]


async def test_a_camera_that_is_gone_waits_for_nothing() -> None:
    applied: list[Cameras] = []

    async def apply(cameras: Cameras, generation: int) -> None:
        applied.append(cameras)

    await KnownCameras().first(apply)({"cam": None}, 7)
    assert applied == [{"cam": None}]
