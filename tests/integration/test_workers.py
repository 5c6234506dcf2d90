"""The rules and alerts workers on the real broker: killed again and again, they judge as one uninterrupted run does."""

from __future__ import annotations

import asyncio
import random
import signal
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition

from devices.registry import Registry
from pipeline.core import codec, topics
from pipeline.core.alerts import Alert
from pipeline.core.broker import committed_offsets, read_topic, start_consumer, start_producer
from pipeline.core.catalogue import Device, DeviceType, Document, RuleDocument, Site, TypeQuantity
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line
from pipeline.core.conditions import Condition
from pipeline.core.events import Reading
from pipeline.core.frames import FrameProducer
from pipeline.core.machine import CatalogueChange
from pipeline.core.topics import TOPICS
from pipeline.log_app import CatalogueFollower
from pipeline.migrations import connect
from rules.alerts.state import KeyState
from rules.backtest import Input, backtest
from rules.engine.loader import load_text
from rules.engine.settings import Rule
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
DEVICES = 12
SOURCES = [*(("rules", topic) for topic in topics.INPUTS), ("alerts", topics.CONDITIONS)]
"""Which worker reads which topic; the alerts worker last, for its source grows while the others are behind."""
RULES = """
id: {p}.level
title: {{vi: Mực nước, en: Water level}}
kind: threshold
scope: {{quantity: water_level, tags: [{p}]}}
raise: {{warning: {{above: 4}}, major: {{above: 6}}}}
clear: {{below: 3, for: 300ms}}
for: 200ms
---
id: {p}.silent
title: {{vi: Mất tín hiệu, en: No data}}
kind: absence
scope: {{quantity: water_level, tags: [{p}]}}
after: 1500ms
severity: warning
---
id: {p}.mean
title: {{vi: Trung bình, en: Mean}}
kind: window
scope: {{quantity: water_level, tags: [{p}]}}
window: {{type: tumbling, size: 1s, aggregate: mean}}
raise: {{minor: {{above: 4.5}}}}
"""


