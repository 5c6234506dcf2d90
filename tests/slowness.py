"""How slow the machine is now: bars of time hold on a quiet machine, and what else uses its cores comes and goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

UNIT_MS = 1.5
"""CPU time of the same fixed work on the machine of the bars (two Xeon cores with AVX-512 VNNI) when quiet: 1.47 to
1.60 ms."""


def unit_ms() -> float:
    """CPU time of OpenCV's own people detector on one fixed picture: the mean of 100 passes, one thread."""
    cv2.setNumThreads(1)
    picture = np.random.default_rng(1).integers(0, 255, (256, 256), np.uint8)
    detector = cv2.HOGDescriptor()
    detector.setSVMDetector(np.asarray(cv2.HOGDescriptor.getDefaultPeopleDetector(), np.float32))
    detector.detect(picture)
    began = time.process_time()
    for _ in range(100):
        detector.detect(picture)
    return (time.process_time() - began) * 10


class Slowness:
    """`times`: how many times as slow as UNIT_MS the machine was around a block, 1 at least."""

    times = 1.0


@contextmanager
def slowness() -> Iterator[Slowness]:
    """Take the machine's measure before and after a block."""
    found, before = Slowness(), unit_ms()
    yield found
    found.times = max(1.0, (before + unit_ms()) / 2 / UNIT_MS)
