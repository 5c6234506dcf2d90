"""The producer of frames, ticks and dead letters: the way into Kafka for gateway, feeds and cameras.

Lines are packed for a few milliseconds, then all partitions' frames go out together, one a partition in flight; each
line is settled when Kafka acknowledged its frame. A partition with nothing to say for 250 ms gets a tick, so time
passes in the rules.

Receives lines; sends frames; drops nothing; a line is settled only after Kafka's acknowledgement. A slow Kafka:
lines wait, `waiting` grows, the caller stops taking in. A send that fails for good ends the process
(`on_failure`): whoever handed the lines in still holds them and hands them in again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from aiokafka import AIOKafkaProducer

from pipeline.core.clock import Clock, now_ms
from pipeline.core.codec import MAX_FRAME_BYTES, MAX_FRAME_LINES
from pipeline.core.errors import Rejected
from pipeline.core.topics import DEADLETTER, TOPICS, partition_of

TICK_S = 0.25
LINGER_S = 0.020
TICKS_CHECKED = 5
"""How often within TICK_S silent partitions are looked for: a tick is late by a fifth at most."""
Settled = Callable[[], None]
Headers = list[tuple[str, bytes]]


class Lane:
    """What waits for one partition, in order; one frame of it in flight."""

    __slots__ = ("busy", "partition", "silent_since", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.waiting: deque[tuple[bytes, Settled | None]] = deque()
        self.busy, self.silent_since = False, 0.0

    def take(self) -> list[tuple[bytes, Settled | None]]:
        """The lines of the next frame."""
        taken: list[tuple[bytes, Settled | None]] = []
        size = 0
        while self.waiting and len(taken) < MAX_FRAME_LINES:
            size += len(self.waiting[0][0]) + 1
            if taken and size > MAX_FRAME_BYTES:
                break
            taken.append(self.waiting.popleft())
        return taken


class FrameProducer:
    """All lanes of one process, flushed together: one request to Kafka carries a frame of each.

    `catalogue` is the catalogue offset that the process has applied.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        name: str,
        topics: Iterable[str],
        *,
        on_failure: Callable[[BaseException], None],
        linger_s: float = LINGER_S,
        clock: Clock = now_ms,
    ) -> None:
        self._producer, self.name, self._clock = producer, name, clock
        self._on_failure, self.linger_s, self.catalogue = on_failure, linger_s, 0
        self._lanes = {topic: [Lane(topic, n) for n in range(TOPICS[topic].partitions)] for topic in topics}
        self._all = [lane for lanes in self._lanes.values() for lane in lanes]
        self._filled = asyncio.Event()
        self._stopping = False
        self._failure: BaseException | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Lines not yet handed to Kafka."""
        return sum(len(lane.waiting) for lane in self._all)

    def start(self) -> None:
        """Start sending in the running event loop."""
        self._task = asyncio.create_task(self._guard())

    async def stop(self) -> None:
        """Send what waits and return when Kafka has it. The producer itself belongs to the caller."""
        self._stopping = True
        self._filled.set()
        if self._task is not None:
            await self._task

    def put(self, topic: str, device: str, line: bytes, settled: Settled | None = None) -> None:
        """Hand in one line of `device`; order is kept for each device. `settled` is called when Kafka has it."""
        lanes = self._lanes[topic]
        lanes[partition_of(device, len(lanes))].waiting.append((line, settled))
        self._filled.set()

    async def _guard(self) -> None:
        try:
            await self._run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._on_failure(error)
            raise

    async def _run(self) -> None:
        while not self._stopping or self._unfinished():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._filled.wait(), TICK_S / TICKS_CHECKED)
                if not self._stopping:
                    await asyncio.sleep(self.linger_s)
            self._filled.clear()
            if self._failure is not None:
                raise self._failure
            await self._flush()

    def _unfinished(self) -> bool:
        return any(lane.busy or lane.waiting for lane in self._all)

    async def _flush(self) -> None:
        """A frame for each lane that has lines, a tick for each that was silent for too long."""
        now = asyncio.get_running_loop().time()
        for lane in self._all:
            if lane.busy:
                continue
            taken = lane.take()
            if taken or now - lane.silent_since >= TICK_S:
                lane.silent_since = now
                await self._send(lane, taken)

    async def _send(self, lane: Lane, taken: list[tuple[bytes, Settled | None]]) -> None:
        headers: Headers = [
            ("producer", self.name.encode()),
            ("sent", b"%d" % self._clock()),
            ("catalogue", b"%d" % self.catalogue),
        ]
        headers.append(("lines", b"%d" % len(taken)) if taken else ("tick", b"1"))
        value = b"\n".join(line for line, _ in taken)
        lane.busy = True
        sent = await self._producer.send(lane.topic, value, partition=lane.partition, headers=headers)
        sent.add_done_callback(partial(self._sent, lane, taken))

    def _sent(self, lane: Lane, taken: list[tuple[bytes, Settled | None]], sent: asyncio.Future[Any]) -> None:
        if sent.cancelled():
            return
        if (error := sent.exception()) is not None:
            self._failure = error
            self._filled.set()
            return
        lane.busy = False
        for _, settled in taken:
            if settled is not None:
                settled()
        if lane.waiting or self._stopping:
            self._filled.set()


async def dead_letter(
    producer: AIOKafkaProducer, raw: bytes, rejection: Rejected, *, source: str, component: str, clock: Clock = now_ms
) -> None:
    """Write one dead letter and return when Kafka has it. `source` is its id: a replay writes the same one."""
    id_ = source.encode(errors="backslashreplace")
    headers: Headers = [
        ("reason", rejection.reason.encode()),
        ("detail", rejection.detail[:MAX_DETAIL_CHARS].encode(errors="backslashreplace")),
        ("source", id_),
        ("component", component.encode()),
        ("at", b"%d" % clock()),
    ]
    # the topic has one partition; naming it saves hashing the key, a tenth of what a letter costs
    await producer.send_and_wait(DEADLETTER, raw[:MAX_DEAD_LETTER_BYTES], key=id_, partition=0, headers=headers)


MAX_DEAD_LETTER_BYTES = 1_500_000
"""Longer raw bytes are cut, so that the letter itself passes; MQTT payloads may be larger."""
MAX_DETAIL_CHARS = 500
