"""The last pictures of a camera, small and compressed, for a clip around what turns out to matter. Thread-safe.

A picture is kept at most each BUSY_MS while something is going on and each QUIET_MS else: a quiet camera costs one
small JPEG a second. What is older than KEEP_MS is let go, and so is the oldest beyond MAX_BYTES, which is counted.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np

from vision.evidence import encode
from vision.picture import Box, Image, Picture

BUSY_MS, QUIET_MS = 200, 1000
KEEP_MS = 90_000
"""Longer than rules take to make an alert of what was seen: `for: 30s` and the like."""
MAX_BYTES = 12 * 1024 * 1024
WIDTH = 640
QUALITY = 70
_SLACK = 0.9


class Shot(NamedTuple):
    """One kept picture. `people`: where they are, in its own pixels; None when nobody looked."""

    at: int
    jpeg: bytes
    people: tuple[Box, ...] | None


class Film:
    """The film of one camera."""

    def __init__(self, keep_ms: int = KEEP_MS, max_bytes: int = MAX_BYTES) -> None:
        self._keep_ms, self._max_bytes = keep_ms, max_bytes
        self._shots: deque[Shot] = deque()
        self._lock = threading.Lock()
        self.bytes = 0
        """What it holds now."""
        self.cut_short = 0
        """Pictures let go before their time because of `max_bytes`."""

    def due(self, at: int, *, busy: bool) -> bool:
        """Whether a picture of `at` is wanted."""
        newest = self.newest
        return newest is None or at - newest >= (BUSY_MS if busy else QUIET_MS) * _SLACK or at < newest

    @property
    def newest(self) -> int | None:
        """The time of the newest picture."""
        with self._lock:
            return self._shots[-1].at if self._shots else None

    def take(self, picture: Picture, people: Iterable[Box] | None) -> None:
        """Keep a picture; called in a worker thread, for it is reduced and compressed."""
        image, factor = reduced(picture.image)
        found = None if people is None else tuple(Box(*(side * factor for side in box)) for box in people)
        self.add(Shot(picture.at, encode(image, QUALITY), found))

    def add(self, shot: Shot) -> None:
        """Keep a shot. A clock that went back begins a new film."""
        with self._lock:
            if self._shots and shot.at <= self._shots[-1].at:
                self._shots.clear()
                self.bytes = 0
            self._shots.append(shot)
            self.bytes += len(shot.jpeg)
            while self._shots[0].at < shot.at - self._keep_ms:
                self._drop_oldest()
            while self.bytes > self._max_bytes:
                self._drop_oldest()
                self.cut_short += 1

    def cut(self, since: int, until: int) -> list[Shot]:
        """The shots from `since` to `until`, in order."""
        with self._lock:
            return [shot for shot in self._shots if since <= shot.at <= until]

    def expire(self, now: int) -> None:
        """Let everything go when the newest picture is long past: the camera is gone, its memory is not."""
        with self._lock:
            if self._shots and now - self._shots[-1].at > 2 * self._keep_ms:
                self._shots.clear()
                self.bytes = 0

    def _drop_oldest(self) -> None:
        self.bytes -= len(self._shots.popleft().jpeg)


def reduced(image: Image) -> tuple[Image, float]:
    """At most WIDTH wide with even sides, as H.264 wants it; and by what factor."""
    rows, columns = image.shape[:2]
    factor = min(WIDTH / columns, 1.0)
    size = (int(columns * factor) // 2 * 2, int(rows * factor) // 2 * 2)
    if size == (columns, rows):
        return image, 1.0
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8), factor
