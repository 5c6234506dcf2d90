"""`ioc bench worker`: the rules worker on prefilled frames against its limit and against idiomatic Faust."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipeline.bench.consumers import SINGLE
from pipeline.core.broker import apply_topics, start_producer
from pipeline.core.catalogue import Device, DeviceType, Document, Kind, RuleDocument, Site, TypeQuantity
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line
from pipeline.core.events import Reading
from pipeline.core.topics import CATALOGUE, READINGS, TOPICS, Topic, partition_of
from pipeline.local.stack import LocalStack
from rules.engine.loader import load_text

PARTITIONS = TOPICS[READINGS].partitions
DEVICES = 1000
MATCHING, OTHERS = 2, 18
LIMIT_S = 300
_RULE = """
id: bench.{name}
title: {{vi: Đo hiệu năng, en: Benchmark}}
kind: threshold
scope: {{quantity: {quantity}}}
raise: {{warning: {{above: {above}}}}}
"""


def run(frames_of: int = 50, framed: int = 1_000_000, single: int = 60_000) -> dict[str, Any]:
    """Readings a second of the three, and their ratios.

    `frames_of`: readings a frame. `framed`, `single`: readings for the framed consumers and for idiomatic Faust.
    20 rules, 2 of which match each reading; 1 reading in 1,000 rises above both thresholds, the next one falls below.
    """
    with tempfile.TemporaryDirectory(prefix="ioc-bench-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        stack = LocalStack(Path(folder) / "stack", ("kafka",), fast=True)
        with stack.running() as found:
            asyncio.run(_prefill(found.kafka_brokers, frames_of, framed, single))
            counts = {"bare": framed, "rules": framed, "faust": single}
            measured = {name: _measure(name, found.kafka_brokers, count) for name, count in counts.items()}
    rate = {name: result["per_second"] for name, result in measured.items()}
    return {
        "readings_a_frame": frames_of,
        **measured,
        "rules_to_bare": rate["rules"] / rate["bare"],
        "rules_to_faust": rate["rules"] / rate["faust"],
    }


def _measure(name: str, brokers: str, count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "pipeline.bench.consumers", name, brokers, str(count)]
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:  # Faust leaves its data where it runs
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    told = next(line for line in done.stdout.splitlines() if "{" in line)  # Faust's worker hides the cursor before it
    found: dict[str, float] = json.loads(told[told.index("{") :])
    return found


async def _prefill(brokers: str, frames_of: int, framed: int, single: int) -> None:
    await apply_topics(brokers)
    await apply_topics(brokers, [Topic(SINGLE, PARTITIONS, {}), Topic("bench.conditions", PARTITIONS, {})])
    producer = await start_producer(brokers)
    catalogue = await _catalogue(producer)
    waiting: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    headers = [("producer", b"bench"), ("sent", b"%d" % now_ms()), ("catalogue", b"%d" % catalogue)]
    sent = []
    for number in range(framed):
        reading = _reading(number)
        partition = partition_of(reading.device, PARTITIONS)
        line = encode_line(reading)
        waiting[partition].append(line)
        if number < single:
            sent.append(await producer.send(SINGLE, line, partition=partition))
        if len(waiting[partition]) == frames_of:
            value = b"\n".join(waiting[partition])
            sent.append(await producer.send(READINGS, value, partition=partition, headers=headers))
            waiting[partition] = []
    for partition, lines in enumerate(waiting):
        if lines:
            sent.append(await producer.send(READINGS, b"\n".join(lines), partition=partition, headers=headers))
    await asyncio.gather(*sent)
    await producer.stop()


def _reading(number: int) -> Reading:
    value = 60.0 if random.random() < 0.001 else random.uniform(0, 19)
    at = _BEGIN + number // DEVICES * 1000
    return Reading(
        device=f"bench-{number % DEVICES}", quantity="rain_rate", unit="mm/h", at=at, seq=number, value=value
    )


async def _catalogue(producer: Any) -> int:
    """Write the documents; returns the catalogue offset behind them."""
    rules = [_RULE.format(name=f"match-{n}", quantity="rain_rate", above=20 + n * 30) for n in range(MATCHING)]
    rules += [_RULE.format(name=f"other-{n}", quantity="water_level", above=n + 1) for n in range(OTHERS)]
    type_ = DeviceType(id="bench-type", quantities=(TypeQuantity("rain_rate"),), period_s=1)
    documents: list[tuple[Kind, Document]] = [(Kind.SITE, Site(id="bench-site")), (Kind.TYPE, type_)]
    documents += [(Kind.DEVICE, Device(id=f"bench-{n}", type=type_.id, site="bench-site")) for n in range(DEVICES)]
    for rule in load_text("---".join(rules)).checked():
        documents.append((Kind.RULE, RuleDocument(id=rule.id, rule=rule.source, sha256=rule.version)))
    written = None
    for kind, document in documents:
        written = await producer.send_and_wait(CATALOGUE, encode_line(document), key=f"{kind}/{document.id}".encode())
    assert written is not None
    return int(written.offset) + 1


_BEGIN = now_ms()
