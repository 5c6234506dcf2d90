"""`ioc deadletter` on the real broker."""

from __future__ import annotations

import json
import uuid

import pytest

from pipeline.core.broker import start_producer
from pipeline.core.clock import now_ms
from pipeline.core.errors import Reason, Rejected
from pipeline.core.frames import dead_letter
from tests.conftest import StackUnderTest
from tests.integration.gateway_harness import SITE, Parts, command, lines, register
from tests.integration.log_harness import eventually

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]


async def write(stack: StackUnderTest, source: str, raw: bytes, component: str = "gateway", *, times: int = 1) -> str:
    """Write a letter as a component does."""
    producer = await start_producer(stack.kafka_brokers)
    try:
        for _ in range(times):
            rejection = Rejected(Reason.UNKNOWN_DEVICE, "device: not registered")
            await dead_letter(producer, raw, rejection, source=source, component=component)
    finally:
        await producer.stop()
    return source


def new_device() -> str:
    return f"l{uuid.uuid4().hex[:8]}"


async def test_a_list_shows_each_id_once_with_its_reason_and_size(stack: StackUnderTest) -> None:
    device = new_device()
    source = await write(stack, f"ioc/{SITE}/{device}/up#1/0", b"{}", times=3)
    code, out, _ = await command(stack, "deadletter", "list", "--json", "--reason", "unknown_device")
    rows = [row for row in json.loads(out) if row["id"] == source]
    assert code == 0
    assert [(row["reason"], row["component"], row["bytes"], row["times"]) for row in rows] == [
        ("unknown_device", "gateway", 2, 3)
    ]
    assert rows[0]["detail"] == "device: not registered"


async def test_show_prints_the_raw_bytes(stack: StackUnderTest) -> None:
    source = await write(stack, f"ioc/{SITE}/{new_device()}/up#1/0", b'{"a":"\xff"}')
    code, out, _ = await command(stack, "deadletter", "show", source)
    assert code == 0
    assert out.splitlines()[-1] == '{"a":"\\xff"}'


async def test_a_letter_of_a_device_registered_meanwhile_is_sent_and_a_second_retry_is_the_same_reading(
    stack: StackUnderTest,
) -> None:
    device = new_device()
    payload = b'[{"quantity":"water_level","value":250,"unit":"cm","seq":4,"at":%d}]' % now_ms()
    source = await write(stack, f"ioc/{SITE}/{device}/up#1/0", payload)
    refused, _, why = await command(stack, "deadletter", "retry", source)
    assert (refused, "is still refused, unknown_device" in why) == (1, True)
    register(stack, [device])
    parts = Parts(stack)
    parts.start("relay")
    try:

        async def sent() -> bool:
            return (await command(stack, "deadletter", "retry", source))[0] == 0

        await eventually(sent, 30)
    finally:
        parts.stop()
    code, out, _ = await command(stack, "deadletter", "retry", source)
    assert (code, out) == (0, f"sent 1 reading of {device}\n")
    found = await lines(stack.kafka_brokers, device)
    assert len(found) == 2
    assert found[0] == found[1]
    assert (found[0]["value"], found[0]["seq"], found[0]["site"]) == (2.5, 4, SITE)


async def test_a_letter_without_a_time_keeps_that_of_its_arrival_however_often_it_is_retried(
    stack: StackUnderTest,
) -> None:
    device = new_device()
    register(stack, [device])
    source = await write(stack, f"ioc/{SITE}/{device}/up#1/0", b'{"quantity":"water_level","value":1}')
    parts = Parts(stack)
    parts.start("relay")
    try:

        async def sent() -> bool:
            return (await command(stack, "deadletter", "retry", source))[0] == 0

        await eventually(sent, 30)
    finally:
        parts.stop()
    assert (await command(stack, "deadletter", "retry", source))[0] == 0
    found = await lines(stack.kafka_brokers, device)
    assert found[0] == found[1]


async def test_what_cannot_be_retried_says_why(stack: StackUnderTest) -> None:
    source = await write(stack, f"ioc.readings.v1/3/{uuid.uuid4().int % 10**9}/0", b"{", "sink")
    code, _, error = await command(stack, "deadletter", "retry", source)
    assert (code, "comes from sink and cannot be retried" in error) == (1, True)
    code, _, error = await command(stack, "deadletter", "retry", "nowhere#0/0")
    assert (code, "there is no dead letter" in error) == (1, True)
    code, _, error = await command(stack, "deadletter", "list", "--reason", "bad_mood")
    assert (code, "expected one of broken_json" in error) == (1, True)
