"""The demonstration from start to end: register, drive, show, and in the short form drain and count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from importlib import resources
from typing import Any

import psycopg
import yaml

from devices.credentials import Broker, Credential, administrator
from devices.registry import Registry, document_of
from pipeline.config import Settings
from pipeline.console import people
from pipeline.core import topics
from pipeline.core.alerts import AlertEvent
from pipeline.core.catalogue import Device
from pipeline.core.clock import now_ms
from pipeline.core.errors import IocError
from pipeline.demo.counts import Offsets, Path, ends, on_topics, sink_reached, stored, until_known
from pipeline.demo.fleet import Counts, Fleet
from pipeline.demo.show import AlertTail, every, say, table
from pipeline.migrations import connect
from pipeline.rule_store import store_rules
from rules.engine.loader import load_text

CAMERA = "cam-quang-truong"
OPERATOR = "truc-ban"
STORY_S = 600.0
DRAIN_LIMIT_S = 60.0
_FOLDER = resources.files("pipeline.demo")


def register(settings: Settings, camera_url: str) -> tuple[list[Device], dict[str, Credential]]:
    """The fleet, its credentials, the camera and the rules, through the registry."""
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load((_FOLDER / "fleet.yaml").read_text())
    devices: list[Device] = []
    rules = load_text((_FOLDER / "rules.yaml").read_text(), "demo/rules.yaml").checked()
    with connect(settings.postgres.dsn.get_secret_value()) as connection:
        registry = Registry(connection, by="ioc demo")
        for kind, documents in found.items():
            for raw in documents:
                stored_document = registry.put(document_of(kind, raw))
                if isinstance(stored_document, Device):
                    devices.append(stored_document)
        registry.put(document_of("camera", _camera(camera_url)))
        store_rules(registry, rules)
        mqtt = settings.mqtt
        broker = Broker(mqtt.host, mqtt.port, mqtt.admin_user, mqtt.admin_password.get_secret_value())
        with administrator(broker) as security:
            credentials = {credential.username: credential for credential in security.grant(devices)}
    return devices, credentials


def _camera(url: str) -> dict[str, Any]:
    return {
        "id": CAMERA,
        "site": "quang-truong-2-4",
        "title": {"vi": "Camera Quảng trường 2 tháng 4", "en": "Camera 2 April square"},
        "url": url,
        "fps": 5,
        "frame_size": [768, 576],
        "tags": ["demo"],
        "zones": [
            {
                "id": "san",
                "title": {"vi": "Sân giữa", "en": "Middle of the square"},
                "polygon": [[180, 215], [560, 215], [640, 400], [120, 400]],
                "labels": ["person"],
            }
        ],
    }


def address(settings: Settings) -> str:
    """Where people reach the console."""
    return settings.console.public_url or f"http://{settings.console.host}:{settings.console.port}/"


def password(settings: Settings) -> str:
    """A new password for the operator of the demonstration."""
    with connect(settings.postgres.dsn.get_secret_value()) as connection:
        return people.create(connection, OPERATOR, "operator", replace=True)


async def play(
    settings: Settings, camera_url: str, length_s: float | None, stop_cameras: Callable[[], None]
) -> list[str]:
    """Play the story. With `length_s` it ends: sources stop, everything drains, the counts are printed.

    Returns what does not add up, a sentence each. Without `length_s` the story repeats until cancelled.
    """
    before = await ends(settings.kafka.brokers)
    devices, credentials = await asyncio.to_thread(register, settings, camera_url)
    with connect(settings.postgres.dsn.get_secret_value(), autocommit=True) as connection:
        async with asyncio.timeout(DRAIN_LIMIT_S):
            await until_known(settings.kafka.brokers, connection)
    say(f"{len(devices)} devices and 1 camera are registered, each device with a credential of its own")
    say(f"console  {address(settings)}\n  name     {OPERATOR}\n  password {password(settings)}   (new at every start)")
    tail = AlertTail(settings.kafka.brokers)
    following = asyncio.create_task(tail.run())
    try:
        counts = await _story(settings, devices, credentials, length_s or STORY_S)
        while length_s is None:
            say("the story begins again; Ctrl-C stops it")
            await _story(settings, devices, credentials, STORY_S)
        stop_cameras()
        return await _settle(settings, before, tail, counts)
    finally:
        following.cancel()


async def _story(
    settings: Settings, devices: list[Device], credentials: dict[str, Credential], length_s: float
) -> Counts:
    fleet = Fleet(devices, credentials, settings.mqtt.host, settings.mqtt.port)
    fleet.start(length_s)
    try:
        await every(0.5, lambda: fleet.done)
    finally:
        await asyncio.to_thread(fleet.stop)
    return fleet.counts


async def _settle(settings: Settings, before: Offsets, tail: AlertTail, counts: Counts) -> list[str]:
    """Wait until all that was sent has been judged and stored, then count it at every place."""
    say("the sources have stopped, draining")
    stopped, brokers = now_ms(), settings.kafka.brokers
    with connect(settings.postgres.dsn.get_secret_value(), autocommit=True) as connection:
        try:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await every(0.5, lambda: tail.upto > stopped)
                last = await ends(brokers)
                await every(0.5, lambda: sink_reached(connection, last))
        except TimeoutError:
            return [f"not everything was judged and stored within {DRAIN_LIMIT_S:.0f} s"]
        path = await _count(brokers, connection, before, counts)
    say(table(path))
    return path.faults()


async def _count(brokers: str, connection: psycopg.Connection, before: Offsets, counts: Counts) -> Path:
    found = await on_topics(brokers, before)
    rows = stored(connection, before)
    return Path(
        published=counts.readings,
        bad_published=counts.bad,
        messages=counts.messages,
        messages_acknowledged=counts.acknowledged,
        in_kafka_from_devices=found.readings["devices"],
        in_kafka_from_gateway=found.readings["gateway"],
        in_kafka_from_cameras=found.readings["cameras"],
        repeated_in_kafka=found.lines - len(found.identities),
        rejected=dict(Counter(found.rejected.values())),
        rejected_behind=len(found.behind),
        stored=rows[topics.READINGS],
        detections=found.detections,
        detections_stored=rows[topics.DETECTIONS],
        conditions=len(found.conditions),
        conditions_stored=rows[topics.CONDITIONS],
        alerts_raised=sum(type_ == AlertEvent.RAISED for type_ in found.alert_events.values()),
        alert_events=len(found.alert_events),
        alert_events_stored=rows[topics.ALERTS],
    )


def check(faults: list[str]) -> None:
    """Raise IocError when the counts do not add up."""
    if faults:
        raise IocError("the counts do not add up: " + "; ".join(faults))
    say("every reading published was stored or rejected with a reason; all counts add up")
