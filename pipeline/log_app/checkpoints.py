"""Checkpoints of one partition: changed keys and a marker, in one transaction on a compacted topic.

Partition p of the checkpoint topic belongs to partition p of the source, and its transactional id is
`app/topic/partition`: whoever starts the producer last is the owner, the broker fences every earlier one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition

from pipeline.core.broker import calm, read_to_end, start_consumer
from pipeline.core.clock import now_ms
from pipeline.core.errors import IocError

MARKER_KEY = b"!"
MAX_BATCH_BYTES = 256 * 1024
MAX_VALUE_BYTES = 200 * 1024
"""A state value above this is refused before it reaches the broker; the engine bounds what it keeps."""
TRANSACTION_TIMEOUT_MS = 15_000
REQUEST_TIMEOUT_MS = 10_000


class Marker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the state of a partition reaches.

    `next`: offset of the first frame not folded yet, None before the first. `log`: newest log time, ms.
    `catalogue`: catalogue offset applied. `starts`: starts since the newest checkpoint that was written in the normal
    course. `attempts`: starts that died on the frame at `next`.
    `sources`: for outputs that may repeat, the newest (offset, index) seen of each source partition.
    """

    next: int | None = None
    log: int = 0
    catalogue: int = 0
    starts: int = 0
    attempts: int = 0
    sources: dict[str, tuple[int, int]] = {}


class CheckpointStore:
    """The checkpoints of one (topic, partition). Owned by one process at a time; the broker sees to it."""

    def __init__(self, brokers: str, app: str, source: TopicPartition, topic: str) -> None:
        self.brokers, self.topic, self.source = brokers, topic, source
        self._producer = AIOKafkaProducer(
            bootstrap_servers=brokers,
            transactional_id=f"{app}/{source.topic}/{source.partition}",
            max_batch_size=MAX_BATCH_BYTES,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        calm(self._producer)

    async def open(self) -> tuple[Marker, dict[bytes, bytes]]:
        """Fence the previous owner, then read the newest committed state: nobody else can change it now."""
        await self._producer.start()
        await self._producer.partitions_for(self.topic)
        consumer = await start_consumer(self.brokers, isolation_level="read_committed")
        try:
            return await self._read(consumer)
        finally:
            await consumer.stop()

    async def _read(self, consumer: object) -> tuple[Marker, dict[bytes, bytes]]:
        partition = TopicPartition(self.topic, self.source.partition)
        consumer.assign([partition])  # type: ignore[attr-defined]
        await consumer.seek_to_beginning(partition)  # type: ignore[attr-defined]
        marker, state = Marker(), dict[bytes, bytes]()
        async for record in read_to_end(consumer, [partition]):
            if record.key == MARKER_KEY:
                marker = msgspec.msgpack.decode(record.value, type=Marker)
            elif record.value:
                state[record.key] = record.value
            else:
                state.pop(record.key, None)
        return marker, state

    async def save(self, changed: Mapping[bytes, bytes | None], marker: Marker) -> None:
        """Write one checkpoint. Any error means that the outcome is unknown or that we were fenced."""
        records = [*changed.items(), (MARKER_KEY, msgspec.msgpack.encode(marker))]
        for key, value in records:
            if value is not None and len(value) > MAX_VALUE_BYTES:
                raise IocError(f"state of {key!r} has {len(value)} bytes; the limit is {MAX_VALUE_BYTES}")
        await self._producer.begin_transaction()
        # commit_transaction() does not report a batch that the broker refused: await each one
        await asyncio.gather(*await self._send(records))
        await self._producer.commit_transaction()

    async def _send(self, records: list[tuple[bytes, bytes | None]]) -> list[asyncio.Future[object]]:
        partition, now = self.source.partition, now_ms()
        sent: list[asyncio.Future[object]] = []
        batch = self._producer.create_batch()
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=now) is None:
                batch.close()
                sent.append(await self._producer.send_batch(batch, self.topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=now)
        batch.close()
        sent.append(await self._producer.send_batch(batch, self.topic, partition=partition))
        return sent

    async def close(self) -> None:
        """Let go of the partition. An open transaction is aborted by the broker or the next owner."""
        try:
            await asyncio.wait_for(self._producer.stop(), 5)
        except Exception as error:  # noqa: BLE001 - fenced, broker gone: we are leaving anyway, and say so
            from pipeline.core.telemetry import log

            log.warning("checkpoint producer did not stop cleanly", topic=self.topic, error=repr(error))
