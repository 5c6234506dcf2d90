"""A place for one thing between a thread that produces and an event loop that consumes: the newest wins."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Holds at most one thing. What is overwritten, or comes after `close`, goes to `skipped`."""

    def __init__(self, skipped: Callable[[T], None]) -> None:
        self._skipped = skipped
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._lock = threading.Lock()
        self._held: list[T] = []
        self._closed = False

    def put(self, thing: T) -> None:
        """Leave the newest thing here; from any thread."""
        with self._lock:
            if self._closed:
                before = [thing]
            else:
                before, self._held = self._held, [thing]
        if before:
            self._skipped(before[0])
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._filled.set)

    async def get(self, within_s: float) -> T | None:
        """Wait for a thing and take it; None when there is none in time."""
        try:
            async with asyncio.timeout(within_s):  # wait_for would swallow a cancellation that comes with the thing
                await self._filled.wait()
        except TimeoutError:
            return None
        return self.take()

    def close(self) -> T | None:
        """Take what is here; what is put from now on goes to `skipped`."""
        with self._lock:
            self._closed = True
        return self.take()

    def take(self) -> T | None:
        """What is here, if anything; in the event loop."""
        self._filled.clear()
        with self._lock:
            held, self._held = self._held, []
        return held[0] if held else None
