"""A street with a known truth: cars and people as boxes on a flat ground, seen by a pinhole camera.

The ground is in metres, x to the right, y away from the camera. The picture follows from the laws of projection,
written here anew; nothing of the code under test is used but the types of what it takes in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.catalogue import Calibration, GroundPoint
from vision.picture import Box, Image, Seen
from vision.tracker import Ground, Track, Tracked

SIZE = (768, 576)
Way = Callable[[float], tuple[float, float] | None]
"""Where an object is at a time (seconds), metres; None when it is not there."""


class Body(NamedTuple):
    """Length, width and height in metres, and the label."""

    label: str
    length: float
    width: float
    height: float
    shade: tuple[int, int, int] = (60, 60, 160)


CAR = Body("car", 4.3, 1.8, 1.5)
MOTORCYCLE = Body("motorcycle", 1.9, 0.8, 1.6, (40, 120, 40))
PERSON = Body("person", 0.4, 0.5, 1.7, (120, 70, 20))
BAG = Body("suitcase", 0.5, 0.4, 0.6, (20, 20, 20))


class Mover(NamedTuple):
    """A body on its way."""

    body: Body
    way: Way


def straight(start: tuple[float, float], speed: tuple[float, float], begin: float = 0.0, end: float = math.inf) -> Way:
    """From `start` at `begin` with constant `speed` (m/s along x and y), until `end`."""

    def at(time: float) -> tuple[float, float] | None:
        if not begin <= time <= end:
            return None
        return start[0] + speed[0] * (time - begin), start[1] + speed[1] * (time - begin)

    return at


def by_points(*points: tuple[float, float, float]) -> Way:
    """Along (time, x, y), evenly between them; not there before and after."""
    times, xs, ys = zip(*points, strict=True)

    def at(time: float) -> tuple[float, float] | None:
        if not times[0] <= time <= times[-1]:
            return None
        return float(np.interp(time, times, xs)), float(np.interp(time, times, ys))

    return at


@dataclass(frozen=True)
class PinholeCamera:
    """A camera `height` metres over (0, 0), looking along y, `pitch` degrees down; `focal` in pixels."""

    height: float = 8.0
    pitch: float = 20.0
    focal: float = 700.0

    def project(self, points: Sequence[tuple[float, float, float]]) -> NDArray[np.float64]:
        """Pixels of points in metres, N x 2."""
        angle = math.radians(self.pitch)
        x, y, z = np.asarray(points, float).T
        z = z - self.height
        ahead = y * math.cos(angle) - z * math.sin(angle)
        down = -y * math.sin(angle) - z * math.cos(angle)
        return np.stack([SIZE[0] / 2 + self.focal * x / ahead, SIZE[1] / 2 + self.focal * down / ahead], 1)

    def ground(self, *points: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        """Pixels of points on the ground."""
        return tuple((float(u), float(v)) for u, v in self.project([(x, y, 0.0) for x, y in points]))

    def metres(self, u: float, v: float) -> tuple[float, float]:
        """The point on the ground that is seen at a pixel: where the ray meets z = 0."""
        angle = math.radians(self.pitch)
        across, down = (u - SIZE[0] / 2) / self.focal, (v - SIZE[1] / 2) / self.focal
        forward = math.cos(angle) - down * math.sin(angle)
        sinking = math.sin(angle) + down * math.cos(angle)
        return self.height * across / sinking, self.height * forward / sinking

    def calibration(self) -> Calibration:
        """Eight points of the ground with their exact pixels."""
        spread = [(x, y) for y in (12.0, 20.0, 35.0, 60.0) for x in (-4.0, 4.0)]
        pixels = self.ground(*spread)
        return Calibration(points=tuple(GroundPoint(picture=p, metres=m) for p, m in zip(pixels, spread, strict=True)))


class Street:
    """What moves, and how it looks."""

    def __init__(self, movers: Iterable[Mover], camera: PinholeCamera | None = None, sigma_m: float = 0.05) -> None:
        self.movers, self.camera, self.sigma_m = list(movers), camera or PinholeCamera(), sigma_m

    def boxes(self, time: float) -> dict[int, tuple[Mover, Box]]:
        """The bounding boxes of all that are there, by the mover's number."""
        found = {}
        for number, mover in enumerate(self.movers):
            if self._before(mover, time):
                corners = self.camera.project(self._corners(mover, time))
                (left, top), (right, bottom) = corners.min(0), corners.max(0)
                if right > 0 and left < SIZE[0] and bottom < SIZE[1] and top > 0:
                    found[number] = (mover, Box(float(left), float(top), float(right - left), float(bottom - top)))
        return found

    def tracked(self, time: float, noise: np.random.Generator | None = None, sigma_px: float = 1.0) -> Tracked:
        """What a perfect tracker would say; with `noise`, boxes tremble by `sigma_px`."""
        live = []
        for number, (mover, box) in self.boxes(time).items():
            if noise is not None:
                box = Box(box.x + noise.normal(0, sigma_px), box.y + noise.normal(0, sigma_px), box.width, box.height)
            ground = self._ground(mover, box, time)
            live.append(Track(f"1-{number + 1}", mover.body.label, box, 0.9, ms(time), True, ground))
        return Tracked(live, [])

    def seen(self, time: float, noise: np.random.Generator | None = None, sigma_px: float = 1.0) -> list[Seen]:
        """What a detector would say."""

        def shaken(box: Box) -> Box:
            return box if noise is None else Box(*(side + float(noise.normal(0, sigma_px)) for side in box))

        return [Seen(shaken(box), mover.body.label, 0.9) for mover, box in self.boxes(time).values()]

    def picture(self, time: float) -> Image:
        """The street as an image: grey asphalt with a fixed grain, shaded boxes, far ones first."""
        image = asphalt().copy()
        there = [mover for mover in self.movers if self._before(mover, time)]
        for mover in sorted(there, key=lambda mover: -(mover.way(time) or (0.0, 0.0))[1]):
            corners = self._corners(mover, time)
            for n, side in enumerate(_SIDES):
                face = self.camera.project([corners[m] for m in side]).round().astype(np.int32)
                shade = tuple(int(part * (0.6 + 0.1 * n)) for part in mover.body.shade)
                cv2.fillConvexPoly(image, face, shade)
        return image

    def _before(self, mover: Mover, time: float) -> bool:
        """Whether it is there, and in front of the camera."""
        here = mover.way(time)
        return here is not None and here[1] > mover.body.length + 1

    def _ground(self, mover: Mover, box: Box, time: float) -> Ground:
        x, y = self.camera.metres(*box.foot)
        (x1, y1), (x2, y2) = (mover.way(time + dt) or mover.way(time) or (0.0, 0.0) for dt in (-0.01, 0.01))
        return Ground(x, y, (x2 - x1) / 0.02, (y2 - y1) / 0.02, self.sigma_m, 0.1)

    def _corners(self, mover: Mover, time: float) -> list[tuple[float, float, float]]:
        x, y = mover.way(time) or (0.0, 0.0)
        body = mover.body
        across, along = _turned(mover, time)
        half_x, half_y = (body.length, body.width) if across > along else (body.width, body.length)
        return [
            (x + side * half_x / 2, y + end * half_y / 2, z)
            for z in (0.0, body.height)
            for end in (-1, 1)
            for side in (-1, 1)
        ]


@cache
def asphalt() -> Image:
    """An empty street: grey with a grain that does not change."""
    grain = np.random.default_rng(7).integers(90, 110, (SIZE[1], SIZE[0], 1), np.uint8)
    return np.repeat(grain, 3, axis=2)


_SIDES = ((2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5), (0, 1, 5, 4), (4, 5, 7, 6))
"""Far side, left, right, near side, roof: drawn in this order they hide one another rightly from the front."""


def _turned(mover: Mover, time: float) -> tuple[float, float]:
    """How much the body moves across and along in a second about `time`: it points where it goes."""
    here = mover.way(time)
    there = mover.way(time + 0.5) or here
    before = mover.way(time - 0.5) or here
    if there is None or before is None:
        return 0.0, 1.0
    return abs(there[0] - before[0]), abs(there[1] - before[1]) + 1e-9


def ms(time: float) -> int:
    """Seconds as milliseconds."""
    return round(time * 1000)


def times(fps: float, length_s: float, begin_s: float = 0.0) -> list[float]:
    """Times of pictures at an even rate."""
    return [begin_s + n / fps for n in range(round(length_s * fps) + 1)]
