"""The counts along the path, each taken at its own place, and the checks that they must pass."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import psycopg
from aiokafka import TopicPartition

from pipeline.core import codec, topics
from pipeline.core.alerts import AlertEvent
from pipeline.core.broker import read_to_end, start_consumer
from pipeline.core.conditions import Condition
from pipeline.core.topics import TOPICS

WATCHED = (topics.READINGS, topics.DETECTIONS, topics.CONDITIONS, topics.ALERTS, topics.DEADLETTER)
MADE_BY_GATEWAY = ("seq_gap", "clock_skew")
Offsets = dict[tuple[str, int], int]


class Path(msgspec.Struct):
    """Counts of one run. Readings unless the name says otherwise."""

    published: int
    bad_published: int
    messages: int
    messages_acknowledged: int
    in_kafka_from_devices: int
    in_kafka_from_gateway: int
    in_kafka_from_cameras: int
    repeated_in_kafka: int
    rejected: dict[str, int]
    rejected_behind: int
    stored: int
    detections: int
    detections_stored: int
    conditions: int
    conditions_stored: int
    alerts_raised: int
    alert_events: int
    alert_events_stored: int

    @property
    def in_kafka(self) -> int:
        """All readings on the topic."""
        return self.in_kafka_from_devices + self.in_kafka_from_gateway + self.in_kafka_from_cameras

    def faults(self) -> list[str]:
        """What does not add up, a sentence each."""
        rejected = sum(self.rejected.values())
        checks = {
            "messages published and acknowledged": (self.messages, self.messages_acknowledged),
            "readings published, and in Kafka or rejected": (
                self.published,
                self.in_kafka_from_devices - self.repeated_in_kafka + rejected,
            ),
            "bad readings published and rejected": (self.bad_published, rejected),
            "readings in Kafka, and stored or repeated": (self.in_kafka, self.stored + self.repeated_in_kafka),
            "lines rejected behind the gateway": (self.rejected_behind, 0),
            "detections in Kafka and stored": (self.detections, self.detections_stored),
            "conditions in Kafka and stored": (self.conditions, self.conditions_stored),
            "alert events in Kafka and stored": (self.alert_events, self.alert_events_stored),
        }
        return [f"{name}: {left} against {right}" for name, (left, right) in checks.items() if left != right]


async def until_known(brokers: str, connection: psycopg.Connection) -> None:
    """Wait until the gateway has taken over everything that is in the registry: its ticks say how far it is."""
    while connection.execute("select 1 from ioc.outbox limit 1").fetchone():
        await asyncio.sleep(0.1)
    consumer = await start_consumer(brokers, auto_offset_reset="latest")
    try:
        catalogue, ticks = TopicPartition(topics.CATALOGUE, 0), TopicPartition(topics.READINGS, 0)
        wanted = (await consumer.end_offsets([catalogue]))[catalogue]
        consumer.assign([ticks])
        await consumer.seek_to_end(ticks)
        while True:
            for record in (await consumer.getmany(ticks, timeout_ms=500)).get(ticks, ()):
                if int(dict(record.headers)["catalogue"]) >= wanted:
                    return
    finally:
        await consumer.stop()


async def ends(brokers: str) -> Offsets:
    """End offsets of the watched topics."""
    consumer = await start_consumer(brokers)
    try:
        wanted = [TopicPartition(name, n) for name in WATCHED for n in range(TOPICS[name].partitions)]
        return {(p.topic, p.partition): offset for p, offset in (await consumer.end_offsets(wanted)).items()}
    finally:
        await consumer.stop()


class OnTopics(msgspec.Struct):
    """What lies on the topics since some offsets."""

    readings: Counter[str]
    identities: set[tuple[str, str, int, int]]
    lines: int
    rejected: dict[str, str]
    behind: dict[str, str]
    detections: int
    conditions: set[str]
    alert_events: dict[str, str]


async def on_topics(brokers: str, since: Offsets) -> OnTopics:
    """Count what came on the watched topics since `since`; repeats by id are counted once."""
    found = OnTopics(Counter(), set(), 0, {}, {}, 0, set(), {})
    consumer = await start_consumer(brokers)
    try:
        partitions = [TopicPartition(*place) for place in since]
        consumer.assign(partitions)
        for partition in partitions:
            consumer.seek(partition, since[partition.topic, partition.partition])
        async for record in read_to_end(consumer, partitions):
            if record.value:
                _COUNT[record.topic](found, record)
    finally:
        await consumer.stop()
    return found


def _readings(found: OnTopics, record: Any) -> None:
    producer = dict(record.headers)["producer"].decode()
    for _, reading in codec.readings.decode_frame(record.value).lines:
        own = reading.quantity in MADE_BY_GATEWAY
        source = "cameras" if producer.startswith("vision") else "gateway" if own else "devices"
        found.readings[source] += 1
        found.lines += 1
        found.identities.add((reading.device, reading.quantity, reading.at, reading.seq))


def _detections(found: OnTopics, record: Any) -> None:
    found.detections += len(codec.detections.decode_frame(record.value).lines)


def _conditions(found: OnTopics, record: Any) -> None:
    lines = codec.conditions.decode_frame(record.value).lines
    found.conditions |= {line.id for _, line in lines if isinstance(line, Condition)}


def _alerts(found: OnTopics, record: Any) -> None:
    headers = dict(record.headers)
    if headers["ce_type"] != AlertEvent.PROGRESS.encode():
        found.alert_events[headers["ce_id"].decode()] = headers["ce_type"].decode()


def _letters(found: OnTopics, record: Any) -> None:
    headers = dict(record.headers)
    if headers["component"] == b"gateway":
        found.rejected[record.key.decode()] = headers["reason"].decode()
    else:
        found.behind[record.key.decode()] = headers["reason"].decode()


_COUNT = {
    topics.READINGS: _readings,
    topics.DETECTIONS: _detections,
    topics.CONDITIONS: _conditions,
    topics.ALERTS: _alerts,
    topics.DEADLETTER: _letters,
}
_TABLES = {
    topics.READINGS: "readings",
    topics.DETECTIONS: "detections",
    topics.CONDITIONS: "conditions",
    topics.ALERTS: "alert_event",
}


def stored(connection: psycopg.Connection, since: Offsets) -> dict[str, int]:
    """Rows of each topic's table that came from offsets at or above `since`."""
    counts = {}
    for topic, table in _TABLES.items():
        places = [(n, since[topic, n]) for n in range(TOPICS[topic].partitions)]
        row = connection.execute(
            f"select count(*) from ioc.{table} t join unnest(%s::int[], %s::bigint[]) as s (p, o) "  # noqa: S608 - our own names
            "on t.log_partition = s.p and t.log_offset >= s.o",
            [[n for n, _ in places], [offset for _, offset in places]],
        ).fetchone()
        counts[topic] = int(row[0]) if row else 0
    return counts


def sink_reached(connection: psycopg.Connection, upto: Offsets) -> bool:
    """Whether the sink has stored everything below `upto`."""
    rows = connection.execute("select topic, partition, next from ioc.sink_offset").fetchall()
    reached = {(topic, partition): next_ for topic, partition, next_ in rows}
    return all(reached.get(place, 0) >= end for place, end in upto.items() if place[0] in _TABLES)
