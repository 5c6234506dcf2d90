"""What an analytic of a zone is given, and what it may say. Pure; times in ms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pipeline.core.catalogue import Zone
from pipeline.core.events import DetectionEvent, Edge
from vision.analytics.ground import seen_part
from vision.lines import Direction
from vision.plane import Plane
from vision.tracker import Track
from vision.zones import Moment, Point, scaled

SLOWLY_MS = 5000
"""How often what changes slowly is told: a province's cameras would write hundreds of millions of rows a day else."""
VEHICLES = frozenset((
    "vehicle", "bicycle", "car", "motorcycle", "motorbike", "bus", "truck",
    "van", "pickup", "bike", "tricycle", "awning-tricycle",
))  # fmt: skip
"""Labels of road vehicles: COCO's, those that other data sets have besides (vision.naming), and what detectors call a
vehicle of unknown kind."""


THINGS = frozenset(("bag", "backpack", "handbag", "suitcase", "box", "parcel"))
"""Labels of what people leave behind: COCO's three, and those of detectors made for it."""
HAZARDS = frozenset(("fire", "flame", "smoke"))
"""Labels of what is told as it is seen (vision.hazards); nobody follows or counts it."""
NOT_PEOPLE = VEHICLES | THINGS | HAZARDS


class Finding(NamedTuple):
    """Something that happened at a place (zone or line); it becomes a detection."""

    event: DetectionEvent
    at: int
    place: str
    track: Track | None = None
    edge: Edge | None = None
    direction: Direction | None = None
    on_line: bool = False


class Measure(NamedTuple):
    """A value of a quantity of a place; it becomes a reading. `at`: when it held, or the end of what was counted."""

    place: str
    quantity: str
    value: float
    at: int


class ZoneAnalytic:
    """One thing that is watched in one zone; what it remembers of a stay ends with it. Says nothing by itself."""

    every_ms = 1000
    """How often its measures are told, in event time."""

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Take in one picture: who is in the zone, and all tracks of the picture."""
        return ()

    def measure(self, at: int) -> Iterable[Measure]:
        """What is to be said now; asked every `every_ms` of event time while the zone is in force."""
        return ()

    def rest(self, at: int) -> Iterable[Measure]:
        """What was counted since it was said last: no more pictures come."""
        return ()


@dataclass(frozen=True)
class Setting:
    """A zone as drawn on pictures of `drawn`, for pictures of `real`. `plane`: the ground, if it is known;
    `exclusions`: the camera's zones that hide something."""

    zone: Zone
    drawn: tuple[int, int]
    real: tuple[int, int]
    plane: Plane | None = None
    exclusions: Sequence[Zone] = ()

    @property
    def people(self) -> bool:
        """Whether it is about others than vehicles and things."""
        return bool(set(self.zone.labels) - NOT_PEOPLE)

    @property
    def vehicles(self) -> bool:
        """Whether it is about vehicles."""
        return bool(VEHICLES.intersection(self.zone.labels))

    @cached_property
    def area_m2(self) -> float | None:
        """Ground that the polygon covers, square metres; None when it is not known or reaches to the horizon."""
        if self.plane is None:
            return None
        corners = self.plane.metres(scaled(self.zone.polygon, self.drawn, self.real)).tolist()
        pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
        area = abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2
        return area if math.isfinite(area) and area > 0 else None

    @cached_property
    def people_m2(self) -> float | None:
        """Ground on which people of the zone are seen: without what exclusion zones hide at all hours."""
        return self._seen_m2(set(self.zone.labels) - NOT_PEOPLE)

    @cached_property
    def vehicles_m2(self) -> float | None:
        """The same for vehicles."""
        return self._seen_m2(VEHICLES.intersection(self.zone.labels))

    @cached_property
    def length_m(self) -> float | None:
        """The road that is seen, metres along the zone's direction; None without direction or known ground.

        Of a zone of which a part is hidden, as much less as its ground.
        """
        seen_m2, area_m2 = self.vehicles_m2, self.area_m2
        if self.plane is None or self.ways is None or self.ways.ground is None or not seen_m2 or not area_m2:
            return None
        corners = self.plane.metres(scaled(self.zone.polygon, self.drawn, self.real))
        return float(np.ptp(corners @ self.ways.ground)) * seen_m2 / area_m2

    def _seen_m2(self, labels: Set[str]) -> float | None:
        """None when all of it is hidden, too."""
        if self.plane is None or self.area_m2 is None:
            return None
        hiding = [zone for zone in self.exclusions if zone.schedule is None and labels <= set(zone.labels)]
        polygon, *hidden = (scaled(each.polygon, self.drawn, self.real) for each in (self.zone, *hiding))
        return self.area_m2 * seen_part(polygon, hidden, self.plane) or None

    @cached_property
    def ways(self) -> Ways | None:
        """The zone's direction; None when it has none, or one that leads beyond the horizon of known ground."""
        if self.zone.direction is None:
            return None
        start, end = scaled(self.zone.direction, self.drawn, self.real)
        if self.plane is None:
            return Ways(_unit(start, end), None)
        ground = _unit(*self.plane.metres([start, end]).tolist())
        return Ways(_unit(start, end), ground) if math.isfinite(ground[0]) else None


class Ways(NamedTuple):
    """One direction as unit vectors in the picture and on the ground."""

    picture: Point
    ground: Point | None


MakeAnalytic = Callable[[Setting], ZoneAnalytic | None]


def _unit(start: Sequence[float], end: Sequence[float]) -> Point:
    length = math.dist(start, end)
    return ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
