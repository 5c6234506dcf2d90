"""The MQTT session on the real broker: what is acknowledged, and what never is."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import paho.mqtt.client as mqtt
import pytest

from devices.mqtt_session import RECEIVE_MAXIMUM, Account, Message, MqttSession
from pipeline.core.errors import CredentialsWrong
from tests.conftest import StackUnderTest
from tests.integration.gateway_harness import Publisher, publishers, register
from tests.integration.old_broker import old_broker
from tests.misbehaving_proxy import MisbehavingProxy

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]


def account(stack: StackUnderTest, name: str, port: int = 0) -> Account:
    found = stack.endpoints
    return Account(found.mqtt_host, port or found.mqtt_port, found.mqtt_gateway_user, found.mqtt_gateway_password, name)


@asynccontextmanager
async def session(who: Account, topic: str) -> AsyncIterator[MqttSession]:
    found = MqttSession(who, [topic])
    try:
        await found.connect()
        yield found
    finally:
        await found.close()


async def take(found: MqttSession, count: int, within_s: float = 15) -> list[Message]:
    taken: list[Message] = []
    async with asyncio.timeout(within_s):
        while len(taken) < count:
            taken += await found.take()
    return taken


async def nothing_more(found: MqttSession) -> bool:
    try:
        await take(found, 1, within_s=1.5)
    except TimeoutError:
        return True
    return False


def publish(device: Publisher, count: int, branch: str = "up") -> set[bytes]:
    payloads = {b"%d" % n for n in range(count)}
    for payload in payloads:
        device.publish(payload, branch).wait_for_publish(5)
    return payloads


@asynccontextmanager
async def a_device(stack: StackUnderTest) -> AsyncIterator[tuple[Publisher, str, str]]:
    """A device, its topics, and a name for a session."""
    name = f"m{uuid.uuid4().hex[:8]}"
    (credential,) = register(stack, [name])
    with publishers(stack, [credential]) as [device]:
        yield device, f"{credential.topic}/#", f"session-{name}"


async def test_settling_what_came_before_a_reconnect_acknowledges_nothing(stack: StackUnderTest) -> None:
    async with a_device(stack) as (device, topic, name):
        with MisbehavingProxy(stack.endpoints.mqtt_port) as proxy:
            async with session(account(stack, name, proxy.port), topic) as found:
                payloads = publish(device, 50)
                old = await take(found, 50)
                proxy.drop()
                again = await take(found, 50)
                for message in old:
                    message.settle()
                assert {message.payload for message in again} == payloads
        async with session(account(stack, name), topic) as found:
            third = await take(found, 50)
            assert {message.payload for message in third} == payloads
            for message in third[:20]:
                message.settle()
        async with session(account(stack, name), topic) as found:
            rest = await take(found, 30)
            assert {m.payload for m in rest} == {m.payload for m in third[20:]}
            for message in rest:
                message.settle()
        async with session(account(stack, name), topic) as found:
            assert await nothing_more(found)


async def test_settling_while_the_line_breaks_again_and_again_loses_nothing(stack: StackUnderTest) -> None:
    async with a_device(stack) as (device, topic, name):
        with MisbehavingProxy(stack.endpoints.mqtt_port) as proxy:
            async with session(account(stack, name, proxy.port), topic) as found:
                payloads, seen = set(), set()
                for round_ in range(3):
                    new = {b"%d-%d" % (round_, n) for n in range(100)}
                    for payload in new:
                        device.publish(payload)
                    payloads |= new
                    for number, message in enumerate(await take(found, 60)):
                        message.settle()
                        seen.add(message.payload)
                        if number == 30:
                            proxy.drop()
                async with asyncio.timeout(20):
                    while seen != payloads:
                        for message in await found.take():
                            seen.add(message.payload)
                            message.settle()


async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(stack: StackUnderTest) -> None:
    async with a_device(stack) as (device, topic, name), old_broker(stack.endpoints.mqtt_port) as broker:
        async with session(account(stack, name, broker.port), topic) as found:
            payloads = await asyncio.to_thread(publish, device, 10)
            taken = await take(found, 10)
            assert {message.payload for message in taken} == payloads
            for message in taken[:4]:
                message.settle()
        async with session(account(stack, name, broker.port), topic) as found:
            assert {m.payload for m in await take(found, 6)} == {m.payload for m in taken[4:]}
        assert broker.levels == [5, 4, 5, 4]


async def test_qos_0_is_shed_beyond_the_limit_and_counted(stack: StackUnderTest) -> None:
    async with a_device(stack) as (device, topic, name), session(account(stack, name), topic) as found:
        count = RECEIVE_MAXIMUM + 500
        for _ in range(count):
            device._client.publish(f"{device.credential.topic}/up", b"x", qos=0)
        taken, shed = await take(found, RECEIVE_MAXIMUM), 0
        async with asyncio.timeout(10):
            while (shed := shed + found.shed()) < 500:
                await asyncio.sleep(0.05)
        assert (len(taken), shed) == (RECEIVE_MAXIMUM, 500)
        for message in taken:
            message.settle()
        device.publish(b"y")
        assert [message.payload for message in await take(found, 1)] == [b"y"]


async def test_what_was_retained_before_we_subscribed_is_not_taken_for_news(stack: StackUnderTest) -> None:
    async with a_device(stack) as (device, topic, name), old_broker(stack.endpoints.mqtt_port) as broker:
        device._client.publish(f"{device.credential.topic}/up", b"old", qos=1, retain=True).wait_for_publish(5)
        async with session(account(stack, name), topic) as found:
            assert await nothing_more(found)
        async with session(account(stack, f"{name}-old", broker.port), topic) as found:
            assert [message.retained for message in await take(found, 1)] == [True]


async def test_a_subscription_that_is_refused_is_told_and_not_waited_for(stack: StackUnderTest) -> None:
    (credential,) = register(stack, [f"m{uuid.uuid4().hex[:8]}"])
    who = account(stack, "nobody")._replace(user=credential.username, password=credential.secret)
    found = MqttSession(who, ["ioc/#"], version=mqtt.MQTTv5)
    with pytest.raises(CredentialsWrong, match="may not subscribe to ioc/#"):
        await found.connect()
    await found.close()
