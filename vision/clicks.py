"""How far a ground may be off because the points that it was made from were clicked by hand. Pure.

Each coordinate of each click is moved by one sigma, and the ground is made anew: what that changes, summed over all
coordinates by squares, is one sigma of anything that the ground says (the propagation of errors to first order; Hartley
and Zisserman, Multiple View Geometry, 2nd ed., section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

CLICK_PX = 2.0
"""How far a click is from what it means, one sigma, each way, in pixels of the picture that was clicked on."""
_WAYS = np.array([(np.cos(turn), np.sin(turn)) for turn in np.arange(8) * np.pi / 8])
"""Eight directions, each for its opposite too."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clicks:
    """`maps`: K x 3 x 3, each takes metres to where they would be with one coordinate of one click off by a sigma."""

    maps: Floats

    @classmethod
    def of(cls, picture: Floats, metres: Floats, backward: Floats, sigma_px: tuple[float, float]) -> Clicks:
        """For clicks at `picture` that mean `metres`; `backward` takes metres to pixels."""
        maps = []
        for n, axis in product(range(len(picture)), (0, 1)):
            clicked = picture.copy()
            clicked[n, axis] += sigma_px[axis]
            found, _ = cv2.findHomography(clicked, metres, 0)
            maps.append(np.full((3, 3), np.nan) if found is None else found @ backward)
        # the third coordinate is positive on the ground's side of the horizon, so where the points are
        sides = [np.sign((metres @ each[2, :2] + each[2, 2]).mean()) for each in maps]
        return cls(np.asarray(maps) * np.asarray(sides)[:, None, None])

    def moved_m(self, places: ArrayLike) -> Floats:
        """How far places (N x 2, metres) may be off, one sigma; infinite where nothing is known."""
        rows = np.asarray(places, float).reshape(-1, 2)
        return _root(_lengths(self._mapped(rows) - rows))

    def scale(self, places: ArrayLike, ways: ArrayLike) -> Floats:
        """By which part the lengths of ways (N x 2, metres) with their middles at places may be off; as `moved_m`."""
        rows, way = (np.asarray(each, float).reshape(-1, 2) for each in (places, ways))
        found = self._mapped(np.concatenate([rows - way / 2, rows + way / 2]))
        return _root(_lengths(found[:, len(rows) :] - found[:, : len(rows)]) / _lengths(way) - 1)

    def worst_scale(self, places: ArrayLike) -> Floats:
        """The same of a metre along the worst direction."""
        rows = np.asarray(places, float).reshape(-1, 2)
        return np.asarray(np.max([self.scale(rows, np.broadcast_to(way, rows.shape)) for way in _WAYS], axis=0))

    def _mapped(self, rows: Floats) -> Floats:
        """K x N x 2; NaN beyond the horizon."""
        found = rows @ self.maps[:, :, :2].transpose(0, 2, 1) + self.maps[:, None, :, 2]
        depth = found[..., 2:]
        depth[depth <= 0] = np.nan
        return np.asarray(found[..., :2] / depth)


def _lengths(ways: Floats) -> Floats:
    return np.asarray(np.hypot(ways[..., 0], ways[..., 1]))


def _root(errors: Floats) -> Floats:
    """The root of the sum of squares over the first axis, infinite where one is not known."""
    found = np.sqrt((errors * errors).sum(0))
    found[np.isnan(found)] = np.inf
    return np.asarray(found)
