"""The sink worker: from Kafka into the store, once each, whatever happens.

Receives frames of every data topic; stores lines; drops `duplicate` (there already); rejects lines that cannot be
decoded or whose time is beyond what the store keeps. Offsets live in the database, in the same transaction as
the rows, and move by compare-and-swap: kill -9 at any point repeats or loses nothing, and a second sink that
takes a partition over cannot be undone by the first. A dead database: one sentence, then a new connection every
few seconds; Kafka keeps the data. Metrics: `ioc_sink_*`, `ioc_sink_lag_records`, `ioc_sink_conflicts_total`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from prometheus_client import Counter, Gauge

from pipeline.core import topics
from pipeline.core.broker import start_consumer, start_producer
from pipeline.core.codec import BadLine
from pipeline.core.errors import Reason, Rejected, ServiceMissing
from pipeline.core.extensions import ExtensionTable
from pipeline.core.frames import dead_letter
from pipeline.core.telemetry import Component, log
from sinks.store import Advance, Overtaken, Store, Written
from sinks.tables import Place, Table

TABLES: ExtensionTable[Table] = ExtensionTable(
    "sinks",
    {
        topics.READINGS: "sinks.tables:READINGS",
        topics.DERIVED: "sinks.tables:DERIVED",
        topics.DETECTIONS: "sinks.tables:DETECTIONS",
        topics.CASES: "sinks.tables:CASES",
        topics.CONDITIONS: "sinks.tables:CONDITIONS",
        topics.ALERTS: "sinks.tables:ALERT_EVENTS",
    },
)
"""Topic -> table."""

_DAY_MS = 86_400_000
_NUL = b"\\u0000"
OLDEST_DAYS = 90
"""Rows older than this at their append time are refused: retention would drop them at once."""
AHEAD_DAYS = 1
_POLL_MS = 500
_FETCH_BYTES = 64 * 1024
"""The broker waits for so much, or _POLL_MS: few large transactions instead of one for every frame."""
_MAX_FRAMES = 400
_RECONNECT_S = 2.0
CONFLICTS = Counter("ioc_sink_conflicts", "Rows that were there already with another value", ["table"])
LAG = Gauge("ioc_sink_lag_records", "Records not stored yet", ["topic"])
LOST = Counter("ioc_sink_lost", "Records that retention removed before they were stored", ["topic"])


class Batch(NamedTuple):
    """What one poll brought for one topic."""

    rows: list[Sequence[Any]]
    events: list[Any]
    advances: list[Advance]
    bad: list[tuple[TopicPartition, int, BadLine]]
    lines: int


class Sink:
    """One sink process. `run` returns only when cancelled."""

    def __init__(self, brokers: str, dsn: str, *, name: str = "sink") -> None:
        self._brokers, self._dsn, self._name = brokers, dsn, name
        self._component = Component("sink")
        self._next: dict[TopicPartition, int] = {}
        self._assigned = asyncio.Event()

    async def run(self) -> None:
        """Consume and store. Raises ServiceMissing when Kafka is not there at the start."""
        self._letters = await start_producer(self._brokers)
        consumer = await start_consumer(
            self._brokers,
            group_id=self._name,
            session_timeout_ms=10_000,
            fetch_min_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_POLL_MS,
        )
        consumer.subscribe(list(TABLES), listener=_Listener(self))
        try:
            while True:
                await self._with_database(consumer)
        finally:
            await consumer.stop()
            await self._letters.stop()

    async def _with_database(self, consumer: AIOKafkaConsumer) -> None:
        try:
            connection = await psycopg.AsyncConnection.connect(self._dsn, connect_timeout=5)
            async with connection:
                store = Store(connection, self._name)
                await store.prepare(list(TABLES.values()))
                log.info("sink ready")
                self._assigned.set()  # offsets are read with this connection from now on
                await self._consume(consumer, store)
        except psycopg.OperationalError as error:
            missing = ServiceMissing(
                "PostgreSQL",
                "postgres.dsn",
                "readings wait in Kafka until it is back",
                vi="số liệu chờ trong Kafka đến khi có lại",
            )
            log.warning(str(missing), cause=type(error).__name__)
            await asyncio.sleep(_RECONNECT_S)
        except Overtaken as overtaken:
            log.warning("another sink is ahead, reading the offsets again", where=str(overtaken))

    async def _consume(self, consumer: AIOKafkaConsumer, store: Store) -> None:
        while True:
            if self._assigned.is_set():
                self._assigned.clear()
                await self._seek(consumer, store)
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_FRAMES)
            if not self._assigned.is_set():  # else: a rebalance came between; these may not be ours
                await self._store(batches, store, consumer)

    async def _seek(self, consumer: AIOKafkaConsumer, store: Store) -> None:
        partitions = list(consumer.assignment())
        beginnings = await consumer.beginning_offsets(partitions) if partitions else {}
        self._next = {}
        for partition in partitions:
            stored = await store.offset(partition.topic, partition.partition, beginnings[partition])
            LOST.labels(partition.topic).inc(max(0, beginnings[partition] - stored))
            self._next[partition] = stored
            consumer.seek(partition, max(stored, beginnings[partition]))

    async def _store(
        self, batches: Mapping[TopicPartition, Sequence[Any]], store: Store, consumer: AIOKafkaConsumer
    ) -> None:
        for topic in {partition.topic for partition in batches}:
            table = TABLES[topic]
            mine = {p: records for p, records in batches.items() if p.topic == topic and p in self._next}
            batch = self._decode(table, mine)
            for partition, offset, bad in batch.bad:  # before the offsets move: a repeat has the same id
                await self._reject(partition, offset, bad)
            with self._component.latency.time():
                written = await self._write(table, batch, store)
            for advance in batch.advances:
                self._next[TopicPartition(advance.topic, advance.partition)] = advance.next
            self._count(table, batch, written)
            LAG.labels(topic).set(_lag(consumer, self._next, topic))

    async def _write(self, table: Table, batch: Batch, store: Store) -> Written:
        if table is TABLES[topics.ALERTS]:
            return await store.write_alerts(table, batch.rows, batch.events, batch.advances)
        return await store.write(table, batch.rows, batch.advances)

    def _decode(self, table: Table, batches: Mapping[TopicPartition, Sequence[Any]]) -> Batch:
        batch = Batch([], [], [], [], 0)
        lines = 0
        for partition, records in batches.items():
            for record in records:
                lines += _decode_record(table, partition, record, batch)
            batch.advances.append(
                Advance(partition.topic, partition.partition, self._next[partition], records[-1].offset + 1)
            )
        return batch._replace(lines=lines)

    async def _reject(self, partition: TopicPartition, offset: int, bad: BadLine) -> None:
        source = f"{partition.topic}/{partition.partition}/{offset}/{bad.number}"
        await dead_letter(self._letters, bad.raw, bad.rejection, source=source, component="sink")
        self._component.rejected.labels(bad.rejection.reason).inc()

    def _count(self, table: Table, batch: Batch, written: Written) -> None:
        self._component.received.inc(batch.lines)
        self._component.sent.inc(written.stored)
        self._component.dropped.labels("duplicate").inc(written.repeated)
        self._component.dropped.labels("not_history").inc(batch.lines - len(batch.rows) - len(batch.bad))
        if written.conflicts:
            CONFLICTS.labels(table.name).inc(written.conflicts)
            log.warning("rows were there already with another value", table=table.name, count=written.conflicts)

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Forget partitions: their next owner reads their offsets from the database."""
        for partition in partitions:
            self._next.pop(partition, None)

    def assigned(self) -> None:
        """Read the offsets before the next poll is stored."""
        self._assigned.set()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._sink.revoked(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._sink.assigned()


def _decode_record(table: Table, partition: TopicPartition, record: Any, batch: Batch) -> int:
    headers = dict(record.headers)
    if not record.value or table.passes(headers):
        return 0  # a tick, or progress
    decoded = table.codec.decode_frame(record.value)
    with_nul = _NUL in record.value
    for number, event in decoded.lines:
        rejection = _out_of_bounds(event, record.timestamp) or (with_nul and _holds_nul(record.value, number)) or None
        if rejection is not None:
            raw = record.value.split(b"\n")[number]
            batch.bad.append((partition, record.offset, BadLine(number, raw, rejection)))
            continue
        row = table.row(event, Place(record.timestamp, partition.partition, record.offset, number, headers))
        if row is not None:
            batch.rows.append(row)
            batch.events.append(event)
    batch.bad.extend((partition, record.offset, bad) for bad in decoded.bad)
    return len(decoded.lines) + len(decoded.bad)


def _holds_nul(value: bytes, number: int) -> Rejected | None:
    if _NUL not in value.split(b"\n")[number]:
        return None
    return Rejected(Reason.WRONG_TYPE, "line: a text holds NUL, which PostgreSQL cannot store")


def _out_of_bounds(event: Any, log_ms: int) -> Rejected | None:
    at = getattr(event, "at", log_ms)
    if at < log_ms - OLDEST_DAYS * _DAY_MS:
        return Rejected(Reason.TOO_OLD, f"at: {at} is more than {OLDEST_DAYS} days before it was logged ({log_ms})")
    if at > log_ms + AHEAD_DAYS * _DAY_MS:
        return Rejected(Reason.CLOCK_AHEAD, f"at: {at} is more than {AHEAD_DAYS} day after it was logged ({log_ms})")
    return None


def _lag(consumer: AIOKafkaConsumer, reached: Mapping[TopicPartition, int], topic: str) -> int:
    behind = 0
    for partition, next_ in reached.items():
        if partition.topic == topic:
            behind += max(0, (consumer.highwater(partition) or next_) - next_)
    return behind
