"""A camera's detector behind its gate: on a quiet picture it does not run, what was seen last is there still."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from vision.detectors import Batched, Detector
from vision.gauges import CameraGauges
from vision.picture import Picture, Seen

Run = Callable[[Callable[[], list[Seen]]], Awaitable[list[Seen]]]
"""Runs work elsewhere than in the event loop."""


class Looking:
    """Looks at pictures in their order. A picture with a change that was missed, or failed, is owed a look."""

    def __init__(self, detector: Detector, run: Run, gauges: CameraGauges) -> None:
        self._detector, self._run, self._gauges = detector, run, gauges
        self._seen: list[Seen] = []
        self._size = (0, 0)
        self._owed = True

    async def see(self, picture: Picture) -> list[Seen]:
        """What is in the picture. Raises what the detector raises."""
        if picture.quiet and not self._owed and picture.size == self._size:
            self._gauges.quiet()
            return self._seen
        began, self._owed = time.perf_counter(), False  # a picture missed while the detector runs sets it again
        try:
            if isinstance(self._detector, Batched):
                self._seen = await asyncio.wrap_future(self._detector.submit(picture))
            else:
                self._seen = await self._run(lambda: self._detector.detect(picture))
        except BaseException:
            self._owed = True
            raise
        self._size = picture.size
        self._gauges.looked(time.perf_counter() - began)
        return self._seen

    def missed(self, picture: Picture) -> None:
        """The picture will not be looked at. From any thread."""
        self._owed = self._owed or not picture.quiet
