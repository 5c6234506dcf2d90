"""Rules on a running centre: changed in seconds, explained from the log, tried on what was stored."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.registry import Registry
from pipeline.core import topics
from pipeline.core.alerts import Alert, AlertEvent
from pipeline.core.broker import read_topic, start_producer
from pipeline.core.catalogue import Device, DeviceType, Site, TypeQuantity
from pipeline.core.clock import now_ms, rfc3339
from pipeline.core.codec import encode_line
from pipeline.core.events import Detection, DetectionEvent, Reading
from pipeline.core.frames import FrameProducer
from pipeline.log_app.catalogue import CatalogueFollower, FrontDoor
from pipeline.migrations import connect
from tests.conftest import StackUnderTest
from tests.integration.gateway_harness import command
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]
RULE = """
id: {p}.level
title: {{vi: Mực nước, en: Water level}}
kind: threshold
scope: {{quantity: water_level, tags: [{p}]}}
raise: {{major: {{above: {above}}}}}
"""


OTHERS = """
id: {p}.seen
kind: repeat
scope: {{detections: {{event: enter, label: person}}, devices: [{p}-cam]}}
raise: {{above: 0}}
times: 3
within: 10s
---
id: {p}.los
kind: derive
scope: {{devices: [{p}]}}
lateness: 1s
formula: los
---
id: {p}.slow
kind: threshold
scope: {{quantity: level_of_service, devices: [{p}]}}
raise: {{equals: F}}
lateness: 0s
---
id: {p}.over
title: {{vi: Nhiều nơi, en: Several places}}
kind: composite
of: [{p}.level]
severity: +1
"""


class Door:
    """A door that follows the catalogue as the gateway does, and sends one device's level ten times a second."""

    def __init__(self, stack: StackUnderTest, device: str, level: float) -> None:
        self._stack, self._device, self._level = stack, device, level

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        producer = await start_producer(self._stack.kafka_brokers)
        follower = CatalogueFollower(self._stack.kafka_brokers)
        await follower.start()
        frames = FrameProducer(producer, f"door-{self._device}", topics.INPUTS, on_failure=self._failed)
        door = FrontDoor(follower, frames, lambda _: None)
        await door.learn()
        frames.start()
        tasks = [asyncio.create_task(work) for work in (door.follow(self._failed), self._send(frames))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await frames.stop()
            await producer.stop()
            await follower.stop()

    async def _send(self, frames: FrameProducer) -> None:
        seq = 0
        while True:
            seq += 1
            found = Reading(
                device=self._device, quantity="water_level", unit="m", at=now_ms(), value=self._level, seq=seq
            )
            frames.put(topics.READINGS, self._device, encode_line(found))
            if seq % 5 == 0:
                self._see(frames, now_ms())
            await asyncio.sleep(0.1)

    def _see(self, frames: FrameProducer, at: int) -> None:
        """Somebody comes in; and traffic is slow."""
        camera = f"{self._device}-cam"
        entry = Detection(camera=camera, event=DetectionEvent.ENTER, zone="gate", label="person", at=at)
        frames.put(topics.DETECTIONS, camera, encode_line(entry))
        speed = Reading(device=self._device, quantity="mean_speed", unit="km/h", at=at, value=10.0)
        frames.put(topics.READINGS, self._device, encode_line(speed))

    def _failed(self, error: BaseException) -> None:
        raise AssertionError("Kafka refused a frame") from error


async def raised(stack: StackUnderTest, rule: str) -> list[Alert]:
    """Alerts of a rule as they were raised."""
    found = []
    async for record in read_topic(stack.kafka_brokers, topics.ALERTS):
        if dict(record.headers).get("ce_type") == str(AlertEvent.RAISED).encode():
            alert = msgspec.json.decode(record.value, type=Alert)
            found += [alert] if alert.rule == rule else []
    return found


def rule_file(folder: Path, prefix: str, above: float) -> Path:
    path = folder / f"{above}.yaml"
    path.write_text(RULE.format(p=prefix, above=above))
    return path


async def apply(stack: StackUnderTest, path: Path) -> None:
    code, out, error = await command(stack, "rule", "apply", str(path))
    assert code == 0, error + out


def register(stack: StackUnderTest, prefix: str) -> None:
    type_ = DeviceType(id=f"{prefix}-type", quantities=(TypeQuantity("water_level"),), period_s=1, delay_s=0.5)
    with connect(stack.postgres_dsn) as connection:
        registry = Registry(connection, by="test")
        for document in (
            Site(id=f"{prefix}-site"),
            type_,
            Device(id=prefix, type=type_.id, site=f"{prefix}-site", tags=(prefix,), attributes={"free_flow_speed": 60}),
        ):
            registry.put(document)


async def test_a_changed_rule_is_live_in_five_seconds_and_its_alert_is_explained_and_found_again(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    prefix, began = f"r{uuid.uuid4().hex[:6]}", now_ms()
    register(stack, prefix)
    lower, higher = (rule_file(tmp_path, prefix, above) for above in (4, 6))
    await apply(stack, higher)
    parts = [Part(name, tmp_path, stack.environment) for name in ("relay", "sink")]
    parts += [Part(name, tmp_path, stack.environment, "--instance", "1") for name in ("rules", "alerts")]
    async with running(*parts), Door(stack, prefix, level=5).open():
        await asyncio.sleep(3)
        assert await raised(stack, f"{prefix}.level") == []
        await apply(stack, lower)
        changed = now_ms()

        async def there() -> bool:
            return bool(await raised(stack, f"{prefix}.level"))

        await eventually(there, 20, every_s=0.1)
        assert len(await raised(stack, f"{prefix}.level")) == 1
        assert now_ms() - changed < 5000

        checks = await explained(stack, f"{prefix}.level")
        assert checks
        assert all(check["same"] for check in checks)
        await check_others(stack, tmp_path, prefix)
        await check_backtests(stack, lower, higher, began)


async def check_others(stack: StackUnderTest, folder: Path, prefix: str) -> None:
    """Alerts of detections, of what a formula made and of another alert are read again and replayed, too."""
    path = folder / "others.yaml"
    path.write_text(OTHERS.format(p=prefix))
    code, out, error = await command(stack, "rule", "apply", str(folder / "4.yaml"), str(path))
    assert code == 0, error + out
    for name, operand, compared in (("seen", f"{prefix}-cam", True), ("slow", prefix, True), ("over", prefix, None)):
        found = await explained(stack, f"{prefix}.{name}")
        told = [(check["what"].split()[0], check["same"]) for check in found]
        assert told == [(operand, True), ("comparison", compared), ("replay", True)], (name, found)


async def explained(stack: StackUnderTest, rule: str) -> list[dict[str, Any]]:
    """The checks of the first alert of a rule."""
    async with asyncio.timeout(30):
        while not (alerts := await raised(stack, rule)):
            await asyncio.sleep(0.1)
        code, out, error = 1, "", ""
        while code and not out:  # until the store has it
            code, out, error = await command(stack, "rule", "explain", alerts[0].alert, "--verify", "--json")
    assert code == 0, error + out
    checks: list[dict[str, Any]] = json.loads(out)["checks"]
    return checks


async def check_backtests(stack: StackUnderTest, lower: Path, higher: Path, began: int) -> None:
    """The same rule over the topic and over the store: each finds one condition, which a higher threshold loses."""
    span = f"{rfc3339(began - 60_000)}..{rfc3339(now_ms())}"
    for source in (("--topic", topics.READINGS), ("--store", span)):
        arguments = ("rule", "backtest", *source, "--rules", str(higher), "--against", str(lower), "--json")
        code, out, error = await command(stack, *arguments)
        assert code == 0, error + out
        against = json.loads(out)["against"]
        assert len(against["lost"]) == 1, source
        assert against["gained"] == []
