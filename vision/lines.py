"""Who crossed a line drawn in the picture, and in which direction. Pure; points and lengths in pixels.

An object is where its foot is. It must get clear of the line on the other side, by BAND of the height that a person
has there, before it has crossed: a foot that trembles on the line crosses nothing, and each crossing arms the line
again for the way back. A passage beyond the ends of the line is none; ends at the picture's border are no ends for
those who are cut by it (`bounds.prolonged`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

BAND = 0.1
"""Half the width of the band around the line in which an object is on neither side, in heights of a person."""
FORGET_MS = 60_000
"""Of a track that was not seen for longer the side says nothing any more; who waits on the line is seen."""

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


@dataclass(slots=True)
class _Trail:
    """What is remembered of a track: the side it was last clear on, when it was last seen and where its foot was, and
    whether it met the line between its ends since it was clear."""

    side: int
    seen_at: int
    foot: Point
    met: bool = False


class LineWatch:
    """One line from `first` to `second`; what it remembers of a track ends with it, or FORGET_MS after it was seen."""

    def __init__(self, first: Point, second: Point) -> None:
        if first == second:
            raise ValueError(f"a line needs two different points, not {first} twice")
        self._first, self._second = first, second
        self._trails: dict[str, _Trail] = {}

    def update(self, feet: Iterable[Foot], at: int) -> list[Crossing]:
        """Take in where tracks stand at `at` (ms); returns who crossed, in the order of `feet`."""
        crossings = []
        for foot in feet:
            side = self._side(foot)
            trail = self._trails.get(foot.id)
            if trail is None or at - trail.seen_at > FORGET_MS:
                if side:
                    self._trails[foot.id] = _Trail(side, at, foot.at)
                continue
            trail.met |= self._meets(trail.foot, foot.at)
            trail.foot, trail.seen_at = foot.at, at
            if side == -trail.side and trail.met:
                crossings.append(Crossing(foot.id, "right" if side > 0 else "left"))
            if side:
                trail.side, trail.met = side, False
        self._trails = {id_: trail for id_, trail in self._trails.items() if at - trail.seen_at <= FORGET_MS}
        return crossings

    def forget(self, ids: Iterable[str]) -> None:
        """These tracks ended."""
        for id_ in ids:
            self._trails.pop(id_, None)

    def _side(self, foot: Foot) -> int:
        """1 right of the line (pixels' y points down), -1 left of it, 0 within the band."""
        distance = self._distance(foot.at)
        return 0 if abs(distance) < BAND * foot.height else int(math.copysign(1, distance))

    def _distance(self, point: Point) -> float:
        (x1, y1), (x2, y2) = self._first, self._second
        cross = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
        return cross / math.hypot(x2 - x1, y2 - y1)

    def _meets(self, before: Point, now: Point) -> bool:
        """Whether the way from one foot point to the next meets the line between its ends."""
        a, b = self._distance(before), self._distance(now)
        if (a < 0) == (b < 0):
            return False
        x, y = (p + (q - p) * a / (a - b) for p, q in zip(before, now, strict=True))
        (x1, y1), (x2, y2) = self._first, self._second
        along = (x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)
        return 0 <= along <= (x2 - x1) ** 2 + (y2 - y1) ** 2
