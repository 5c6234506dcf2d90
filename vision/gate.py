"""Whether a picture shows anything new: the gate that keeps the detector from running on a quiet camera.

A picture, brought down to 192 x 144 grey pixels, is compared with the running mean of those before it. Recipe and
size: a prototype's measurements (0.57 ms a picture of 768 x 576). Nothing here counts frames: all in event time.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (192, 144)
"""Width and height of what is compared, in pixels."""
MEAN_S = 5.0
"""Time constant of the running mean."""
AWAKE_S = 1.0
"""How long a change keeps the gate open: a mover that halts for a moment must not be judged by an old picture."""
FULL_S = 10.0
"""At least so often the detector looks although nothing changed, so that what stopped or crept in is not missed."""
LEVELS = 6.0
"""A place of 3 x 3 pixels changed when it differs by this and more (of 255) on the average."""
NOISE = 3.0
"""And by so many times the whole picture's mean difference. For Gaussian noise of deviation s that mean is .8 s and
the average of nine differences has a deviation of .2 s: eight of them lie between."""
PIXELS = 6
"""So many changed places are a change. A person 30 pixels high in a 768 x 576 picture covers about fourteen."""
Small = NDArray[np.uint8]


class Gate:
    """One camera's gate. `look` takes pictures in the order of their time `at` (ms)."""

    def __init__(self, full_s: float = FULL_S) -> None:
        self._full_ms = full_s * 1000
        self._mean: NDArray[np.float32] | None = None
        self._at = self._changed_at = self._looked_at = 0

    def look(self, small: Small, at: int) -> bool:
        """Whether the detector must look at the picture; `small` is it in grey, SIZE[1] rows of SIZE[0]."""
        if self._mean is None:
            self._mean = small.astype(np.float32)
            self._at = self._changed_at = self._looked_at = at
            return True
        if changed(small, self._mean):
            self._changed_at = at
        weight = 1 - math.exp(-max(at - self._at, 0) / (MEAN_S * 1000))
        cv2.accumulateWeighted(small, self._mean, weight)
        self._at = at
        if at - self._changed_at > AWAKE_S * 1000 and at - self._looked_at < self._full_ms:
            return False
        self._looked_at = at
        return True

    @property
    def quiet_s(self) -> float:
        """For how many seconds of event time nothing has changed."""
        return (self._at - self._changed_at) / 1000


def changed(small: Small, mean: NDArray[np.float32]) -> bool:
    """Whether a picture differs from the mean by more than noise: much in a small place, or all over."""
    difference = cv2.absdiff(small, cv2.convertScaleAbs(mean))
    noise = cv2.mean(difference)[0]
    if noise >= LEVELS:  # a light went on, or the camera moved
        return True
    places = cv2.blur(difference, (3, 3))
    _, mask = cv2.threshold(places, max(LEVELS, NOISE * noise), 1, cv2.THRESH_BINARY)
    return cv2.countNonZero(mask) >= PIXELS
