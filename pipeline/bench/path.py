"""`ioc bench path`: the whole path at a rate: latency from device to alert topic, and whether anything is lost.

Everything runs as shipped, each part a process of its own: mosquitto, gateway, Kafka, rules, alerts, sink,
PostgreSQL, relay. Latency: from the device's `at` to the arrival of the alert event that it raised or cleared
(threshold, `for: 0`) at a consumer, one clock. Loss: the counts of the demonstration.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition

from devices.credentials import Broker, administrator
from devices.registry import Registry
from pipeline.config import Settings
from pipeline.core import topics
from pipeline.core.alerts import Alert, AlertEvent
from pipeline.core.broker import start_consumer
from pipeline.core.catalogue import Device, DeviceType, Site, TypeQuantity
from pipeline.core.clock import now_ms, parse_rfc3339
from pipeline.core.errors import IocError
from pipeline.demo.counts import ends, on_topics, sink_reached, stored, until_known
from pipeline.local.preparation import prepare
from pipeline.local.stack import ALL_SERVICES, LocalStack
from pipeline.migrations import connect
from pipeline.rule_store import store_rules
from rules.engine.loader import load_text

PARTS = ("relay", "gateway", "rules", "alerts", "sink")
DEVICES = 50
WARM_S = 10.0
"""Events of the first seconds do not count: connections are made, Kafka's virtual machine compiles its code."""
DRAIN_LIMIT_S = 60.0
_RULE = """
id: bench.level
title: {vi: Đo hiệu năng, en: Benchmark}
kind: threshold
scope: {quantity: water_level, tags: [bench]}
raise: {major: {above: 5}}
"""


def run(rate: float = 1000, seconds: float = 30) -> dict[str, Any]:
    """Publish `rate` messages a second for `seconds`; latency in ms, counts, and seconds until all was stored.

    Raises IocError when something was lost.
    """
    names = tuple(name for name in (*ALL_SERVICES, *PARTS) if name != "rtsp")
    with tempfile.TemporaryDirectory(prefix="ioc-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        # fast: on two cores, Kafka's second compiler would take a fifth of one for minutes
        stack = LocalStack(Path(folder) / "stack", names, prepare=lambda found: prepare(found, names), fast=True)
        with stack.running() as found:
            settings = Settings.model_validate({**found.settings(), "data": str(stack.folder.root)})
            return asyncio.run(_measure(settings, rate, seconds))


async def _measure(settings: Settings, rate: float, seconds: float) -> dict[str, Any]:
    brokers, before = settings.kafka.brokers, await ends(settings.kafka.brokers)
    credentials = _register(settings)
    latencies = Latencies(brokers)
    following = asyncio.create_task(latencies.run())
    with connect(settings.postgres.dsn.get_secret_value(), autocommit=True) as connection:
        await until_known(brokers, connection)
        published = await _publish(settings, credentials, rate, seconds, latencies)
        drained = await _drain(brokers, connection)
        found, rows = await on_topics(brokers, before), stored(connection, before)
    following.cancel()
    gateway = found.readings["gateway"]
    told = {
        **published,
        "rate": published["published"] / published["seconds"],
        "in_kafka": found.readings["devices"],
        "repeated": found.lines - len(found.identities),
        "stored": rows[topics.READINGS] - gateway,
        "rejected": dict(Counter(found.rejected.values())),
        "alert_events": len(found.alert_events),
        "alert_events_stored": rows[topics.ALERTS],
        "drain_s": drained,
        **latencies.summary(),
    }
    if not published["published"] == published["acknowledged"] == told["stored"] or found.rejected:
        raise IocError(f"something was lost: {json.dumps(told)}")
    return told


def _register(settings: Settings) -> dict[str, tuple[str, str]]:
    mqtt = settings.mqtt
    type_ = DeviceType(id="bench-gauge", quantities=(TypeQuantity("water_level"),), period_s=1, counts_events=True)
    devices = [Device(id=f"bench-{n}", type=type_.id, site="bench", tags=("bench",)) for n in range(DEVICES)]
    with connect(settings.postgres.dsn.get_secret_value()) as connection:
        registry = Registry(connection, by="ioc bench")
        for document in (Site(id="bench"), type_, *devices):
            registry.put(document)
        store_rules(registry, load_text(_RULE).checked())
        broker = Broker(mqtt.host, mqtt.port, mqtt.admin_user, mqtt.admin_password.get_secret_value())
        with administrator(broker) as security:
            return {c.username: (c.secret, f"{c.topic}/up") for c in security.grant(devices)}


async def _publish(
    settings: Settings, credentials: dict[str, tuple[str, str]], rate: float, seconds: float, latencies: Latencies
) -> dict[str, Any]:
    arguments = (settings.mqtt.host, str(settings.mqtt.port), str(rate), str(seconds))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline.bench.publishers", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    latencies.count_from = now_ms() + round(WARM_S * 1000)
    output, _ = await process.communicate(json.dumps(credentials).encode())
    found: dict[str, Any] = json.loads(output)
    return found


async def _drain(brokers: str, connection: Any) -> float:
    """Seconds until everything published is stored. Raises IocError after DRAIN_LIMIT_S."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    last = await ends(brokers)
    while not sink_reached(connection, last):
        if loop.time() - began > DRAIN_LIMIT_S:
            raise IocError(f"not everything was stored within {DRAIN_LIMIT_S:.0f} s")
        await asyncio.sleep(0.1)
    return loop.time() - began


class Latencies:
    """From the device's time to the arrival of its alert event, ms."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self.count_from = 0
        self._found: list[tuple[int, int, int, int, int]] = []

    async def run(self) -> None:
        """Follow the alert topic until cancelled."""
        consumer = await start_consumer(self._brokers, fetch_max_wait_ms=100)
        partition = TopicPartition(topics.ALERTS, 0)
        consumer.assign([partition])
        await consumer.seek_to_end(partition)
        decoder = msgspec.json.Decoder(Alert)
        try:
            while True:
                records = (await consumer.getmany(timeout_ms=1000)).get(partition, ())
                arrived = now_ms()
                for record in records:
                    headers = dict(record.headers)
                    if headers["ce_type"].decode() in (AlertEvent.RAISED, AlertEvent.CLEARED):
                        times = decoder.decode(record.value).times
                        at, logged = parse_rfc3339(times.event), parse_rfc3339(times.log)
                        judged = parse_rfc3339(headers["ce_recordedtime"].decode())
                        if at >= self.count_from:
                            self._found.append((at, logged, judged, record.timestamp, arrived))
        finally:
            await consumer.stop()

    def summary(self) -> dict[str, float]:
        """p50, p99 and the greatest, ms, of how many events; and the median of each leg of the way."""
        whole = [arrived - at for at, *_, arrived in self._found]
        cuts = statistics.quantiles(whole, n=100)
        legs = {
            f"p50_{name}_ms": statistics.median(found[leg + 1] - found[leg] for found in self._found)
            for leg, name in enumerate(_LEGS)
        }
        return {"events": len(whole), "p50_ms": cuts[49], "p99_ms": cuts[98], "max_ms": max(whole), **legs}


_LEGS = ("device_to_readings", "readings_to_conditions", "conditions_to_alerts", "alerts_to_consumer")
