"""A camera whose lens is covered for a minute: what it says, and what the security pack's rule makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera, Site
from pipeline.core.codec import detections
from pipeline.core.conditions import ConditionEdge
from pipeline.core.events import Detection, DetectionEvent, Edge, TamperKind
from pipeline.core.telemetry import Component, total
from pipeline.core.topics import DETECTIONS
from rules.engine.loader import load_text
from rules.packs import FOLDER
from tests.integration.scene import judged
from tests.unit.vision.test_tamper import covered, each_second
from vision.address import Login
from vision.camera import CameraAtWork, Surroundings
from vision.detectors.scripted import Scripted
from vision.picture import Picture
from vision.store import PictureStore

BEGIN = 1_795_230_000_000
CLEAN_S, COVERED_S, AGAIN_S = 30, 60, 90
CAMERA = Camera(id="cam", site="yard", url="rtsp://127.0.0.1:9/cam")


async def told(pictures: list[Picture]) -> list[Detection]:
    """The detections of a camera at work to which these pictures come, one after the other."""
    lines: list[bytes] = []
    component = Component("vision", CollectorRegistry())

    def put(topic: str, device: str, line: bytes, settled: Callable[[], None] | None) -> None:
        if topic == DETECTIONS:
            lines.append(line)
        if settled is not None:
            settled()

    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    with ThreadPoolExecutor(1) as pool:
        around = Surroundings(put, lambda: 0, pool, lambda _: Login("", ""), store, component)
        work = CameraAtWork(CAMERA, Scripted.of({}), 7, around)
        running = asyncio.create_task(work.run())
        for picture in pictures:
            work._deliver(picture)
            async with asyncio.timeout(10):
                while total(component.in_flight):
                    await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return [detections.decode_line(line) for line in lines]


async def test_a_covered_lens_is_an_alert_after_half_a_minute_and_over_when_it_is_clear() -> None:
    pictures = []
    for second in range(CLEAN_S + COVERED_S + AGAIN_S):
        image = each_second()[second % 40]
        hidden = CLEAN_S <= second < CLEAN_S + COVERED_S
        pictures.append(Picture(covered(1)(image) if hidden else np.copy(image), BEGIN + second * 1000, second + 1))
    found = [each for each in await told(pictures) if each.event is DetectionEvent.TAMPER]
    assert [(each.edge, each.kind, each.site) for each in found] == [
        (Edge.BEGIN, TamperKind.COVERED, "yard"),
        (Edge.END, TamperKind.COVERED, "yard"),
    ]
    begun, ended = (each.at for each in found)
    rules = [rule for rule in load_text((FOLDER / "security.yaml").read_text()).checked() if "tamper" in rule.id]
    conditions = judged(rules, found, [Site(id="yard"), CAMERA], BEGIN + 200_000)
    assert [(each.rule, each.edge, each.key) for each in conditions] == [
        ("safety.camera.tamper", ConditionEdge.BEGIN, "safety.camera.tamper|cam"),
        ("safety.camera.tamper", ConditionEdge.END, "safety.camera.tamper|cam"),
    ]
    assert [each.at for each in conditions] == [begun + 30_000, ended + 30_000]  # `for` and `clear` of the rule