class Load:
    """Devices of this test only, their rules, and readings that make conditions begin, change and end."""

    def __init__(self, stack: StackUnderTest) -> None:
        self.stack, self.prefix = stack, f"w{uuid.uuid4().hex[:6]}"
        self.devices = [f"{self.prefix}-{number}" for number in range(DEVICES)]
        self.rules: tuple[Rule, ...] = load_text(RULES.format(p=self.prefix)).checked()
        self.seq: dict[str, int] = defaultdict(int)
        self.failure: BaseException | None = None

    def register(self) -> None:
        """Devices and rules, through the registry and its outbox.

        The devices are expected from later on than they begin to speak: who was never heard is expected from the frame
        that brings it, and the uninterrupted run knows all from its first frame on.
        """
        later = now_ms() + 60_000
        type_ = DeviceType(id=f"{self.prefix}-type", quantities=(TypeQuantity("water_level"),), period_s=1, delay_s=0.5)
        documents: list[Document] = [Site(id=f"{self.prefix}-site"), type_]
        documents += [
            Device(id=d, type=type_.id, site=f"{self.prefix}-site", tags=(self.prefix,), active_from=later)
            for d in self.devices
        ]
        documents += [RuleDocument(id=r.id, title=r.title, rule=r.source, sha256=r.version) for r in self.rules]
        with connect(self.stack.postgres_dsn) as connection:
            registry = Registry(connection, by="test")
            for document in documents:
                registry.put(document)

    async def drive(self, seconds: float) -> None:
        """Readings with ticks, as a gateway sends them; every device is silent now and then."""
        producer = await start_producer(self.stack.kafka_brokers)
        follower = CatalogueFollower(self.stack.kafka_brokers)
        await follower.start()
        frames = FrameProducer(producer, f"door-{self.prefix}", topics.INPUTS, on_failure=self._failed)
        frames.catalogue = await self._catalogue(follower)
        frames.start()
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        level = dict.fromkeys(self.devices, 2.0)
        silent = dict.fromkeys(self.devices, 0.0)
        while loop.time() < until:
            for device in self.devices:
                if loop.time() < silent[device]:
                    continue
                if random.random() < 0.005:
                    silent[device] = loop.time() + random.uniform(1, 4)
                level[device] = min(8.0, max(0.0, level[device] + random.gauss(0, 0.6)))
                frames.put(topics.READINGS, device, encode_line(self._reading(device, level[device])))
            await asyncio.sleep(0.02)
        await asyncio.sleep(3)  # ticks alone: windows close, silence is noticed
        await frames.stop()
        await producer.stop()
        await follower.stop()

    async def _catalogue(self, follower: CatalogueFollower) -> int:
        wanted = {rule.id for rule in self.rules}

        async def known() -> bool:
            upto = await follower.read_all()
            return wanted <= {change.id for change in follower.as_of(upto)}

        await eventually(known, 20)
        return follower.next

    def _reading(self, device: str, value: float) -> Reading:
        self.seq[device] += 1
        return Reading(device=device, quantity="water_level", unit="m", at=now_ms(), seq=self.seq[device], value=value)

    def _failed(self, error: BaseException) -> None:
        self.failure = error

    async def expected(self) -> tuple[list[Condition], int]:
        """What one uninterrupted run over the same log gives, and up to when every partition of readings has a log."""
        inputs, ends = [], dict[int, int]()
        async for record in everything(self.stack.kafka_brokers, topics.READINGS):
            ends[record.partition] = max(ends.get(record.partition, 0), record.timestamp)
            for _, reading in codec.readings.decode_frame(record.value).lines:
                if reading.device.startswith(self.prefix):
                    inputs.append(Input(event=reading, log=record.timestamp, partition=record.partition))
        changes = await self._changes()
        end = min(ends.values())
        return backtest(self.rules, inputs, catalogue=changes, until=end), end

    async def _changes(self) -> list[CatalogueChange]:
        follower = CatalogueFollower(self.stack.kafka_brokers)
        await follower.start()
        upto = await follower.read_all()
        await follower.stop()
        return [c for c in follower.as_of(upto) if c.id.startswith(self.prefix) and c.kind != "rule"]

    async def conditions(self) -> dict[str, Condition]:
        """The conditions on the topic, by id; a repeat must be the same to the byte."""
        found: dict[str, Condition] = {}
        async for record in everything(self.stack.kafka_brokers, topics.CONDITIONS):
            for _, line in codec.conditions.decode_frame(record.value).lines:
                if isinstance(line, Condition) and line.rule.startswith(self.prefix):
                    assert found.setdefault(line.id, line) == line
        return found

    async def alerts(self) -> dict[str, list[tuple[dict[str, str], Alert]]]:
        """Events on the alert topic by key, without the repeats of a kill (same id)."""
        found: dict[str, dict[str, tuple[dict[str, str], Alert]]] = defaultdict(dict)
        decoder = msgspec.json.Decoder(Alert)
        async for record in everything(self.stack.kafka_brokers, topics.ALERTS):
            key = record.key.decode()
            if key.startswith(self.prefix):
                headers = {name: value.decode() for name, value in record.headers}
                found[key].setdefault(headers["ce_id"], (headers, decoder.decode(record.value)))
        return {key: list(events.values()) for key, events in found.items()}

    async def alert_states(self) -> dict[str, Alert]:
        """The newest state of each open alert on the compacted topic."""
        found: dict[str, Alert] = {}
        async for record in everything(self.stack.kafka_brokers, topics.ALERT_STATE):
            key = record.key.decode()
            if key.startswith(self.prefix):
                found.pop(key, None)
                if record.value:
                    found[key] = msgspec.json.decode(record.value, type=Alert)
        return found


async def everything(brokers: str, topic: str) -> AsyncIterator[Any]:
    """All records of a topic of the product as of now."""
    async for record in read_topic(brokers, topic, TOPICS[topic].partitions):
        yield record


