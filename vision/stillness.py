"""Whether a picture is another one than those before it: a camera whose sensor hangs sends the same one for ever. Pure.

Encoded, the same one is not always equal: each key frame is made anew, and the frames behind it refine it. With x264 at
constant quality a source that hangs differs by .04 levels and less at a key frame (mean over all pixels) once the
encoder has settled, in ten seconds; a still scene whose sensor trembles by .3 levels, less than any sensor, by .55 and
more. What differs by less than SAME from a picture before the last key frame is therefore the same; before a key frame
came, encoders leave out what is too little to be worth its bits, and equal pictures alone are the same. At constant bit
rate a source that hangs differs by up to 1.2 levels, as still scenes do, and cannot be told from them.
"""

from __future__ import annotations

import zlib

import cv2
import numpy as np

from vision.picture import Image

SAME = 0.05
"""Mean difference, of 255 levels: a tenth of what the stillest scene showed."""
SPOT = 64
"""One place that differs by more is another picture: a clock in the picture of a dark room, where no noise is left."""
_ROWS = np.s_[::4]
"""Every fourth row says enough."""


class Stillness:
    """One camera's pictures, over its connections."""

    def __init__(self) -> None:
        self._sum = -1
        self._kept: Image | None = None
        self._keyed = False

    def key(self) -> None:
        """A key frame came, shown or not."""
        self._keyed = True

    def new(self, image: Image) -> bool:
        """Whether a picture shows something else than the ones before."""
        total = zlib.crc32(image.data)
        equal, self._sum = total == self._sum, total
        if equal:
            return False
        rows = np.ascontiguousarray(image[_ROWS])
        if self._kept is not None and rows.shape == self._kept.shape and _same(rows, self._kept):
            return not self._keyed
        self._kept, self._keyed = rows, False
        return True


def _same(a: Image, b: Image) -> bool:
    return cv2.norm(a, b, cv2.NORM_L1) <= SAME * a.size and cv2.norm(a, b, cv2.NORM_INF) <= SPOT
