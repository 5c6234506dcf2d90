"""What the gateway's tests do: run parts under the supervisor, publish as devices, read store, letters and metrics."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import signal
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from devices.credentials import Broker, Credential, administrator
from devices.registry import Registry
from pipeline.core.broker import read_topic
from pipeline.core.catalogue import Device, Site
from pipeline.core.clock import now_ms
from pipeline.core.topics import DEADLETTER, READINGS, TOPICS
from pipeline.local import own
from pipeline.local.own import PROCESSES
from pipeline.local.ports import choose
from pipeline.local.process import Child
from tests.conftest import StackUnderTest

ROOT = Path(__file__).parents[2]
SITE = "gate-01"


class Parts:
    """Relay, sink and gateways as children of this process, started again when they end."""

    def __init__(self, stack: StackUnderTest) -> None:
        self._stack = stack
        self.children: dict[str, Child] = {}
        self.metrics: dict[str, int] = {}

    def start(self, name: str, part: str = "", **settings: str) -> Child:
        """Start `part` under `name`; settings are environment variables without their `IOC__`."""
        row = next(row for row in PROCESSES if row.name == (part or name))
        service = own.service(row, self._stack.local.folder, {})
        environment = {f"IOC__{key.upper()}": value for key, value in settings.items()}
        if row.name == "gateway":
            self.metrics[name] = choose(["metrics"], {}, uuid.uuid4().hex)["metrics"]
            environment["IOC__GATEWAY__METRICS_PORT"] = str(self.metrics[name])
        env = {**service.env, "PYTHONPATH": str(ROOT), **environment}
        child = Child(dataclasses.replace(service, name=name, env=env), self._stack.local.folder)
        child.start()
        self.children[name] = child
        return child

    def kill(self, name: str) -> None:
        """`kill -9`; the supervisor starts it again."""
        pid = self.children[name].pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop everything."""
        for child in self.children.values():
            child.stop()

    def counts(self, name: str = "gateway") -> dict[str, float]:
        """The gateway's own counters, summed over their labels; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics[name]}/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        found: dict[str, float] = {}
        for key, value in re.findall(r"^ioc_gateway_(\w+?)(?:_total)?(?:\{.*\})? ([0-9.e+]+)$", text, re.MULTILINE):
            if key in ("received", "sent", "rejected", "dropped", "in_flight"):
                found[key] = found.get(key, 0.0) + float(value)
        return found


def register(
    stack: StackUnderTest, ids: Sequence[str], site: str = SITE, type_: str = "river-gauge"
) -> list[Credential]:
    """Devices in the registry, with their credentials."""
    with psycopg.connect(stack.postgres_dsn) as connection:
        registry = Registry(connection, by="test")
        registry.put(Site(id=site))
        devices = [registry.put(Device(id=id_, type=type_, site=site)) for id_ in ids]
    with administrator(admin_of(stack)) as security:
        return security.grant(devices)


def admin_of(stack: StackUnderTest) -> Broker:
    """Mosquitto's administrator."""
    found = stack.endpoints
    return Broker(found.mqtt_host, found.mqtt_port, found.mqtt_admin_user, found.mqtt_admin_password)


class Publisher:
    """A device: numbers its messages, keeps what was not acknowledged and sends it again after a reconnect."""

    def __init__(self, port: int, credential: Credential) -> None:
        self.credential = credential
        self.sent: list[tuple[int, int]] = []
        """(number, mid); less than 65,536, so no mid stands twice."""
        self._acknowledged: set[int] = set()
        self._stopping = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{credential.username}", protocol=mqtt.MQTTv5
        )
        self._client.username_pw_set(credential.username, credential.secret)
        self._client.on_publish = lambda _c, _u, mid, _r, _p: self._acknowledged.add(mid)
        self._client.reconnect_delay_set(1, 1)
        self._client.max_inflight_messages_set(100)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self._client.loop_start()

    def publish(self, payload: bytes, branch: str = "up") -> mqtt.MQTTMessageInfo:
        """One message as it is."""
        return self._client.publish(f"{self.credential.topic}/{branch}", payload, qos=1)

    def number(self, count: int) -> None:
        """`count` numbered messages, as fast as it goes."""
        for _ in range(count):
            seq, at = len(self.sent) + 1, now_ms()
            payload = b'{"quantity":"water_level","value":%d,"at":%d,"seq":%d}' % (seq % 500, at, seq)
            self.sent.append((seq, self.publish(payload).mid))

    def number_steadily(self, rate: float) -> None:
        """Numbered messages at `rate` a second, on a thread of its own, until `stop_numbering`."""

        def run() -> None:
            begun = time.monotonic()
            while not self._stopping.is_set():
                self.number(max(0, int((time.monotonic() - begun) * rate) - len(self.sent)))
                self._stopping.wait(0.02)

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def stop_numbering(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join(5)

    def acknowledged(self) -> set[int]:
        """The numbers of what mosquitto acknowledged."""
        acknowledged = self._acknowledged.copy()
        return {seq for seq, mid in self.sent if mid in acknowledged}

    def finished(self) -> bool:
        """Whether everything sent was acknowledged."""
        return len(self.acknowledged()) == len(self.sent)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def publishers(stack: StackUnderTest, credentials: Sequence[Credential]) -> Iterator[list[Publisher]]:
    """A connected publisher for each credential."""
    found = [Publisher(stack.endpoints.mqtt_port, credential) for credential in credentials]
    try:
        yield found
    finally:
        for publisher in found:
            publisher.close()


def stored(stack: StackUnderTest, devices: Sequence[str], quantity: str) -> dict[str, list[tuple[int, float]]]:
    """(seq, value) in the store, by device, in order of seq."""
    with psycopg.connect(stack.postgres_dsn) as connection:
        rows = connection.execute(
            "select s.device, r.seq, r.value from ioc.readings r join ioc.series s on s.id = r.series "
            "where s.device = any(%s) and s.quantity = %s order by 1, 2",
            [list(devices), quantity],
        ).fetchall()
    found: dict[str, list[tuple[int, float]]] = {device: [] for device in devices}
    for device, seq, value in rows:
        found[device].append((seq, value))
    return found


async def letters(brokers: str, prefix: str) -> dict[str, tuple[str, bytes]]:
    """Dead letters whose source begins with `prefix`: source -> (reason, raw bytes)."""
    found: dict[str, tuple[str, bytes]] = {}
    async for record in read_topic(brokers, DEADLETTER):
        if record.key.startswith(prefix.encode()):
            found[record.key.decode()] = (dict(record.headers)["reason"].decode(), record.value)
    return found


async def lines(brokers: str, device: str) -> list[dict[str, Any]]:
    """All readings of a device in Kafka."""
    found: list[dict[str, Any]] = []
    async for record in read_topic(brokers, READINGS, TOPICS[READINGS].partitions):
        found += [line for line in msgspec.json.Decoder().decode_lines(record.value) if line["device"] == device]
    return found


async def command(stack: StackUnderTest, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run `ioc` to its end: exit code, standard output, standard error."""
    environment = {f"IOC__{key.upper()}": value for key, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pipeline.cli",
        *arguments,
        env={**os.environ, **stack.environment, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()
