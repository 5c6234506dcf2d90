"""Groups, calendars and dated numbers on the real database; recorded events from the real store and topic."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from devices.registry import Registry
from pipeline.core import topics
from pipeline.core.broker import start_producer
from pipeline.core.catalogue import Area, Calendar, CalendarDay, DatedValue, Device, DeviceType, Group, Kind, Site
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line
from pipeline.core.conditions import Operand
from pipeline.core.errors import BadInput
from pipeline.core.events import Quality, Reading
from pipeline.history import from_store, from_topic, read_again, series
from pipeline.migrations import connect
from tests.conftest import StackUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]
T0 = 1_795_222_800_000


@pytest.fixture
def connection(stack: StackUnderTest) -> Iterator[psycopg.Connection]:
    """A transaction that is rolled back."""
    found = connect(stack.postgres_dsn)
    yield found
    found.rollback()
    found.close()


def test_groups_calendars_and_dated_numbers_are_kept_and_wrong_ones_refused(connection: psycopg.Connection) -> None:
    registry = Registry(connection, by="test")
    registry.put(Site(id="s-h"))
    registry.put(DeviceType(id="t-h"))
    first = DatedValue(4.2, None, T0, "QĐ 1")
    device = registry.put(Device(id="d-h", type="t-h", site="s-h", dated={"x": (first, DatedValue(5.0, T0))}))
    assert registry.find(Kind.DEVICE, "d-h") == device
    registry.put(Group(id="g-h", devices=("d-h",), sites=("s-h",)))
    registry.put(Calendar(id="c-h", days=(CalendarDay("2027-02-11"),)))
    assert registry.list(Kind.CALENDAR)[-1].days == (CalendarDay("2027-02-11"),)
    wrong = [
        ("group.devices", Group(id="g-h", devices=("nobody",))),
        ("calendar.country", Calendar(id="c-h", country="XX")),
        ("calendar.days.date", Calendar(id="c-h", days=(CalendarDay("2027-02-30"),))),
        ("area.valid_to", Area(id="a-h", valid_from=T0, valid_to=T0)),
        ("device.dated.x", Device(id="d-h", type="t-h", site="s-h", dated={"x": (first, DatedValue(5.0, T0 - 1))})),
    ]
    for field, document in wrong:
        with pytest.raises(BadInput) as refused:
            registry.put(document)
        assert refused.value.field == field


def test_readings_come_back_from_the_store_with_their_place(connection: psycopg.Connection) -> None:
    name = f"d{uuid.uuid4().hex[:8]}"
    row = connection.execute(
        "insert into ioc.series (device, quantity, unit) values (%s, 'rain_rate', 'mm/h') returning id", [name]
    ).fetchone()
    assert row is not None
    moment = datetime.fromtimestamp(T0 / 1000, UTC)
    connection.execute("select ioc.ensure_partition('readings', %s)", [moment])
    connection.execute(
        "insert into ioc.readings (series, at, seq, value, quality, extra, log, log_partition, log_offset, line) "
        "values (%s, %s, 7, 12.5, 1, %s, %s, 3, 42, 5)",
        [row[0], moment, '{"historical": true}', datetime.fromtimestamp(T0 / 1000 + 2, UTC)],
    )
    found = [one for one in from_store(connection, T0, T0 + 10_000) if one.event.device == name]  # type: ignore[attr-defined]
    assert [(one.log, one.partition, one.offset, one.line) for one in found] == [(T0 + 2000, 3, 42, 5)]
    expected = Reading(
        device=name,
        quantity="rain_rate",
        unit="mm/h",
        at=T0,
        seq=7,
        value=12.5,
        quality=Quality.UNCERTAIN,
        historical=True,
    )
    assert found[0].event == expected
    assert series(connection, name, "rain_rate", T0, T0 + 1) == [expected]
    assert series(connection, name, "rain_rate", T0 + 1, T0 + 2) == []


async def test_a_line_of_the_log_is_found_again_by_its_place(stack: StackUnderTest) -> None:
    name, at = f"d{uuid.uuid4().hex[:8]}", now_ms()
    lines = [Reading(device=name, quantity="rain_rate", at=at, value=float(value)) for value in (1, 2)]
    producer = await start_producer(stack.kafka_brokers)
    try:
        sent = await producer.send_and_wait(topics.READINGS, b"\n".join(map(encode_line, lines)), partition=4)
    finally:
        await producer.stop()
    place = Operand(device=name, at=at, topic=topics.READINGS, partition=4, offset=sent.offset, line=1)
    assert await read_again(stack.kafka_brokers, place) == lines[1]
    mine = [one for one in await from_topic(stack.kafka_brokers, topics.READINGS) if one.event in lines]
    assert [(one.partition, one.offset, one.line) for one in mine] == [(4, sent.offset, 0), (4, sent.offset, 1)]
