"""Recorded events, for backtests and explanations: from the store, or from a topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from aiokafka import TopicPartition

from pipeline.core import codec, topics
from pipeline.core.broker import read_to_end, start_consumer
from pipeline.core.codec import LineCodec
from pipeline.core.conditions import Operand
from pipeline.core.errors import BadInput
from pipeline.core.events import Case, Detection, Event, Quality, Reading
from pipeline.core.topics import TOPICS
from rules.backtest import Input
from rules.engine.watch import as_reading
from rules.formulas import derived_quantities
from sinks.tables import QUALITY_CODE

READ_MS = 5000
_CODECS: dict[str, LineCodec[Any]] = {
    topics.READINGS: codec.readings,
    topics.DETECTIONS: codec.detections,
    topics.CASES: codec.cases,
}
_BODIES: dict[str, tuple[str, type[Event]]] = {
    topics.DETECTIONS: ("detections", Detection),
    topics.CASES: ("cases", Case),
}
"""Tables that keep whole events."""
_SOURCES = {"detections": "camera", "cases": "case_id"}
_QUALITIES = {code: Quality(name) for name, code in QUALITY_CODE.items()}
_PLACE = "(extract(epoch from log) * 1000)::bigint, log_partition, log_offset, line"
_READINGS = f"""
    select s.device, s.quantity, s.unit, (extract(epoch from r.at) * 1000)::bigint, r.seq, r.value, r.text, r.quality,
           coalesce((r.extra->>'historical')::boolean, false), {_PLACE}
    from ioc.readings r join ioc.series s on s.id = r.series
"""  # noqa: S608 - only constants are put in


async def from_topic(brokers: str, topic: str) -> list[Input]:
    """Everything that stands in a topic of events now, in order of log time. Raises ServiceMissing, BadInput."""
    if topic not in _CODECS:
        raise BadInput.one_of("--topic", topic, _CODECS)
    partitions = [TopicPartition(topic, number) for number in range(TOPICS[topic].partitions)]
    consumer = await start_consumer(brokers)
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        found = [line async for record in read_to_end(consumer, partitions) for line in _lines(topic, record)]
    finally:
        await consumer.stop()
    return in_order(found)


def _lines(topic: str, record: Any) -> Iterator[Input]:
    for line, event in _CODECS[topic].decode_frame(record.value or b"").lines:
        yield Input(event=event, log=record.timestamp, partition=record.partition, offset=record.offset, line=line)


def from_store(
    connection: psycopg.Connection, since: int, until: int, sources: Sequence[str] | None = None
) -> list[Input]:
    """Everything that the broker took from `since` until before `until` (ms) and the store still has.

    `sources`: of these devices, cameras and cases only.
    """
    given: list[Any] = [datetime.fromtimestamp(at / 1000, UTC) for at in (since, until)]
    given += [] if sources is None else [list(sources)]
    readings = connection.execute(f"{_READINGS} where {_span('r.log', 's.device', sources)}", given)
    found = [_input(_reading(row), row[-4:]) for row in readings]
    for table, type_ in _BODIES.values():
        source = _SOURCES[table]
        query = f"select body::text, {_PLACE} from ioc.{table} where {_span('log', source, sources)}"  # noqa: S608
        found += [_input(msgspec.json.decode(row[0], type=type_), row[-4:]) for row in connection.execute(query, given)]
    return in_order(found)


def _span(log: str, source: str, sources: Sequence[str] | None) -> str:
    return f"{log} >= %s and {log} < %s" + ("" if sources is None else f" and {source} = any(%s)")


def series(
    connection: psycopg.Connection, device: str, quantity: str, since: int, until: int, *, derived: bool = False
) -> list[Reading]:
    """The readings of a series from `since` until before `until` (ms, event time)."""
    times = [datetime.fromtimestamp(at / 1000, UTC) for at in (since, until)]
    select = _READINGS.replace("ioc.readings", "ioc.derived") if derived else _READINGS
    query = f"{select} where s.device = %s and s.quantity = %s and r.at >= %s and r.at < %s"
    return [_reading(row) for row in connection.execute(query, [device, quantity, *times])]


async def read_again(brokers: str, operand: Operand) -> Reading | None:
    """The event at the place that an operand names, as rules read it; None when the log no longer holds it."""
    if operand.topic not in _CODECS:
        return None
    partition = TopicPartition(operand.topic, operand.partition)
    consumer = await start_consumer(brokers)
    try:
        consumer.assign([partition])
        if (await consumer.beginning_offsets([partition]))[partition] > operand.offset:
            return None
        consumer.seek(partition, operand.offset)
        batches = await consumer.getmany(partition, timeout_ms=READ_MS, max_records=1)
    finally:
        await consumer.stop()
    records = [record for record in batches.get(partition, ()) if record.offset == operand.offset]
    events = dict(_CODECS[operand.topic].decode_frame(records[0].value or b"").lines) if records else {}
    return _as_read(events.get(operand.line))


def stored_again(connection: psycopg.Connection, operand: Operand) -> Reading | None:
    """The event of an operand, from the store: a derived reading by its time, all others by their place in the log."""
    if operand.topic not in _BODIES:
        derived = operand.quantity in derived_quantities()
        found = series(connection, operand.device, operand.quantity, operand.at, operand.at + 1, derived=derived)
        return next((one for one in found if one.seq == operand.seq), None)
    table, type_ = _BODIES[operand.topic]
    query = f"""
        select body::text from ioc.{table}
        where at = %s and log_partition = %s and log_offset = %s and line = %s
    """  # noqa: S608
    at = datetime.fromtimestamp(operand.at / 1000, UTC)
    row = connection.execute(query, [at, operand.partition, operand.offset, operand.line]).fetchone()
    return None if row is None else _as_read(msgspec.json.decode(row[0], type=type_))


def _as_read(event: Event | None) -> Reading | None:
    return None if event is None else event if isinstance(event, Reading) else as_reading(event)


def in_order(found: Iterable[Input]) -> list[Input]:
    """By log time, then by place."""
    return sorted(found, key=lambda one: (one.log, one.topic, one.partition, one.offset or 0, one.line))


def _reading(row: Any) -> Reading:
    return Reading(
        device=row[0],
        quantity=row[1],
        unit=row[2],
        at=row[3],
        seq=row[4],
        value=row[5],
        text=row[6],
        quality=_QUALITIES[row[7]],
        historical=row[8],
    )


def _input(event: Event, place: Any) -> Input:
    log, partition, offset, line = place
    return Input(event=event, log=log, partition=partition, offset=offset, line=line)
