"""A centre with something going on: documents, readings and the conditions that the engine finds in them.

The conditions are those of `backtest` over the same readings, written to the log as a rules worker writes them;
so the alerts worker, the sink and the console are real, and no rules worker has to warm up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from aiokafka import TopicPartition

from devices.registry import KIND_OF, Registry
from pipeline.core import topics
from pipeline.core.broker import start_consumer, start_producer
from pipeline.core.catalogue import Document
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line, pack
from pipeline.core.conditions import Condition, Progress
from pipeline.core.events import Detection, Reading
from pipeline.core.machine import CatalogueChange
from pipeline.core.topics import TOPICS, partition_of
from pipeline.migrations import connect
from pipeline.rule_store import store_rules
from rules.backtest import Input, backtest
from rules.engine.settings import Rule
from tests.integration.log_harness import eventually

SOURCES = [f"{topic}/{number}" for topic in topics.INPUTS for number in range(TOPICS[topic].partitions)]


class Scene:
    """Writes into the real log what devices and a rules worker would write."""

    def __init__(self, brokers: str, dsn: str) -> None:
        self.brokers, self.dsn = brokers, dsn
        self.judging = True
        self._producer: Any = None
        self._catalogue = 0

    async def open(self) -> None:
        """Connect."""
        self._producer = await start_producer(self.brokers)

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    async def register(self, documents: Iterable[Document], rules: Iterable[Rule] = ()) -> None:
        """Register, and wait until the relay has published it all."""
        with connect(self.dsn) as connection:
            registry = Registry(connection, by="scene")
            for document in documents:
                registry.put(document)
            store_rules(registry, rules)
        with connect(self.dsn, autocommit=True) as connection:

            async def published() -> bool:
                return connection.execute("select from ioc.outbox limit 1").fetchone() is None

            await eventually(published, 20, every_s=0.05)
        self._catalogue = await self._end(topics.CATALOGUE)

    async def _end(self, topic: str) -> int:
        consumer = await start_consumer(self.brokers)
        try:
            partition = TopicPartition(topic, 0)
            return int((await consumer.end_offsets([partition]))[partition])
        finally:
            await consumer.stop()

    async def measure(self, readings: Sequence[Reading]) -> None:
        """Readings, as a gateway frames them."""
        lines: dict[int, list[bytes]] = {}
        for reading in readings:
            partition = partition_of(reading.device, TOPICS[topics.READINGS].partitions)
            lines.setdefault(partition, []).append(encode_line(reading))
        for partition, mine in lines.items():
            for frame in pack(mine):
                await self._send(topics.READINGS, partition, frame)

    async def judge(self, conditions: Iterable[Condition]) -> None:
        """Conditions, as a rules worker frames them."""
        for frame in pack(map(encode_line, conditions)):
            await self._send(topics.CONDITIONS, 0, frame)

    async def _send(self, topic: str, partition: int, frame: bytes) -> None:
        headers = [
            ("producer", b"scene"),
            ("sent", b"%d" % now_ms()),
            ("lines", b"%d" % (frame.count(b"\n") + 1)),
            ("catalogue", b"%d" % self._catalogue),
        ]
        await self._producer.send_and_wait(topic, frame, partition=partition, headers=headers)

    async def tell_progress(self) -> None:
        """What a rules worker says all the time: how far each source partition has been judged."""
        while True:
            if self.judging:
                now = now_ms()
                lines = [encode_line(Progress(source=source, log=now)) for source in SOURCES]
                await self._send(topics.CONDITIONS, 0, b"\n".join(lines))
            await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def a_scene(brokers: str, dsn: str) -> AsyncIterator[Scene]:
    """A scene whose progress goes on."""
    scene = Scene(brokers, dsn)
    await scene.open()
    telling = asyncio.create_task(scene.tell_progress())
    try:
        yield scene
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
        await scene.close()


def judged(
    rules: Sequence[Rule], events: Iterable[Reading | Detection], documents: Iterable[Document], until: int
) -> list[Condition]:
    """What the engine finds in `events`."""
    changes = [CatalogueChange(1, KIND_OF[type(document)], document.id, document) for document in documents]
    inputs = [Input(event=one, log=one.at, partition=0) for one in events]
    return backtest(rules, inputs, catalogue=changes, until=until)
