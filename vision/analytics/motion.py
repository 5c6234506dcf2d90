"""How far tracks have moved, and since when one stands: in metres where they are on calibrated ground, else in heights
of their own boxes. Pure."""

from __future__ import annotations

import math
from itertools import takewhile
from typing import NamedTuple

from vision.analytics.zone import Ways
from vision.picture import Box
from vision.tracker import Track

MOVED_MS = 500
"""Who was elsewhere for so long has moved; a shorter time is a box that trembles."""


class Shift(NamedTuple):
    """From one place to another: metres if `metric`, else heights of the box."""

    x: float
    y: float
    metric: bool

    @property
    def length(self) -> float:
        """How far."""
        return math.hypot(self.x, self.y)

    def along(self, ways: Ways) -> float:
        """How far in a direction; below 0 against it."""
        x, y = ways.ground if self.metric and ways.ground is not None else ways.picture
        return self.x * x + self.y * y


def shift(before: Track, now: Track) -> Shift:
    """How a track has moved, or how far one is from another; the unit of pixels is the height of `now`."""
    if before.ground is not None and now.ground is not None:
        return Shift(now.ground.x - before.ground.x, now.ground.y - before.ground.y, metric=True)
    (x1, y1), (x2, y2) = before.box.foot, now.box.foot
    height = max(now.box.height, 1.0)
    return Shift((x2 - x1) / height, (y2 - y1) / height, metric=False)


class Reach(NamedTuple):
    """How far is far: metres, but at least so many standard deviations; or heights of the box without metres."""

    metres: float
    sigmas: float
    heights: float

    def beyond(self, moved: float, by: Shift, *places: Track) -> bool:
        """Whether `moved`, a length of `by`, is farther; the places that may be wrong are one of its ends, or both."""
        if not by.metric:
            return moved > self.heights
        sigma_m = math.hypot(*(place.ground.sigma_m for place in places if place.ground is not None))
        return moved > max(self.metres, self.sigmas * sigma_m)


STILL = Reach(1.0, 4.0, 0.3)


class Standing:
    """Since when one object has not been farther than STILL from the mean of the places where it was since then."""

    def __init__(self, track: Track) -> None:
        self._since, self._mean, self._count = track.at, track, 1
        self._away: list[Track] = []
        """Where it was since it was seen elsewhere."""

    @property
    def since(self) -> int:
        """Time (ms) of the oldest picture from which on it stands."""
        return self._since

    @property
    def mean(self) -> Track:
        """The mean of the places where it was since then."""
        return self._mean

    def holds(self, track: Track) -> bool:
        """Whether it is not farther than STILL from the mean."""
        return not is_far(self._mean, track)

    def update(self, track: Track) -> int | None:
        """Take in where it is; returns when it moved off, once that is sure."""
        if self.holds(track):
            self._away.clear()
            self._add(track)
            return None
        self._away.append(track)
        moved_at = self._away[0].at
        if track.at - moved_at < MOVED_MS:
            return None
        stands = list(takewhile(lambda each: not is_far(each, track), reversed(self._away)))[::-1]
        self._away.clear()
        self._since, self._mean, self._count = stands[0].at, stands[0], 1
        for each in stands[1:]:
            self._add(each)
        return moved_at

    def _add(self, track: Track) -> None:
        self._count += 1
        self._mean = _nearer(self._mean, track, 1 / self._count)


def is_far(before: Track, now: Track) -> bool:
    """Whether a track is farther than STILL from where it was."""
    by = shift(before, now)
    return STILL.beyond(by.length, by, now)


def _nearer(mean: Track, track: Track, part: float) -> Track:
    """The mean moved by `part` of the way to where a track is; as exact as its places are in the mean, at least."""
    box = Box(*(a + (b - a) * part for a, b in zip(mean.box, track.box, strict=True)))
    if mean.ground is None or track.ground is None:
        return mean._replace(box=box, ground=None)
    x, y = mean.ground.x, mean.ground.y
    sigma_m = mean.ground.sigma_m + (track.ground.sigma_m - mean.ground.sigma_m) * part
    ground = mean.ground._replace(x=x + (track.ground.x - x) * part, y=y + (track.ground.y - y) * part, sigma_m=sigma_m)
    return mean._replace(box=box, ground=ground)
