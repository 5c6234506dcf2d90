"""A camera whose lens is covered for a minute: what it says, and what the security pack's rule makes of it."""

from __future__ import annotations

import numpy as np

from pipeline.core.catalogue import Camera, Site
from pipeline.core.conditions import ConditionEdge
from pipeline.core.events import DetectionEvent, Edge, TamperKind
from rules.engine.loader import load_text
from rules.packs import FOLDER
from tests.integration.scene import judged
from tests.unit.vision.at_work import worked
from tests.unit.vision.test_tamper import covered, each_second
from vision.detectors.scripted import Scripted
from vision.picture import Picture

BEGIN = 1_795_230_000_000
CLEAN_S, COVERED_S, AGAIN_S = 30, 60, 90
CAMERA = Camera(id="cam", site="yard", url="rtsp://127.0.0.1:9/cam")


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
