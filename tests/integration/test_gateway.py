"""The gateway on the real stack: nothing acknowledged is lost, nothing stands twice, whatever is killed."""

from __future__ import annotations

import asyncio
import random
import signal
import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from devices.credentials import Credential
from devices.numbering import GRACE_MS
from pipeline.core.clock import now_ms
from tests.conftest import StackUnderTest
from tests.integration.gateway_harness import (
    SITE,
    Parts,
    Publisher,
    command,
    letters,
    lines,
    publishers,
    register,
    stored,
)
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]
DEVICES, RATE = 8, 90.0
"""720 messages a second."""
FLOOD_RATE = 800.0
PROMISED = 100
"""A crash of mosquitto loses at most so many acknowledged messages."""


@pytest.fixture(scope="module")
def parts(stack: StackUnderTest) -> Iterator[Parts]:
    """Relay, sink and gateway, started once for this module."""
    found = Parts(stack)
    try:
        for name in ("relay", "sink", "gateway"):
            found.start(name)
        yield found
    finally:
        found.stop()


@pytest.fixture
def admin(stack: StackUnderTest) -> Iterator[mqtt.Client]:
    """Somebody who may publish everywhere."""
    found = stack.endpoints
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(found.mqtt_admin_user, found.mqtt_admin_password)
    client.connect(found.mqtt_host, found.mqtt_port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def names(count: int) -> list[str]:
    prefix = f"g{uuid.uuid4().hex[:8]}"
    return [f"{prefix}-{n}" for n in range(count)]


async def known(stack: StackUnderTest, credentials: list[Credential]) -> None:
    """Wait until the gateway has heard of the devices: their first message arrives in Kafka."""
    with publishers(stack, credentials[-1:]) as [probe]:

        async def heard() -> bool:
            probe.publish(b'{"quantity":"battery_voltage","value":12}')
            return bool(await lines(stack.kafka_brokers, probe.credential.username))

        await eventually(heard, 20)


async def all_stored(stack: StackUnderTest, found: list[Publisher], allow_lost: int = 0) -> None:
    """Wait until the store holds what was acknowledged, less at most `allow_lost`."""
    ids = [publisher.credential.username for publisher in found]
    wanted = sum(len(publisher.acknowledged()) for publisher in found)

    async def there() -> bool:
        return sum(map(len, stored(stack, ids, "water_level").values())) >= wanted - allow_lost

    await eventually(there, 40)


async def all_acknowledged(found: list[Publisher]) -> None:
    async def done() -> bool:
        return all(publisher.finished() for publisher in found)

    await eventually(done, 30)


async def test_kill_9_of_the_gateway_and_of_kafka_loses_nothing_and_stores_nothing_twice(
    stack: StackUnderTest, parts: Parts
) -> None:
    credentials = register(stack, names(DEVICES))
    await known(stack, credentials)
    with publishers(stack, credentials) as found:
        for publisher in found:
            publisher.number_steadily(RATE)
        for _ in range(3):
            await asyncio.sleep(random.uniform(0.7, 2.0))  # a random moment, not a wait for something
            parts.kill("gateway")
        await asyncio.sleep(random.uniform(0.7, 2.0))
        await asyncio.to_thread(stack.local.kill, "kafka")
        await asyncio.to_thread(stack.local.start, "kafka")
        for publisher in found:
            publisher.stop_numbering()
        await all_acknowledged(found)
        await all_stored(stack, found)
        for publisher in found:
            rows = stored(stack, [publisher.credential.username], "water_level")[publisher.credential.username]
            assert rows == [(seq, float(seq % 500)) for seq, _ in publisher.sent]
        assert sum(map(len, stored(stack, [c.username for c in credentials], "seq_gap").values())) == 0


async def test_kill_9_of_mosquitto_loses_at_most_the_last_hundred_and_says_which(
    stack: StackUnderTest, parts: Parts
) -> None:
    credentials = register(stack, names(DEVICES))
    ids = [credential.username for credential in credentials]
    await known(stack, credentials)
    with publishers(stack, credentials) as found:
        for publisher in found:
            publisher.number_steadily(RATE)
        await asyncio.sleep(random.uniform(1.0, 2.0))
        await asyncio.to_thread(stack.local.kill, "mosquitto")  # the gateway has nearly everything already
        await asyncio.to_thread(stack.local.start, "mosquitto")
        await asyncio.sleep(random.uniform(2.0, 3.0))
        await asyncio.to_thread(parts.children["gateway"].stop)  # as when the whole machine goes down
        await asyncio.sleep(random.uniform(0.3, 1.0))
        await asyncio.to_thread(stack.local.kill, "mosquitto")
        await asyncio.to_thread(stack.local.start, "mosquitto")
        await asyncio.to_thread(parts.start, "gateway")
        await asyncio.sleep(1.0)
        for publisher in found:
            publisher.stop_numbering()
        await all_acknowledged(found)
        for publisher in found:
            publisher.number(1)  # the message that shows a gap at the very end
        await all_acknowledged(found)
        await all_stored(stack, found, allow_lost=2 * PROMISED)
        lost: set[tuple[str, int]] = set()
        named: set[tuple[str, int]] = set()

        async def all_named() -> bool:
            nonlocal lost, named
            rows, gaps = stored(stack, ids, "water_level"), stored(stack, ids, "seq_gap")
            lost = {(p.credential.username, seq) for p in found for seq in p.acknowledged() - _numbers(rows, p)}
            named = {(id_, seq) for id_ in ids for end, value in gaps[id_] for seq in range(end - int(value), end)}
            return lost == named

        await asyncio.sleep(GRACE_MS / 1000)  # nobody is called missing before
        await eventually(all_named, 15)
        print(f"{len(lost)} lost of {sum(len(p.sent) for p in found)}")
        assert len(lost) <= 2 * PROMISED


def _numbers(rows: dict[str, list[tuple[int, float]]], publisher: Publisher) -> set[int]:
    return {seq for seq, _ in rows[publisher.credential.username]}


async def test_a_line_that_breaks_while_kafka_is_frozen_loses_nothing_and_the_books_balance(
    stack: StackUnderTest, parts: Parts
) -> None:
    credentials = register(stack, names(1))
    await known(stack, credentials)
    await asyncio.to_thread(parts.children["gateway"].stop)
    with MisbehavingProxy(stack.endpoints.mqtt_port) as proxy, publishers(stack, credentials) as found:
        await asyncio.to_thread(parts.start, "gateway", mqtt__port=str(proxy.port))
        try:
            await eventually(connected(proxy, 1), 20)
            stack.local.send_signal("kafka", signal.SIGSTOP)
            for round_ in range(1, 3):
                found[0].number(300)
                await all_acknowledged(found)
                await eventually(holds(parts, 300), 20)
                proxy.drop()
                await eventually(connected(proxy, round_ + 1), 20)
            await eventually(balanced(parts), 10)
            assert parts.counts()["in_flight"] >= 600
        finally:
            stack.local.send_signal("kafka", signal.SIGCONT)
        await all_stored(stack, found)
        await eventually(balanced(parts, at_rest=True), 20)
        rows = stored(stack, [credentials[0].username], "water_level")[credentials[0].username]
        assert [seq for seq, _ in rows] == list(range(1, 601))
        await asyncio.to_thread(parts.children["gateway"].stop)
    await asyncio.to_thread(parts.start, "gateway")


def connected(proxy: MisbehavingProxy, times: int):  # type: ignore[no-untyped-def]
    async def check() -> bool:
        return proxy.accepted >= times

    return check


def holds(parts: Parts, count: int):  # type: ignore[no-untyped-def]
    async def check() -> bool:
        return parts.counts().get("in_flight", 0) >= count

    return check


def balanced(parts: Parts, *, at_rest: bool = False):  # type: ignore[no-untyped-def]
    """`received = sent + rejected + dropped + in flight`, read while nothing moves."""

    async def check() -> bool:
        before = parts.counts()
        await asyncio.sleep(0.3)
        found = parts.counts()
        settled = sum(found.get(name, 0) for name in ("sent", "rejected", "dropped", "in_flight"))
        return before == found and found["received"] == settled and not (at_rest and found["in_flight"])

    return check


async def test_every_kind_of_bad_input_is_dead_lettered_for_its_own_reason(
    stack: StackUnderTest, parts: Parts, admin: mqtt.Client
) -> None:
    credentials = register(stack, names(2))
    await known(stack, credentials)
    good, other = credentials[0].topic, credentials[1].username
    ahead = now_ms() + 3_600_000
    bad = {
        f"ioc/{SITE}/nobody-{other}/up": (b'{"quantity":"ph","value":7}', "unknown_device"),
        f"ioc/elsewhere/{other}/up": (b'{"quantity":"ph","value":7}', "wrong_topic"),
        f"ioc/{other}": (b'{"quantity":"ph","value":7}', "wrong_topic"),
        f"{good}/broken": (b'{"quantity":"ph","value":', "broken_json"),
        f"{good}/nan": (b'{"quantity":"ph","value":NaN}', "not_finite"),
        f"{good}/large": (b"x" * 1_000_000, "too_large"),
        f"{good}/unit": (b'{"quantity":"ph","value":7,"unit":"km"}', "wrong_unit"),
        f"{good}/ahead": (b'{"quantity":"ph","value":7,"at":%d}' % ahead, "clock_ahead"),
        f"{good}/unknown": (b'{"quantity":"phlogiston","value":7}', "unknown_quantity"),
        f"{good}/type": (b'{"quantity":"ph","value":"7"}', "wrong_type"),
    }
    for topic, (payload, _) in bad.items():
        admin.publish(topic, payload, qos=1)
    found: dict[str, tuple[str, bytes]] = {}

    async def written() -> bool:
        for source, letter in (await letters(stack.kafka_brokers, "ioc/")).items():
            topic, _, _ = source.rpartition("#")
            if topic in bad:
                found[topic] = letter
        return len(found) == len(bad)

    await eventually(written, 20)
    assert {topic: reason for topic, (reason, _) in found.items()} == {t: reason for t, (_, reason) in bad.items()}
    assert {topic: raw for topic, (_, raw) in found.items()} == {topic: raw for topic, (raw, _) in bad.items()}


async def test_a_forged_publish_never_reaches_kafka(stack: StackUnderTest, parts: Parts) -> None:
    forger, victim = register(stack, names(2))
    await known(stack, [forger, victim])
    before = len(await lines(stack.kafka_brokers, victim.username))
    with publishers(stack, [forger._replace(topic=victim.topic), forger]) as [forged, honest]:
        forged.publish(b'{"quantity":"water_level","value":9,"seq":666}')
        honest.publish(b'{"quantity":"water_level","value":1,"seq":1}')

        async def came() -> bool:
            return bool(await lines(stack.kafka_brokers, forger.username))

        await eventually(came, 20)
    assert len(await lines(stack.kafka_brokers, victim.username)) == before


async def test_a_device_that_floods_garbage_leaves_the_others_their_rate(stack: StackUnderTest, parts: Parts) -> None:
    *credentials, noisy = register(stack, names(5))
    await known(stack, [*credentials, noisy])
    with publishers(stack, [*credentials, noisy]) as [*found, flood]:
        for publisher in found:
            publisher.number_steadily(100)
        alone = await kept_up(parts, found)
        stop = asyncio.Event()
        flooding = asyncio.create_task(asyncio.to_thread(_flood, flood, stop))
        beside = await kept_up(parts, found)
        stop.set()
        garbage = await flooding
        for publisher in found:
            publisher.stop_numbering()
        await all_acknowledged(found)
        await all_stored(stack, found)
    share = garbage / (garbage + beside.per_s)
    print(f"alone {alone}, beside {beside}, garbage {garbage:.0f}/s ({share:.0%} of the traffic)")
    assert share >= 0.3
    assert beside.share >= 0.9 * alone.share


class KeptUp(NamedTuple):
    """Good readings that Kafka acknowledged, a second, and their share of what mosquitto acknowledged meanwhile.

    The share, because the garbage also takes processor time from the devices of this test.
    """

    per_s: float
    share: float


async def kept_up(parts: Parts, found: list[Publisher], over_s: float = 3.0) -> KeptUp:
    begun, before, offered = time.monotonic(), parts.counts()["sent"], _acknowledged(found)
    await asyncio.sleep(over_s)
    sent = parts.counts()["sent"] - before
    return KeptUp(sent / (time.monotonic() - begun), sent / (_acknowledged(found) - offered))


def _acknowledged(found: list[Publisher]) -> int:
    return sum(len(publisher.acknowledged()) for publisher in found)


def _flood(publisher: Publisher, stop: asyncio.Event) -> float:
    """Broken JSON, at twice the rate of all the others together; returns messages a second."""
    begun, count = time.monotonic(), 0
    while not stop.is_set():
        publisher.publish(b'{"quantity":"water_level","value":%d' % count).wait_for_publish(5)
        count += 1
        time.sleep(max(0.0, begun + count / FLOOD_RATE - time.monotonic()))
    return count / (time.monotonic() - begun)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mqtt__port": "1"}, "ioc: mosquitto does not answer at 127.0.0.1:1; "),
        ({"kafka__brokers": "127.0.0.1:1"}, "ioc: Kafka does not answer at 127.0.0.1:1; "),
        ({"mqtt__gateway_password": "wrong"}, "refused our credentials; check mqtt.gateway_user"),
    ],
    ids=["no mosquitto", "no Kafka", "wrong password"],
)
async def test_what_is_missing_at_the_start_is_one_sentence_and_exit_3(
    stack: StackUnderTest, settings: dict[str, str], sentence: str
) -> None:
    code, out, error = await command(stack, "run", "gateway", gateway__id="gateway-9", **settings)
    said = [line for line in error.splitlines() if not line.startswith(("{", "\x1b"))]
    assert (code, out, len(said)) == (3, "", 1), error
    assert sentence in said[0]
    assert "Traceback" not in error
