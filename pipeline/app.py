"""The two Faust workers: rules (stage 1, by partition) and alerts (one active, others stand by).

Rules: receives readings, detections and cases; sends conditions, partials and progress as frames, in one order
with the offset that they come from. Alerts: receives those and operators' verbs; sends alert events as
CloudEvents and the newest state of each alert. Both drop nothing: a bad line is dead-lettered, a frame on which
four starts died too. How they acknowledge, die and take over: `pipeline.log_app`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from faust.types import TP
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily

from pipeline.core import codec, topics
from pipeline.core.alerts import CONTENT_TYPE, SPEC_VERSION, AlertEvent, EvaluatedUpTo
from pipeline.core.clock import now_ms, rfc3339
from pipeline.core.codec import LineCodec, encode_line, pack
from pipeline.core.errors import IocError
from pipeline.core.events import Reading
from pipeline.core.machine import Delta, LogFrame
from pipeline.core.topics import TOPICS, checkpoint_topic, partition_of
from pipeline.log_app import LogApp, Output, Saved, Source
from pipeline.log_app.death import die
from pipeline.log_app.outputs import acknowledged
from rules.alerts.machine import AlertsMachine
from rules.alerts.state import AlertOutput
from rules.engine.engine import Engine

RULES, ALERTS = "rules", "alerts"
PROGRESS_S = 1.0
_CODECS: dict[str, LineCodec[Any]] = {
    topics.READINGS: codec.readings,
    topics.DETECTIONS: codec.detections,
    topics.CASES: codec.cases,
}
_SOURCES = frozenset(f"{topic}/{number}" for topic in topics.INPUTS for number in range(TOPICS[topic].partitions))


def rules_worker(brokers: str, *, instance: str | None, accept_empty_state: bool = False) -> LogApp:
    """A rules worker: static member `instance` of the group `rules`."""
    app = LogApp(
        RULES,
        brokers,
        [
            Source(topic, checkpoint_topic(RULES, topic), _CODECS[topic], _engine, partial(_conditions, instance))
            for topic in topics.INPUTS
        ],
        instance=instance,
        accept_empty_state=accept_empty_state,
    )
    REGISTRY.register(_Counters(app))
    return app


def alerts_worker(brokers: str, centre: str, *, instance: str | None, accept_empty_state: bool = False) -> LogApp:
    """An alerts worker: the group `alerts` has one active member, others stand by."""
    topic = topics.CONDITIONS
    app = LogApp(
        ALERTS,
        brokers,
        [Source(topic, checkpoint_topic(ALERTS, topic), codec.conditions, _alerts, partial(_events, centre))],
        instance=instance,
        session_s=6.0,
        heartbeat_s=1.0,
        accept_empty_state=accept_empty_state,
    )
    app.app.task(partial(_tell_progress, app, centre))
    REGISTRY.register(_Counters(app))
    return app


# --- rules


def _engine(saved: Saved) -> Engine:
    topic, partition = saved.source.topic, saved.source.partition

    def owns(device: str) -> bool:
        """Whether this partition waits for a device that never sent anything: readings alone are waited for."""
        return topic == topics.READINGS and bool(partition_of(device, TOPICS[topic].partitions) == partition)

    return Engine(topic, partition, changes=saved.documents, state=saved.state, owns=owns)


def _conditions(instance: str | None, frame: LogFrame[Any], delta: Delta[Any]) -> list[Output]:
    """The frames of conditions and derived readings that a fold gave; the same ones whenever it is folded again."""
    places: dict[tuple[str, int], list[Any]] = {}
    for line in delta.outputs:
        places.setdefault(_place(line), []).append(line)
    return [
        Output(topic, value, partition=partition, headers=_headers(instance, frame, value, index))
        for (topic, partition), lines in places.items()
        for index, value in enumerate(pack(map(encode_line, lines)))
    ]


def _place(line: Any) -> tuple[str, int]:
    """Topic and partition of what a fold gave: a device's derived readings stay in order, as its readings do."""
    if isinstance(line, Reading):
        return topics.DERIVED, partition_of(line.device, TOPICS[topics.DERIVED].partitions)
    return topics.CONDITIONS, 0


