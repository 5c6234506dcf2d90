"""The demonstration's storm as it stands a while after its crest, told into a real stack at once."""

from __future__ import annotations

import asyncio
import hashlib
import random
from importlib import resources
from typing import Any

import psycopg
import yaml

from devices.registry import document_of
from pipeline.core.catalogue import Device, DeviceType, Document
from pipeline.core.clock import now_ms
from pipeline.core.conditions import Condition, ConditionEdge, Operand, Severity, Threshold, Why, condition_id
from pipeline.core.events import Reading
from pipeline.core.quantities import QUANTITIES
from pipeline.demo.run import CAMERA, _camera
from pipeline.demo.storm import measure, silent
from pipeline.local import clip
from rules.engine.loader import load_text
from rules.engine.settings import Rule
from tests.integration.scene import Scene, judged

_FOLDER = resources.files("pipeline.demo")
STORY_MS = 600_000
SHOWN = 0.6
"""The share of the story that has passed."""
EACH_MS = 2_000


def rules() -> tuple[Rule, ...]:
    """The demonstration's rules."""
    return load_text((_FOLDER / "rules.yaml").read_text(), "demo/rules.yaml").checked()


def documents() -> list[Document]:
    """The demonstration's fleet with its camera."""
    found: dict[str, list[dict[str, Any]]] = yaml.safe_load((_FOLDER / "fleet.yaml").read_text())
    fleet = [document_of(kind, raw) for kind, documents in found.items() for raw in documents]
    return [*fleet, document_of("camera", _camera("rtsp://127.0.0.1:8554/cam"))]


def readings(fleet: list[Document], end: int) -> list[Reading]:
    """What the fleet measured up to `end`, in order of time."""
    drawn = random.Random(7)
    devices = [document for document in fleet if isinstance(document, Device)]
    begin, found = end - int(STORY_MS * SHOWN), []
    for seq, at in enumerate(range(begin, end, EACH_MS), 1):
        moment = (at - begin) / STORY_MS
        for device in devices:
            if not silent(device.id, moment):
                for quantity, value in measure(device, moment, EACH_MS / 1000, drawn).items():
                    found.append(_reading(device.id, quantity, value, at, seq))
    return found


def _reading(device: str, quantity: str, value: float | str, at: int, seq: int) -> Reading:
    unit = QUANTITIES[quantity].unit
    if isinstance(value, str):
        return Reading(device=device, quantity=quantity, text=value, at=at, seq=seq)
    return Reading(device=device, quantity=quantity, value=value, unit=unit, at=at, seq=seq)


async def tell(scene: Scene) -> None:
    """Register the fleet, write the readings and what the rules find in them, and a crowd seen by the camera."""
    fleet, end = documents(), now_ms()
    await scene.register(fleet, rules())
    measured = readings(fleet, end)
    known = [document for document in fleet if isinstance(document, Device | DeviceType)]
    conditions = await asyncio.to_thread(judged, rules(), measured, known, end)
    await scene.measure(measured)
    await scene.judge([*conditions, _crowd(end - 75_000, keep_evidence(scene.dsn))])


def _crowd(at: int, digest: str) -> Condition:
    rule = next(rule for rule in rules() if rule.id == "demo.crowd")
    key = f"{rule.id}|{CAMERA}|zone_occupancy"
    seen = Operand(device=CAMERA, quantity="zone_occupancy", value=7, at=at, evidence=digest)
    return Condition(
        id=condition_id(rule.id, key, at, 0),
        rule=rule.id,
        rule_version=rule.version,
        key=key,
        episode=at,
        n=0,
        edge=ConditionEdge.BEGIN,
        severity=Severity.MINOR,
        at=at,
        log=at,
        device=CAMERA,
        why=Why(operands=(seen,), threshold=Threshold(predicate={"above": 3}), last=7, held_for_ms=3000),
    )


def picture(second: int) -> bytes:
    """A frame of the camera's clip as JPEG."""
    import cv2

    video = cv2.VideoCapture(str(clip.source()))
    video.set(cv2.CAP_PROP_POS_FRAMES, second * clip.FRAMES_PER_SECOND)
    _, frame = video.read()
    return bytes(cv2.imencode(".jpg", frame)[1].tobytes())


def keep_evidence(dsn: str) -> str:
    """A picture in the store, as a camera's worker keeps it."""
    jpeg = picture(20)
    digest = f"sha256:{hashlib.sha256(jpeg).hexdigest()}"
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into ioc.evidence (digest, camera, at, jpeg) values (%s, %s, now(), %s) on conflict do nothing",
            [digest, CAMERA, jpeg],
        )
    return digest


async def go_on(scene: Scene) -> None:
    """The fleet goes on measuring what it measured last, so that devices are alive."""
    fleet, drawn, seq = [one for one in documents() if isinstance(one, Device)], random.Random(8), 100_000
    while True:
        seq += 1
        found = []
        for device in (one for one in fleet if not silent(one.id, SHOWN)):
            for quantity, value in measure(device, SHOWN, EACH_MS / 1000, drawn).items():
                found.append(_reading(device.id, quantity, value, now_ms(), seq))
        await scene.measure(found)
        await asyncio.sleep(EACH_MS / 1000)


async def film(dsn: str) -> None:
    """What a camera's worker does while somebody watches: the newest still, each second."""
    second = 0
    while True:
        second = (second + 1) % 60
        await asyncio.to_thread(_still, dsn, picture(second))
        await asyncio.sleep(1)


def _still(dsn: str, jpeg: bytes) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into ioc.still (camera, at, jpeg) select camera, now(), %s from ioc.watch where until > now() "
            "on conflict (camera) do update set at = excluded.at, jpeg = excluded.jpeg",
            [jpeg],
        )
