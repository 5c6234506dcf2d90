"""The relay: publishes the database's outbox to Kafka, in order, at least once.

Receives rows of `ioc.outbox`; sends one record each (catalogue documents under their key; verbs as one-line
frames); drops nothing; deletes a row after Kafka acknowledged it. kill -9: rows not deleted yet are sent
again; documents are whole and verbs carry an id, so a repeat changes nothing. A dead Kafka or database: the
process ends with one sentence and is started again. One relay is active, others wait for its lock.
"""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from aiokafka import AIOKafkaProducer
from prometheus_client import Gauge

from pipeline.core.broker import start_producer
from pipeline.core.clock import now_ms
from pipeline.core.telemetry import Component, log
from pipeline.core.topics import CONDITIONS
from pipeline.migrations import database_error

_LOCK = 0x10C_0003
_BATCH = 500
_POLL_S = 1.0
WAITING = Gauge("ioc_relay_waiting", "Rows in the outbox")


async def relay(brokers: str, dsn: str) -> None:
    """Run until cancelled. Raises ServiceMissing when Kafka or PostgreSQL is not there."""
    component = Component("relay")
    producer = await start_producer(brokers)
    try:
        connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=5)
        async with connection:
            await connection.execute("select pg_advisory_lock(%s)", [_LOCK])
            await connection.execute("listen ioc_outbox")
            log.info("relay active")
            while True:
                if not await publish(connection, producer, component):
                    await _news(connection)
    except psycopg.OperationalError as error:
        raise database_error(dsn, error) from None
    finally:
        await producer.stop()


async def publish(connection: psycopg.AsyncConnection[Any], producer: AIOKafkaProducer, component: Component) -> int:
    """Publish and delete one batch of rows; returns how many."""
    cursor = await connection.execute("select id, topic, key, value from ioc.outbox order by id limit %s", [_BATCH])
    rows = await cursor.fetchall()
    WAITING.set(len(rows))
    component.received.inc(len(rows))
    await asyncio.gather(*[await _send(producer, *row[1:]) for row in rows])
    if rows:
        await connection.execute("delete from ioc.outbox where id = any(%s)", [[row[0] for row in rows]])
    component.sent.inc(len(rows))
    return len(rows)


async def _send(producer: AIOKafkaProducer, topic: str, key: str | None, value: str | None) -> asyncio.Future[Any]:
    headers = [("producer", b"relay"), ("sent", b"%d" % now_ms())]
    if topic == CONDITIONS:
        headers.append(("lines", b"1"))
    raw = None if value is None else value.encode()
    sent: asyncio.Future[Any] = await producer.send(
        topic,
        raw,
        key=None if key is None else key.encode(),
        partition=0 if topic == CONDITIONS else None,
        headers=headers,
    )
    return sent


async def _news(connection: psycopg.AsyncConnection[Any]) -> None:
    async for _ in connection.notifies(timeout=_POLL_S, stop_after=1):
        return
