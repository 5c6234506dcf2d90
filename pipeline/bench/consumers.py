"""The processes that `ioc bench worker` compares; each prints one line of JSON and ends.

`python -m pipeline.bench.consumers NAME BROKERS COUNT`: `bare` is the limit (aiokafka getmany and msgspec),
`rules` our rules worker, `faust` what the Faust manual teaches: one record a reading, a model, a table.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any, NoReturn

import faust
import msgspec
from aiokafka import AIOKafkaConsumer

from pipeline.core.events import Reading
from pipeline.core.topics import READINGS

SINGLE = "bench.single"
"""Topic with one reading a record."""
HIGH, LOW = 50.0, 20.0


class Stopwatch:
    """From the first reading to the COUNT-th; then prints and ends the process."""

    def __init__(self, count: int) -> None:
        self._count, self._seen = count, 0
        self._wall = self._cpu = 0.0

    def add(self, readings: int) -> None:
        """Count readings that were dealt with."""
        if self._seen == 0:
            self._wall, self._cpu = time.perf_counter(), time.process_time()
            self._first = readings  # dealt with before the watch started
        self._seen += readings
        if self._seen >= self._count:
            self._finish()

    def _finish(self) -> NoReturn:
        counted = self._seen - self._first
        told = {
            "readings": counted,
            "per_second": counted / (time.perf_counter() - self._wall),
            "per_cpu_second": counted / (time.process_time() - self._cpu),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        os._exit(0)


def bare(brokers: str, count: int) -> None:
    """The limit: fetch and decode, nothing else."""
    watch = Stopwatch(count)

    async def consume() -> None:
        consumer = AIOKafkaConsumer(READINGS, bootstrap_servers=brokers, auto_offset_reset="earliest")
        decoder = msgspec.json.Decoder(Reading)
        await consumer.start()
        while True:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).values():
                for record in records:
                    watch.add(len(decoder.decode_lines(record.value)))

    asyncio.run(consume())


def rules(brokers: str, count: int) -> None:
    """Our worker as it is shipped: checkpoints, commits, conditions and progress included."""
    from pipeline.app import rules_worker
    from pipeline.log_app.worker import run

    watch, app = Stopwatch(count), rules_worker(brokers, instance=None)
    fold = app.fold

    async def fold_and_count(part: Any, found: Any) -> None:
        await fold(part, found)
        watch.add(found.value.count(b"\n") + 1 if found.value else 0)

    app.fold = fold_and_count  # type: ignore[method-assign]
    run(app)


def idiomatic(brokers: str, count: int) -> None:
    """Faust by its manual: a Record a reading, and the state of two thresholds in a table."""
    watch = Stopwatch(count)

    class Measured(faust.Record, serializer="json"):  # type: ignore[misc, call-arg]
        device: str
        quantity: str
        at: int
        value: float
        unit: str

    app = faust.App(
        "bench-faust",
        broker=f"kafka://{brokers}",
        web_enabled=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        producer_linger=0.02,
    )
    state = app.Table("bench-state", partitions=8)
    conditions = app.topic("bench.conditions")

    @app.agent(app.topic(SINGLE, value_type=Measured))  # type: ignore[untyped-decorator]
    async def judge(stream: Any) -> None:
        async for measured in stream:
            for name, above in (("high", HIGH), ("low", LOW)):
                key = f"{name}|{measured.device}|{measured.quantity}"
                was, now = state.get(key, False), measured.value > above
                if was != now:
                    state[key] = now
                    await conditions.send(key=key, value={"key": key, "edge": "begin" if now else "end"})
            watch.add(1)

    faust.Worker(app, loglevel="ERROR", redirect_stdouts=False, quiet=True).execute_from_commandline()


if __name__ == "__main__":
    {"bare": bare, "rules": rules, "faust": idiomatic}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
