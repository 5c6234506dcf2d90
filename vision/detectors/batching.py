"""Pictures of many cameras in one run of a network: few milliseconds of waiting for many times the throughput.

A batch starts when MOST pictures wait or the first has waited WAIT_MS, so a camera that stalls holds nobody up. Of each
camera only its newest picture waits. The camera that was served longest ago comes first. A picture that has waited
DEADLINE_MS is not looked at any more: what it shows is past. What is dropped is counted by camera and reason:
`newer` (a newer picture of the camera came), `deadline`, `stopped`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, NamedTuple, TypeVar

from prometheus_client import Counter, Histogram

from pipeline.core.telemetry import log
from vision.detectors import Dropped
from vision.picture import Image, Picture, Seen

MOST = 16
WAIT_MS = 20.0
DEADLINE_MS = 400.0
DROPPED = Counter("ioc_vision_batch_dropped", "Pictures that no batch took", ["camera", "reason"])
SIZES = Histogram("ioc_vision_batch_size", "Pictures in a batch", buckets=(1, 2, 4, 8, 12, 16))
SECONDS = Histogram("ioc_vision_batch_seconds", "How long a batch took", buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2))
T = TypeVar("T")


class Waiting(NamedTuple, Generic[T]):
    """What a camera has waiting, since when (ms of a steady clock)."""

    camera: str
    thing: T
    since: float


class Taken(NamedTuple, Generic[T]):
    """A batch, and what waited too long for one."""

    batch: list[Waiting[T]]
    late: list[Waiting[T]]


class WaitingRoom(Generic[T]):
    """The newest thing of each camera until a batch takes it. Pure: every method is told the time."""

    def __init__(self, most: int = MOST, wait_ms: float = WAIT_MS, deadline_ms: float = DEADLINE_MS) -> None:
        self._most, self._wait, self._deadline = most, wait_ms, deadline_ms
        self._waiting: dict[str, Waiting[T]] = {}
        self._served: dict[str, int] = {}
        self._turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, camera: str, thing: T, now: float) -> Waiting[T] | None:
        """Let a thing wait; returns what it takes the place of. The camera's place in the queue stays its own."""
        before = self._waiting.get(camera)
        self._waiting[camera] = Waiting(camera, thing, now)
        return before

    def due_in(self, now: float) -> float | None:
        """Milliseconds until there is a batch to take, 0 when there is one; None when nothing waits."""
        if not self._waiting:
            return None
        if len(self._waiting) >= self._most:
            return 0.0
        return max(min(each.since for each in self._waiting.values()) + self._wait - now, 0.0)

    def take(self, now: float) -> Taken[T]:
        """The next batch, longest unserved first; call it when one is due."""
        late = [each for each in self._waiting.values() if now - each.since > self._deadline]
        for each in late:
            del self._waiting[each.camera]
        queue = sorted(self._waiting.values(), key=lambda each: (self._served.get(each.camera, -1), each.since))
        batch = queue[: self._most]
        for each in batch:
            self._turns += 1
            del self._waiting[each.camera]
            self._served[each.camera] = self._turns
        return Taken(batch, late)

    def forget(self, camera: str) -> Waiting[T] | None:
        """The camera is gone; returns what it had waiting."""
        self._served.pop(camera, None)
        return self._waiting.pop(camera, None)

    def clear(self) -> list[Waiting[T]]:
        """Everything that waits, which then waits no more."""
        waiting, self._waiting = list(self._waiting.values()), {}
        return waiting


Run = Callable[[Sequence[Image]], list[list[Seen]]]
"""One run of the network: for each picture what is in it."""


class _Asked(NamedTuple):
    image: Image
    answer: Future[list[Seen]]


class Batcher:
    """Runs batches on a thread of its own, from the first picture until `stop`."""

    def __init__(self, run: Run, room: WaitingRoom[_Asked] | None = None) -> None:
        self._run_batch = run
        self._room: WaitingRoom[_Asked] = WaitingRoom() if room is None else room
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def submit(self, camera: str, picture: Picture) -> Future[list[Seen]]:
        """Look at a picture as soon as possible. The future may raise Dropped, or what the network raised."""
        answer: Future[list[Seen]] = Future()
        with self._changed:
            if self._stopping:
                _refuse(camera, answer, "stopped")
                return answer
            before = self._room.put(camera, _Asked(picture.image, answer), _now_ms())
            self._changed.notify()
        if before is not None:
            _refuse(camera, before.thing.answer, "newer")
        return answer

    def stop(self) -> None:
        """Refuse what waits; the batch at work is finished."""
        with self._changed:
            self._stopping = True
            left = self._room.clear()
            self._changed.notify()
        for each in left:
            _refuse(each.camera, each.thing.answer, "stopped")
        self._thread.join(5)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (due := self._room.due_in(_now_ms())) != 0.0:
                    self._changed.wait(None if due is None else due / 1000)
                if self._stopping:
                    return
                taken = self._room.take(_now_ms())
            for each in taken.late:
                _refuse(each.camera, each.thing.answer, "deadline")
            self._answer([each for each in taken.batch if each.thing.answer.set_running_or_notify_cancel()])

    def _answer(self, batch: list[Waiting[_Asked]]) -> None:
        if not batch:
            return
        began = time.perf_counter()
        try:
            found = self._run_batch([each.thing.image for each in batch])
        except Exception as error:  # noqa: BLE001 - each camera of the batch counts it as its own
            log.warning("batch failed", cameras=len(batch), why=type(error).__name__)
            for each in batch:
                each.thing.answer.set_exception(error)
            return
        SIZES.observe(len(batch))
        SECONDS.observe(time.perf_counter() - began)
        for each, seen in zip(batch, found, strict=True):
            each.thing.answer.set_result(seen)


def _refuse(camera: str, answer: Future[list[Seen]], reason: str) -> None:
    DROPPED.labels(camera, reason).inc()
    if answer.set_running_or_notify_cancel():
        answer.set_exception(Dropped(reason))


def _now_ms() -> float:
    return time.monotonic() * 1000
