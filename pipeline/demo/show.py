"""What the demonstration prints: alerts as they come, and the table of counts at the end."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
from aiokafka import TopicPartition

from pipeline.core import topics
from pipeline.core.alerts import Alert, AlertEvent, EvaluatedUpTo
from pipeline.core.broker import start_consumer
from pipeline.core.conditions import Severity
from pipeline.demo.counts import Path

_COLOURS = {Severity.CRITICAL: "35", Severity.MAJOR: "31", Severity.MINOR: "33", Severity.WARNING: "36"}
_WORDS = {
    Severity.CRITICAL: "KHẨN CẤP",
    Severity.MAJOR: "NGHIÊM TRỌNG",
    Severity.MINOR: "TRUNG BÌNH",
    Severity.WARNING: "NHẸ",
    Severity.INDETERMINATE: "KHÔNG RÕ",
    Severity.CLEARED: "HẾT",
}
_SHOWN = {AlertEvent.RAISED, AlertEvent.UPDATED, AlertEvent.CLEARED, AlertEvent.CLOSED}


class AlertTail:
    """Follows the alert topic; prints alerts and remembers how far everything has been judged."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self.upto = 0

    async def run(self) -> None:
        """Follow until cancelled."""
        consumer = await start_consumer(self._brokers)
        partition = TopicPartition(topics.ALERTS, 0)
        consumer.assign([partition])
        await consumer.seek_to_end(partition)
        try:
            while True:
                for record in (await consumer.getmany(timeout_ms=500)).get(partition, ()):
                    self._take(record)
        finally:
            await consumer.stop()

    def _take(self, record: Any) -> None:
        type_ = AlertEvent(dict(record.headers)["ce_type"].decode())
        if type_ is AlertEvent.PROGRESS:
            self.upto = msgspec.json.decode(record.value, type=EvaluatedUpTo).upto
        elif type_ in _SHOWN:
            alert = msgspec.json.decode(record.value, type=Alert)
            if type_ is not AlertEvent.CLOSED or alert.state.active.on:  # an end was told when it came
                say(line(type_, alert))


def line(type_: AlertEvent, alert: Alert) -> str:
    """One alert event as one line: severity in words, never by colour alone."""
    ended = type_ in (AlertEvent.CLEARED, AlertEvent.CLOSED)
    word = {AlertEvent.CLEARED: "ĐÃ HẾT", AlertEvent.CLOSED: "ĐÃ ĐÓNG"}.get(type_) or _WORDS[alert.severity]
    text = f"{word:<13} {alert.rule:<18} {alert.headline.best('vi')}"
    if not sys.stdout.isatty():
        return text
    return f"\x1b[{'32' if ended else _COLOURS.get(alert.severity, '37')}m{text}\x1b[0m"


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(path: Path) -> str:
    """The counts along the path, in order."""
    rows: list[tuple[str, int | str]] = [
        ("messages published", path.messages),
        ("messages acknowledged by mosquitto", path.messages_acknowledged),
        ("readings published (of them bad on purpose)", f"{path.published} ({path.bad_published})"),
        ("readings in Kafka, from devices", path.in_kafka_from_devices),
        ("readings in Kafka, made by the gateway", path.in_kafka_from_gateway),
        ("readings in Kafka, from cameras", path.in_kafka_from_cameras),
        ("of these repeats of the same reading", path.repeated_in_kafka),
        *((f"rejected: {reason}", count) for reason, count in sorted(path.rejected.items())),
        ("readings stored", path.stored),
        ("detections in Kafka, stored", f"{path.detections}, {path.detections_stored}"),
        ("conditions in Kafka, stored", f"{path.conditions}, {path.conditions_stored}"),
        ("alerts raised", path.alerts_raised),
        ("alert events in Kafka, stored", f"{path.alert_events}, {path.alert_events_stored}"),
    ]
    return "\n".join(f"  {name:<46}{value}" for name, value in rows)


async def every(seconds: float, work: Any) -> None:
    """Call `work` each `seconds` until it says True."""
    while not work():
        await asyncio.sleep(seconds)
