"""Zones and lines on the street, and all that is said of a scene there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pipeline.core.catalogue import Camera, Line, Zone
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import SIZE, PinholeCamera, Street, ms, times
from vision.analytics.places import Places
from vision.analytics.zone import Finding, Measure
from vision.plane import Plane
from vision.tracker import Track, Tracked

CAMERA = PinholeCamera()
SQUARE = CAMERA.ground((-5, 14), (5, 14), (5, 24), (-5, 24))
"""10 m x 10 m of ground."""
LEFT, RIGHT = CAMERA.ground((-8, 20), (8, 20))
"""Across the street, 20 m away, from left to right: what comes nearer ends on its right."""


class Heard(NamedTuple):
    """All that was said of a scene."""

    findings: list[Finding]
    measures: list[Measure]

    def of(self, event: DetectionEvent, edge: Edge | None = None) -> list[Finding]:
        return [found for found in self.findings if found.event is event and (edge is None or found.edge is edge)]

    def values(self, quantity: str) -> list[float]:
        return [measure.value for measure in self.measures if measure.quantity == quantity]


def zone(**settings: Any) -> Zone:
    return Zone(id="z", polygon=SQUARE, **{"labels": ("person",), **settings})


def line(**settings: Any) -> Line:
    return Line(id="l", points=(LEFT, RIGHT), **settings)


def places(zones: Iterable[Zone] = (), lines: Iterable[Line] = (), *, calibrated: bool = True) -> Places:
    camera = Camera(id="c", site="s", url="rtsp://x/1", frame_size=SIZE, zones=tuple(zones), lines=tuple(lines))
    return Places(camera, SIZE, Plane.of(CAMERA.calibration(), SIZE, SIZE) if calibrated else None)


def play(
    watching: Places, street: Street, at: Iterable[float], shake: int | None = None, *, calibrated: bool = True
) -> Heard:
    """Everything that is said until the end of the scene; with `shake`, boxes tremble by a pixel.

    A track ends when it is not in the next picture, as those do that are settled.
    """
    noise = None if shake is None else np.random.default_rng(shake)
    heard, before = Heard([], []), list[Track]()
    for time in at:
        tracked = street.tracked(time, noise)
        live = tracked.live if calibrated else [track._replace(ground=None) for track in tracked.live]
        here = {track.id for track in live}
        ended, before = [track for track in before if track.id not in here], live
        said = watching.update(Tracked(live, ended), ms(time))
        heard.findings.extend(said.findings)
        heard.measures.extend(said.measures)
    said = watching.end()
    return Heard(heard.findings + said.findings, heard.measures + said.measures)


def arrow(start: tuple[float, float], end: tuple[float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """A direction on the ground, as it is drawn in the picture."""
    first, second = CAMERA.ground(start, end)
    return first, second


LATE_AND_IRREGULAR = [t for t in times(10, 60) if int(t * 10) % 7 not in (1, 2, 5)]
RATES = [times(10, 60), times(3, 60), times(15, 60), LATE_AND_IRREGULAR]
RATE_NAMES = ["10 fps", "3 fps", "15 fps", "irregular"]
