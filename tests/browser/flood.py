"""One river gauge of a test's own, its rule, and what it measures."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pipeline.core.alerts import Text
from pipeline.core.catalogue import Camera, Device, DeviceType, Document, Site, TypeQuantity
from pipeline.core.clock import now_ms
from pipeline.core.events import Reading
from rules.engine.loader import load_text
from tests.browser.centre import Centre
from tests.integration.scene import judged

RULE = """
id: {p}.level
title: {{vi: Mực nước vượt báo động, en: River above alarm level}}
kind: threshold
scope: {{quantity: water_level, tags: [{p}]}}
raise: {{major: {{above: 4}}, critical: {{above: 6}}}}
clear: {{below: 3}}
alert:
  instruction: {{vi: Báo cho vùng trũng thấp, en: Warn low areas}}
  legal: Quyết định 05/2020/QĐ-TTg
"""


APART_MS = 10_000
"""Far enough apart that a chart shows each reading by itself."""


class Flood:
    """A gauge whose levels become readings and alerts."""

    def __init__(self, centre: Centre) -> None:
        self.prefix = f"c{uuid.uuid4().hex[:6]}"
        self.device, self.camera = f"{self.prefix}-gauge", f"{self.prefix}-cam"
        self.key = f"{self.prefix}.level|{self.device}|water_level"
        self.centre = centre
        self._rules = load_text(RULE.format(p=self.prefix)).checked()
        self._measured: list[Reading] = []
        self._told = 0
        self._documents = self._made()
        centre.do(centre.scene.register(self._documents, self._rules))

    def _made(self) -> list[Document]:
        site, type_ = f"{self.prefix}-site", f"{self.prefix}-type"
        return [
            Site(id=site, title=Text(f"Cầu {self.prefix}", f"Bridge {self.prefix}")),
            DeviceType(id=type_, quantities=(TypeQuantity("water_level"),), period_s=60, delay_s=1),
            Device(
                id=self.device,
                type=type_,
                site=site,
                title=Text(f"Trạm {self.prefix}", f"Gauge {self.prefix}"),
                tags=(self.prefix,),
            ),
            Camera(id=self.camera, site=site, url="rtsp://127.0.0.1:1/cam", title=Text("Camera cầu", "Bridge camera")),
        ]

    def rises(self, *levels: float) -> None:
        """Measure these levels, the last one now; the rule judges them."""
        now = now_ms()
        found = [self._reading(level, now - APART_MS * back) for back, level in zip(_back(levels), levels, strict=True)]
        self._measured += found
        conditions = judged(self._rules, self._measured, self._documents, now + 10_000)
        self.centre.do(self.centre.scene.measure(found))
        self.centre.do(self.centre.scene.judge(conditions[self._told :]))
        self._told = len(conditions)

    def _reading(self, level: float, at: int) -> Reading:
        seq = len(self._measured) + 1 + at % 1000
        return Reading(device=self.device, quantity="water_level", unit="m", value=level, at=at, seq=seq)


def _back(levels: Sequence[float]) -> range:
    return range(len(levels) - 1, -1, -1)