def _headers(instance: str | None, frame: LogFrame[Any], value: bytes, index: int) -> tuple[tuple[str, bytes], ...]:
    return (
        ("producer", f"{instance or RULES}".encode()),
        ("sent", b"%d" % now_ms()),
        ("lines", b"%d" % (value.count(b"\n") + 1)),
        ("catalogue", b"%d" % frame.catalogue),
        ("source", f"{frame.topic}/{frame.partition}/{frame.offset}".encode()),
        ("index", b"%d" % index),
    )


# --- alerts


def _alerts(saved: Saved) -> AlertsMachine:
    return AlertsMachine(changes=saved.documents, state=saved.state)


def _events(centre: str, frame: LogFrame[Any], delta: Delta[AlertOutput]) -> list[Output]:
    outputs: list[Output] = []
    for index, event in enumerate(delta.outputs):
        outputs.append(_event(centre, frame, event, index))
        if event.tells_state:
            state = None if event.state is None else encode_line(event.state)
            outputs.append(Output(topics.ALERT_STATE, state, key=event.key.encode(), partition=0))
    return outputs


def _event(centre: str, frame: LogFrame[Any], event: AlertOutput, index: int) -> Output:
    attributes = {
        "id": event.id,
        "type": str(event.type),
        "source": f"/ioc/{centre}/rules/{event.body.rule}",
        "subject": event.key,
        "time": rfc3339(event.time),
        "recordedtime": rfc3339(event.recorded),
        "dataschema": "/schemas/alert.schema.json",
        "alertid": event.alert,
        "sequence": str(event.sequence),
        "causationid": event.causation,
        "correlationid": event.correlation,
    }
    headers = (*_cloud_event(attributes), ("source", f"{frame.topic}/{frame.partition}/{frame.offset}".encode()))
    headers = (*headers, ("index", b"%d" % index))
    return Output(topics.ALERTS, encode_line(event.body), key=event.key.encode(), partition=0, headers=headers)


def _cloud_event(attributes: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    """CloudEvents 1.0, Kafka binary content mode: attributes are headers with the prefix `ce_`."""
    given = ((f"ce_{name}", value.encode()) for name, value in attributes.items() if value)
    return (("content-type", CONTENT_TYPE.encode()), ("ce_specversion", SPEC_VERSION.encode()), *given)


async def _tell_progress(app: LogApp, centre: str) -> None:
    """Each second, how far everything has been judged: a dead worker must not look like a quiet province."""
    source = f"/ioc/{centre}/{ALERTS}"
    while True:
        await asyncio.sleep(PROGRESS_S)
        part = app.parts.get(TP(topics.CONDITIONS, 0))
        progress = _progress(part.machine) if part is not None else None
        if progress is None:
            continue
        now = now_ms()
        attributes = {"id": f"progress-{now}", "type": str(AlertEvent.PROGRESS), "source": source, "time": rfc3339(now)}
        attributes |= {"dataschema": "/schemas/progress.schema.json"}
        value = encode_line(progress)
        try:
            told = Output(topics.ALERTS, value, key=b"progress", partition=0, headers=_cloud_event(attributes))
            await acknowledged(await app.outputs.hand_in([told]))
        except Exception as error:  # noqa: BLE001 - whatever it is, this process must not go on
            die(f"progress: {error!r}")


def _progress(machine: Any) -> EvaluatedUpTo | None:
    """None until every source partition has told how far it is."""
    upto, sources = machine.upto(), machine.sources
    if upto is None or not sources.keys() >= _SOURCES:
        return None
    return EvaluatedUpTo(upto=upto, alerts=machine.log, sources=sources)


# --- both


class _Counters:
    """The machines' own counters, under the names that they give them."""

    def __init__(self, app: LogApp) -> None:
        self._app = app

    def collect(self) -> Iterable[CounterMetricFamily]:
        totals: Counter[str] = Counter()
        for part in list(self._app.parts.values()):
            totals.update(getattr(part.machine, "counters", {}))
        for name, value in sorted(totals.items()):
            yield CounterMetricFamily(name.removesuffix("_total"), "See rules/SEMANTICS.md", value=value)


def worker(name: str, brokers: str, centre: str, *, instance: str | None, accept_empty_state: bool = False) -> LogApp:
    """The worker called `name`. Raises IocError for another name."""
    if name == RULES:
        return rules_worker(brokers, instance=instance, accept_empty_state=accept_empty_state)
    if name == ALERTS:
        return alerts_worker(brokers, centre, instance=instance, accept_empty_state=accept_empty_state)
    raise IocError(f"there is no worker {name}")
