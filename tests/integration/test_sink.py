"""The sink on the real broker and the real database: once each, whatever happens to it."""

from __future__ import annotations

import asyncio
import random
import signal
import uuid
from pathlib import Path

import psycopg
import pytest

from pipeline.core.broker import start_producer
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line, pack
from pipeline.core.events import Reading
from pipeline.core.topics import READINGS, partition_of
from sinks.store import Advance, Overtaken, Store
from sinks.tables import Place
from sinks.writer import TABLES
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
PARTITIONS = 8
NOW = now_ms()


async def publish(brokers: str, readings: list[Reading]) -> None:
    producer = await start_producer(brokers)
    lines: dict[int, list[bytes]] = {}
    for reading in readings:
        lines.setdefault(partition_of(reading.device, PARTITIONS), []).append(encode_line(reading))
    for partition, mine in lines.items():
        for frame in pack(mine):
            await producer.send_and_wait(READINGS, frame, partition=partition)
    await producer.stop()


def stored(stack: StackUnderTest, prefix: str) -> list[tuple[str, int, float]]:
    with psycopg.connect(stack.postgres_dsn) as connection:
        return connection.execute(
            "select s.device, r.seq, r.value from ioc.readings r join ioc.series s on s.id = r.series "
            "where s.device like %s || '%%' order by 1, 2",
            [prefix],
        ).fetchall()


async def test_a_sink_killed_under_load_stores_every_reading_once(stack: StackUnderTest, tmp_path: Path) -> None:
    prefix = f"d{uuid.uuid4().hex[:8]}"
    sink = Part("sink", tmp_path, stack.environment)
    await sink.start()
    for round_ in range(4):
        readings = [
            Reading(device=f"{prefix}-{n}", quantity="rain_rate", unit="mm/h", at=NOW + seq, seq=seq, value=seq / 2)
            for n in range(20)
            for seq in range(round_ * 500, round_ * 500 + 500)
        ]
        publishing = asyncio.create_task(publish(stack.kafka_brokers, readings))
        await asyncio.sleep(random.uniform(0.8, 2))
        await sink.end(signal.SIGKILL)
        await publishing
        await sink.start()
    expected = [(f"{prefix}-{n}", seq, seq / 2) for n in range(20) for seq in range(2000)]

    async def all_there() -> bool:
        return len(stored(stack, prefix)) >= len(expected)

    await eventually(all_there, 60)
    assert sorted(stored(stack, prefix)) == sorted(expected)
    await sink.end(signal.SIGTERM)


async def test_the_first_of_two_readings_with_one_identity_wins_and_the_other_is_counted(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    device = f"d{uuid.uuid4().hex[:8]}"
    first = Reading(device=device, quantity="rain_rate", unit="mm/h", at=NOW, seq=1, value=1.0)
    other = Reading(device=device, quantity="rain_rate", unit="mm/h", at=NOW, seq=1, value=2.0)
    sink = Part("sink", tmp_path, stack.environment)
    await sink.start()
    await publish(stack.kafka_brokers, [first, other])

    async def counted() -> bool:
        return "another value" in sink.said()

    await eventually(counted, 40)
    assert stored(stack, device) == [(device, 1, 1.0)]
    await sink.end(signal.SIGTERM)


async def test_a_time_beyond_what_the_store_keeps_is_dead_lettered_and_the_rest_is_stored(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    device = f"d{uuid.uuid4().hex[:8]}"
    sink = Part("sink", tmp_path, stack.environment)
    await sink.start()
    old = Reading(device=device, quantity="rain_rate", unit="mm/h", at=1, seq=1, value=1.0)
    good = Reading(device=device, quantity="rain_rate", unit="mm/h", at=NOW, seq=2, value=2.0)
    await publish(stack.kafka_brokers, [old, good])

    async def there() -> bool:
        return stored(stack, device) == [(device, 2, 2.0)]

    await eventually(there, 40)
    await sink.end(signal.SIGTERM)


async def test_a_sink_that_was_overtaken_writes_nothing(stack: StackUnderTest) -> None:
    sink, device = f"s{uuid.uuid4().hex[:8]}", f"d{uuid.uuid4().hex[:8]}"
    reading = Reading(device=device, quantity="rain_rate", unit="mm/h", at=NOW, seq=1, value=1.0)
    table = TABLES[READINGS]
    row = table.row(reading, Place(NOW, 0, 7, 0, {}))
    assert row is not None
    async with await psycopg.AsyncConnection.connect(stack.postgres_dsn) as connection:
        store = Store(connection, sink)
        await store.prepare([table])
        assert await store.offset("t", 0, 5) == 5
        await store.write(table, [], [Advance("t", 0, 5, 6)])  # another sink, meanwhile
        with pytest.raises(Overtaken, match="no longer at 5"):
            await store.write(table, [row], [Advance("t", 0, 5, 8)])
        assert stored(stack, device) == []
        assert await store.offset("t", 0, 0) == 6
        await store.write(table, [row], [Advance("t", 0, 6, 8)])
    assert stored(stack, device) == [(device, 1, 1.0)]