async def until_drained(brokers: str) -> None:
    """Wait until both workers have checkpointed and committed everything that is in their sources."""

    async def drained() -> bool:
        consumer = await start_consumer(brokers)
        try:
            return not [tp for worker, topic in SOURCES async for tp in behind(consumer, brokers, worker, topic)]
        finally:
            await consumer.stop()

    await eventually(drained, 60, every_s=1)


async def behind(consumer: Any, brokers: str, worker: str, topic: str) -> AsyncIterator[TopicPartition]:
    """The partitions of `topic` of which `worker` has not committed all."""
    committed = await committed_offsets(brokers, worker)
    partitions = [TopicPartition(topic, number) for number in range(TOPICS[topic].partitions)]
    for partition, end in (await consumer.end_offsets(partitions)).items():
        if committed.get(partition, 0) < end:
            yield partition


async def given_up(brokers: str) -> list[str]:
    """The frames that a worker took for poison: a kill from outside is no frame's fault."""
    letters = [record async for record in read_topic(brokers, topics.DEADLETTER)]
    sources = [record.key.decode() for record in letters if ("reason", b"poison") in record.headers]
    return [source for source in sources if source.startswith("ioc.")]


def same(condition: Condition) -> tuple[Any, ...]:
    """What must agree between the live run and the backtest: all but the log time at which it was noticed."""
    return (condition.id, condition.edge, condition.severity, condition.at, condition.n, condition.reason)


async def test_workers_killed_ten_times_under_load_judge_as_one_uninterrupted_run(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    load = Load(stack)
    load.register()
    workers = [Part(name, tmp_path, stack.environment, "--instance", "1") for name in ("rules", "alerts")]
    async with running(Part("relay", tmp_path, stack.environment), *workers):
        driving = asyncio.create_task(load.drive(48))
        for number in range(10):
            worker = workers[number % 2]
            await worker.ready()
            await asyncio.sleep(random.uniform(0.2, 2.0))
            await worker.end(signal.SIGKILL)
            await worker.start()
        await driving
        assert load.failure is None
        expected, end = await load.expected()
        await until_drained(stack.kafka_brokers)
        for worker in workers:
            assert await worker.end(signal.SIGTERM) == 0

    assert await given_up(stack.kafka_brokers) == []
    # a condition at T is told when W = L - 500 ms passes T: what is nearer to the end may be told by one run only
    decided = end - 1000
    expected = [condition for condition in expected if condition.at < decided]
    conditions = list((await load.conditions()).values())
    assert len(expected) > 200, "the load must make conditions worth comparing"
    assert {c.rule for c in expected} == {rule.id for rule in load.rules}
    assert sorted(same(c) for c in conditions if c.at < decided) == sorted(map(same, expected))

    alerts = await load.alerts()
    begun = {(c.key, c.episode) for c in conditions if c.edge == "begin"}
    assert {(key, alert.episode) for key, events in alerts.items() for _, alert in events} == begun
    for key, events in alerts.items():
        assert [int(headers["ce_sequence"]) for headers, _ in events] == list(range(1, len(events) + 1)), key

    newest = {key: events[-1][1] for key, events in alerts.items()}
    still_open = {key: alert for key, alert in newest.items() if not alert.state.closed.on}
    assert await load.alert_states() == still_open
    assert await checkpointed(load) == still_open


async def checkpointed(load: Load) -> dict[str, Alert]:
    """The open alerts that the alerts worker's newest checkpoint holds."""
    topic = topics.checkpoint_topic("alerts", topics.CONDITIONS)
    found: dict[str, Alert] = {}
    async for record in read_topic(load.stack.kafka_brokers, topic, isolation_level="read_committed"):
        key = record.key.decode()
        if key.startswith(load.prefix):
            found.pop(key, None)
            alert = msgspec.msgpack.decode(record.value, type=KeyState).alert if record.value else None
            if alert is not None:
                found[key] = alert
    return found
