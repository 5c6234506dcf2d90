"""What is told as it is seen: fire and smoke stand on no ground, and are nobody to follow. Pure; times in ms.

Rules want it k times in n pictures that are apart (`repeat` with `within`), not five boxes of one flicker.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.core.catalogue import Camera
from pipeline.core.events import DetectionEvent
from vision.analytics.zone import HAZARDS, Finding
from vision.picture import Seen
from vision.tracker import Track
from vision.zones import Polygon

TELL_EVERY_MS = 2000
"""How often what is seen at one place is told, at most."""


class Hazards:
    """The zones of one camera that name fire or smoke among their labels, for pictures of `size`."""

    def __init__(self, camera: Camera, size: tuple[int, int]) -> None:
        drawn = camera.frame_size or size
        self._zones = [
            (zone.id, Polygon(zone, drawn, size))
            for zone in camera.zones
            if zone.kind == "inclusion" and HAZARDS.intersection(zone.labels)
        ]
        self._hiding = [Polygon(zone, drawn, size) for zone in camera.zones if zone.kind == "exclusion"]
        self._threshold = camera.threshold
        self._told: dict[tuple[str, str], int] = {}

    def update(self, seen: Iterable[Seen], at: int) -> list[Finding]:
        """A `state` for each label at each place: its most certain box there, of those over the camera's threshold.

        A box is where its middle is. Two labels at one place are a millisecond apart: rules pass over what is not
        newer than the newest.
        """
        sure = [each for each in seen if each.label in HAZARDS and each.confidence >= self._threshold]
        found: list[Finding] = []
        for place, polygon in self._zones if sure else ():
            best: dict[str, Seen] = {}
            for each in sorted(sure, key=lambda one: one.confidence):
                if self._is_in(polygon, each, at):
                    best[each.label] = each
            due = [
                label for label in sorted(best) if at - self._told.get((place, label), -TELL_EVERY_MS) >= TELL_EVERY_MS
            ]
            for later, label in enumerate(due):
                self._told[place, label] = at
                track = Track("", label, best[label].box, best[label].confidence, at, True)
                found.append(Finding(DetectionEvent.STATE, at + later, place, track))
        return found

    def _is_in(self, polygon: Polygon, seen: Seen, at: int) -> bool:
        hidden = any(_covers(each, seen, at) for each in self._hiding)
        return _covers(polygon, seen, at) and not hidden


def _covers(polygon: Polygon, seen: Seen, at: int) -> bool:
    box = seen.box
    middle = (box.x + box.width / 2, box.y + box.height / 2)
    return seen.label in polygon.labels and polygon.depth(middle) >= 0 and polygon.open_until(at) is not None
