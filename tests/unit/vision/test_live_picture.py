"""The live picture is shown whatever becomes of a camera's analysis: all blurred where nobody looked for people."""

from __future__ import annotations

import asyncio

import cv2
import msgspec
import numpy as np
import pytest
import structlog.testing
from prometheus_client import REGISTRY

from tests.unit.vision.at_work import Worked, worked
from tests.unit.vision.test_tamper_alert import CAMERA, YARD, seconds
from vision.camera import WAITING_LIMIT
from vision.detectors.scripted import Scripted
from vision.evidence import Evidence
from vision.picture import Picture, Seen

WATCHED = msgspec.structs.replace(CAMERA, zones=(YARD,))
FAILURES = "ioc_camera_detector_failures_total"


class Broken:
    people = ("person",)

    def detect(self, picture: Picture) -> list[Seen]:
        raise RuntimeError("no more memory")


def edges(jpeg: bytes) -> float:
    """How sharp a picture is above its caption."""
    image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))[:500]
    return float(np.asarray(cv2.Laplacian(image, cv2.CV_32F)).std())


def all_blurred(shown: Evidence) -> bool:
    """Whether the copy for everybody has lost the edges that the clear one has."""
    return edges(shown.jpeg) < edges(shown.clear) / 3


def check(done: Worked, pictures: int) -> None:
    assert len({shown.at for shown in done.kept}) == pictures
    assert all(map(all_blurred, done.kept))


async def test_a_camera_whose_detector_always_fails_shows_its_picture_says_so_and_stops_no_other() -> None:
    other = msgspec.structs.replace(WATCHED, id="other")
    pictures = seconds(0, 12, hidden=False)
    failed: list[float | None] = []

    def waiting() -> int:
        failed.append(REGISTRY.get_sample_value(FAILURES, {"camera": "cam"}))
        return 0

    with structlog.testing.capture_logs() as logs:
        done, well = await asyncio.gather(
            worked(WATCHED, Broken(), pictures, watched=True, waiting=waiting),
            worked(other, Scripted.of({}), pictures, watched=True),
        )
    check(done, 12)
    assert failed[-1] == 11
    assert [each["why"] for each in logs if each["event"] == "detector failed"] == ["RuntimeError('no more memory')"]
    assert done.component.dropped.labels("detector_failed")._value.get() == 12
    assert well.component.sent._value.get() == 12
    assert len({shown.at for shown in well.kept}) == 12


@pytest.mark.parametrize("waits", [0, WAITING_LIMIT + 1])
async def test_the_picture_is_shown_while_kafka_takes_nothing(waits: int) -> None:
    done = await worked(WATCHED, Scripted.of({}), seconds(0, 12, hidden=False), watched=True, waiting=lambda: waits)
    assert len({shown.at for shown in done.kept}) == 12
    assert done.component.dropped.labels("behind")._value.get() == (12 if waits else 0)
