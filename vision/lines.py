"""Who crossed a line drawn in the picture, and in which direction. Pure; points and lengths in pixels.

An object is where its foot is. It must get clear of the line on the other side, by BAND of the height that a person
has there, before it has crossed: a foot that trembles on the line crosses nothing, and each crossing arms the line
again for the way back. A passage beyond the ends of the line is none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, NamedTuple

BAND = 0.1
"""Half the width of the band around the line in which an object is on neither side, in heights of a person."""
FORGET_MS = 60_000
"""A side that was noted longer ago says nothing any more."""

Point = tuple[float, float]
Direction = Literal["right", "left"]
"""Where a crossing ends, looking along the line from its first point to its second in the picture."""


class Foot(NamedTuple):
    """Where a confirmed track stands now, and the height of a person there in pixels."""

    id: str
    at: Point
    height: float


class Crossing(NamedTuple):
    """A track got clear of the line on the other side."""

    id: str
    direction: Direction


class _Noted(NamedTuple):
    side: int
    foot: Point
    at: int


class LineWatch:
    """One line from `first` to `second`; what it remembers of a track ends with it, or after FORGET_MS."""

    def __init__(self, first: Point, second: Point) -> None:
        if first == second:
            raise ValueError(f"a line needs two different points, not {first} twice")
        self._first, self._second = first, second
        self._noted: dict[str, _Noted] = {}

    def update(self, feet: Iterable[Foot], at: int) -> list[Crossing]:
        """Take in where tracks stand at `at` (ms); returns who crossed, in the order of `feet`."""
        crossings = []
        for foot in feet:
            side = self._side(foot)
            if not side:
                continue
            before = self._noted.get(foot.id)
            self._noted[foot.id] = _Noted(side, foot.at, at)
            if before and before.side != side and at - before.at <= FORGET_MS and self._between(before.foot, foot.at):
                crossings.append(Crossing(foot.id, "right" if side > 0 else "left"))
        self._noted = {id_: noted for id_, noted in self._noted.items() if at - noted.at <= FORGET_MS}
        return crossings

    def forget(self, ids: Iterable[str]) -> None:
        """These tracks ended."""
        for id_ in ids:
            self._noted.pop(id_, None)

    def _side(self, foot: Foot) -> int:
        """1 right of the line (pixels' y points down), -1 left of it, 0 within the band."""
        distance = self._distance(foot.at)
        return 0 if abs(distance) < BAND * foot.height else int(math.copysign(1, distance))

    def _distance(self, point: Point) -> float:
        (x1, y1), (x2, y2) = self._first, self._second
        cross = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
        return cross / math.hypot(x2 - x1, y2 - y1)

    def _between(self, before: Point, now: Point) -> bool:
        """Whether the way from one foot point to the other meets the line between its ends."""
        a, b = self._distance(before), self._distance(now)
        x, y = (p + (q - p) * a / (a - b) for p, q in zip(before, now, strict=True))
        (x1, y1), (x2, y2) = self._first, self._second
        along = (x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)
        return 0 <= along <= (x2 - x1) ** 2 + (y2 - y1) ** 2
