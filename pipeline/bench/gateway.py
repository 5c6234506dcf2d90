"""How many messages a second the gateway holds, beside a bare subscriber on the same queue in the same run.

The same messages are queued at mosquitto for both; then each takes them, one after the other. The bare one is
paho with manual acknowledgement and nothing else: no reader in Python can be faster with this library. On a busy
machine the processor time a message (`_cpu_us`) is the steadier figure.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from prometheus_client import REGISTRY

from devices.gateway import TOPICS
from devices.mqtt_session import RECEIVE_MAXIMUM, SESSION_EXPIRY_S, MqttSession
from pipeline.config import Settings
from pipeline.core.broker import apply_topics, start_producer
from pipeline.core.catalogue import Device, DeviceType, Kind
from pipeline.core.clock import now_ms
from pipeline.core.errors import IocError
from pipeline.core.topics import CATALOGUE
from pipeline.ingest import account, run_gateway
from pipeline.local.endpoints import Endpoints
from pipeline.local.stack import LocalStack

DEVICES = 40
_WARM = 0.1
_LIMIT_S = 120.0
_BARE = "bench-bare"


class Taken(NamedTuple):
    """How fast messages were taken, and the processor time of this process for each."""

    per_s: float
    cpu_us: float


class _Mark(NamedTuple):
    """A moment, by the clock and by the processor time used."""

    at: float
    cpu: float

    @classmethod
    def now(cls) -> _Mark:
        return cls(time.monotonic(), time.process_time())

    def since(self, begun: _Mark, messages: int) -> Taken:
        return Taken(messages / (self.at - begun.at), (self.cpu - begun.cpu) / messages * 1e6)


def measure(messages: int) -> dict[str, Any]:
    """Messages a second of the bare subscriber and of the gateway, and their ratio. Raises ServiceMissing."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)  # mosquitto runs as a user of its own
        with LocalStack(folder / "stack", ("kafka", "mosquitto"), fast=True).running() as endpoints:
            return asyncio.run(_measure(endpoints, messages))


async def _measure(endpoints: Endpoints, messages: int) -> dict[str, Any]:
    settings = Settings.model_validate(endpoints.settings())
    await apply_topics(endpoints.kafka_brokers)
    await _register(endpoints.kafka_brokers)
    await _open_sessions(settings, endpoints)
    filled = await asyncio.to_thread(_fill, endpoints, messages)
    bare = await asyncio.to_thread(_bare, endpoints, messages)
    gateway = await _gateway(settings, messages)
    return {
        "messages": messages,
        "filled_per_s": filled,
        "bare_per_s": bare.per_s,
        "bare_cpu_us": bare.cpu_us,
        "gateway_per_s": gateway.per_s,
        "gateway_cpu_us": gateway.cpu_us,
        "ratio": gateway.per_s / bare.per_s,
    }


async def _open_sessions(settings: Settings, endpoints: Endpoints) -> None:
    """Mosquitto queues for who has subscribed once."""
    bare = account(settings)._replace(client_id=_BARE)
    for who in (account(settings), bare):
        session = MqttSession(who, TOPICS)
        await session.connect()
        await session.close()


async def _register(brokers: str) -> None:
    """Straight onto the catalogue topic: this stack has no database."""
    documents = [DeviceType(id="bench"), *(Device(id=f"bench-{n}", type="bench", site="s") for n in range(DEVICES))]
    producer = await start_producer(brokers)
    try:
        for document in documents:
            kind = Kind.TYPE if isinstance(document, DeviceType) else Kind.DEVICE
            key = f"{kind}/{document.id}".encode()
            await producer.send_and_wait(CATALOGUE, msgspec.json.encode(document), key=key)
    finally:
        await producer.stop()


def _client(endpoints: Endpoints, name: str, user: str, password: str) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    client.username_pw_set(user, password)
    return client


def _connect(client: mqtt.Client, endpoints: Endpoints) -> None:
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    client.connect(endpoints.mqtt_host, endpoints.mqtt_port, clean_start=False, properties=properties)
    client.loop_start()


def _fill(endpoints: Endpoints, messages: int) -> float:
    """Queue messages; returns how many a second mosquitto acknowledged."""
    client = _client(endpoints, "bench-devices", endpoints.mqtt_admin_user, endpoints.mqtt_admin_password)
    client.max_inflight_messages_set(1000)
    acknowledged = threading.Semaphore(0)
    client.on_publish = lambda *_: acknowledged.release()
    _connect(client, endpoints)
    begun = time.monotonic()
    for number in range(messages):
        seq = number // DEVICES + 1
        payload = b'{"quantity":"water_level","value":%d.5,"at":%d,"seq":%d}' % (number % 100, now_ms(), seq)
        client.publish(f"ioc/s/bench-{number % DEVICES}/up", payload, qos=1)
    for _ in range(messages):
        if not acknowledged.acquire(timeout=_LIMIT_S):
            raise IocError("mosquitto stopped acknowledging")
    took = time.monotonic() - begun
    client.disconnect()
    client.loop_stop()
    return messages / took


def _bare(endpoints: Endpoints, messages: int) -> Taken:
    """Take and acknowledge messages, and do nothing with them."""
    client = _client(endpoints, _BARE, endpoints.mqtt_gateway_user, endpoints.mqtt_gateway_password)
    count, marks = 0, list[_Mark]()
    done = threading.Event()

    def take(_c: Any, _u: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal count
        client.ack(message.mid, message.qos)
        count += 1
        if count in (int(messages * _WARM), messages):
            marks.append(_Mark.now())
        if count == messages:
            done.set()

    client.on_message = take
    _connect(client, endpoints)
    if not done.wait(_LIMIT_S):
        raise IocError(f"the bare subscriber got {count} of {messages} messages")
    client.disconnect()
    client.loop_stop()
    return marks[1].since(marks[0], messages - int(messages * _WARM))


async def _gateway(settings: Settings, messages: int) -> Taken:
    """Run the gateway until Kafka has all messages."""
    before = _sent()
    running = asyncio.create_task(run_gateway(settings))
    try:
        begun = await _until(running, before + messages * _WARM)
        ended = await _until(running, before + messages)
    finally:
        running.cancel()
        await asyncio.wait([running])
    return ended.since(begun, messages - int(messages * _WARM))


async def _until(running: asyncio.Task[None], sent: float) -> _Mark:
    async with asyncio.timeout(_LIMIT_S):
        while _sent() < sent:
            if running.done():
                running.result()
            await asyncio.sleep(0.005)
    return _Mark.now()


def _sent() -> float:
    """Only this metric is collected: those of the process read files, and would be measured with it."""
    families = REGISTRY.restricted_registry(["ioc_gateway_sent_total"]).collect()
    return sum(sample.value for family in families for sample in family.samples)
