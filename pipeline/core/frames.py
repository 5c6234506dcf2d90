"""The producer of frames, ticks and dead letters: the way into Kafka for gateway, feeds and cameras.

One lane a partition packs lines for a few milliseconds, sends one frame at a time and settles each line when
Kafka acknowledged it; a lane with nothing to say for 250 ms sends a tick, so time passes in the rules.

Receives lines; sends frames; drops nothing; a line is settled only after Kafka's acknowledgement. A slow Kafka:
lines wait, `waiting` grows, the caller stops taking in. A send that fails for good ends the process
(`on_failure`): whoever handed the lines in still holds them and hands them in again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from aiokafka import AIOKafkaProducer

from pipeline.core.clock import Clock, now_ms
from pipeline.core.codec import MAX_FRAME_BYTES, MAX_FRAME_LINES
from pipeline.core.errors import Rejected
from pipeline.core.topics import DEADLETTER, TOPICS, partition_of

TICK_S = 0.25
LINGER_S = 0.010
Settled = Callable[[], None]
Headers = list[tuple[str, bytes]]


class Lane:
    """Frames of one partition, in order, one in flight."""

    def __init__(self, frames: FrameProducer, topic: str, partition: int) -> None:
        self._frames, self.topic, self.partition = frames, topic, partition
        self._waiting: deque[tuple[bytes, Settled | None]] = deque()
        self._filled = asyncio.Event()
        self._stopping = False

    def put(self, line: bytes, settled: Settled | None) -> None:
        """Append a line; `settled` is called when Kafka has it."""
        self._waiting.append((line, settled))
        self._filled.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def stop(self) -> None:
        """Let `run` send what waits and return."""
        self._stopping = True
        self._filled.set()

    async def run(self) -> None:
        """Send frames and ticks until stopped."""
        while not (self._stopping and not self._waiting):
            try:
                await asyncio.wait_for(self._filled.wait(), TICK_S)
            except TimeoutError:
                await self._frames.send(self.topic, self.partition, b"", 0)
                continue
            if len(self._waiting) < MAX_FRAME_LINES:
                await asyncio.sleep(self._frames.linger_s)
            await self.flush()

    async def flush(self) -> None:
        """Send what waits, and return when Kafka has it."""
        while self._waiting:
            taken = self._take()
            await self._frames.send(self.topic, self.partition, b"\n".join(line for line, _ in taken), len(taken))
            for _, settled in taken:
                if settled is not None:
                    settled()
        self._filled.clear()

    def _take(self) -> list[tuple[bytes, Settled | None]]:
        taken: list[tuple[bytes, Settled | None]] = []
        size = 0
        while self._waiting and len(taken) < MAX_FRAME_LINES:
            size += len(self._waiting[0][0]) + 1
            if taken and size > MAX_FRAME_BYTES:
                break
            taken.append(self._waiting.popleft())
        return taken


class FrameProducer:
    """All lanes of one process. `catalogue` is the catalogue offset that the process has applied."""

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
        self._lanes: Mapping[str, list[Lane]] = {
            topic: [Lane(self, topic, number) for number in range(TOPICS[topic].partitions)] for topic in topics
        }
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Lines not yet handed to Kafka."""
        return sum(len(lane) for lanes in self._lanes.values() for lane in lanes)

    def start(self) -> None:
        """Start all lanes in the running event loop."""
        self._tasks = [asyncio.create_task(self._guard(lane)) for lanes in self._lanes.values() for lane in lanes]

    async def stop(self) -> None:
        """Send what waits, then stop the lanes. The producer itself belongs to the caller."""
        for lanes in self._lanes.values():
            for lane in lanes:
                lane.stop()
        await asyncio.gather(*self._tasks)

    def put(self, topic: str, device: str, line: bytes, settled: Settled | None = None) -> None:
        """Hand in one line of `device`; order is kept for each device."""
        lanes = self._lanes[topic]
        lanes[partition_of(device, len(lanes))].put(line, settled)

    async def send(self, topic: str, partition: int, value: bytes, lines: int) -> None:
        """Send one frame, or a tick when it has no lines; returns when Kafka has it."""
        headers: Headers = [
            ("producer", self.name.encode()),
            ("sent", b"%d" % self._clock()),
            ("catalogue", b"%d" % self.catalogue),
        ]
        headers.append(("lines", b"%d" % lines) if lines else ("tick", b"1"))
        await self._producer.send_and_wait(topic, value, partition=partition, headers=headers)

    async def _guard(self, lane: Lane) -> None:
        try:
            await lane.run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._on_failure(error)
            raise


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
