"""A camera whose lens is covered for a minute: what it says, and what the security pack's rule makes of it."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Site, Zone
from pipeline.core.conditions import ConditionEdge
from pipeline.core.events import DetectionEvent, Edge, TamperKind
from rules.engine.loader import load_text
from rules.packs import FOLDER
from tests.integration.scene import judged
from tests.unit.vision.at_work import Worked, worked
from tests.unit.vision.test_tamper import covered, each_second
from vision.clips import Clips
from vision.detectors.scripted import Scripted
from vision.picture import Picture, Seen

BEGIN = 1_795_230_000_000
CLEAN_S, COVERED_S, AGAIN_S = 30, 60, 90
CAMERA = Camera(id="cam", site="yard", url="rtsp://127.0.0.1:9/cam")
YARD = Zone(id="z", polygon=((0, 0), (700, 0), (700, 500), (0, 500)))


def seconds(since: int, until: int, *, hidden: bool) -> list[Picture]:
    shown = covered(1) if hidden else np.copy
    return [Picture(shown(each_second()[s % 40]), BEGIN + s * 1000, s + 1) for s in range(since, until)]


def tampers(done: Worked) -> list[Edge | None]:
    return [each.edge for each in done.said if each.event is DetectionEvent.TAMPER]


EDITS = [
    pytest.param({"threshold": 0.8, "zones": (YARD,)}, [], [Edge.END], id="something else is edited"),
    pytest.param({"url": "rtsp://127.0.0.1:9/other"}, [Edge.END], [], id="another stream"),
    pytest.param({"attributes": {"view": 2}}, [Edge.END], [], id="the view is accepted"),
    pytest.param({"attributes": {"tamper": False}}, [Edge.END], [], id="the camera turns by itself"),
]


@pytest.mark.parametrize(("edit", "while_covered", "afterwards"), EDITS)
async def test_what_was_said_of_a_view_outlives_a_change_of_the_document_but_not_of_the_view(
    edit: dict[str, Any], while_covered: list[Edge], afterwards: list[Edge]
) -> None:
    """Covered after 30 s, edited at 60 s, clear again at 90 s."""
    clips = Clips("", UTC)

    async def over(camera: Camera, pictures: list[Picture]) -> list[Edge | None]:
        return tampers(await worked(camera, Scripted.of({}), pictures, witness=clips.witness))

    assert await over(CAMERA, [*seconds(0, 30, hidden=False), *seconds(30, 60, hidden=True)]) == [Edge.BEGIN]
    edited = msgspec.structs.replace(CAMERA, **edit)
    assert await over(edited, seconds(60, 90, hidden=True)) == while_covered
    if afterwards:
        assert await over(edited, seconds(90, 120, hidden=False)) == afterwards


async def test_the_view_is_watched_and_filmed_all_blurred_while_the_detector_fails() -> None:
    class Broken:
        people = ("person",)

        def detect(self, picture: Picture) -> list[Seen]:
            raise RuntimeError("no more memory")

    clips, camera = Clips("", UTC), msgspec.structs.replace(CAMERA, zones=(YARD,))
    pictures = [*seconds(0, 30, hidden=False), *seconds(30, 60, hidden=True), *seconds(60, 90, hidden=False)]
    done = await worked(camera, Broken(), pictures, witness=clips.witness)
    assert tampers(done) == [Edge.BEGIN, Edge.END]
    assert done.component.dropped.labels("detector_failed")._value.get() == 90
    shots = clips._films["cam"].cut(0, 2**62)
    assert (len(shots), {shot.people for shot in shots}) == (90, {None})
    copies = (done.kept[-1].jpeg, done.kept[-1].clear)
    images = [np.asarray(cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR)) for each in copies]
    hidden, clear = (float(np.asarray(cv2.Laplacian(image[:500], cv2.CV_32F)).std()) for image in images)
    assert hidden < clear / 3


async def test_a_covered_lens_is_an_alert_after_half_a_minute_and_over_when_it_is_clear() -> None:
    pictures = []
    for second in range(CLEAN_S + COVERED_S + AGAIN_S):
        image = each_second()[second % 40]
        hidden = CLEAN_S <= second < CLEAN_S + COVERED_S
        pictures.append(Picture(covered(1)(image) if hidden else np.copy(image), BEGIN + second * 1000, second + 1))
    found = [
        each for each in (await worked(CAMERA, Scripted.of({}), pictures)).said if each.event is DetectionEvent.TAMPER
    ]
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
