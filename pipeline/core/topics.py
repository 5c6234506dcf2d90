"""Kafka topics: names, partitions and settings in one table, and how an id finds its partition."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

_DAY_MS = 86_400_000
MAX_MESSAGE_BYTES = 2 * 1024 * 1024

READINGS = "ioc.readings.v1"
DETECTIONS = "ioc.detections.v1"
CASES = "ioc.cases.v1"
DERIVED = "ioc.derived.v1"
CONDITIONS = "ioc.conditions.v1"
ALERTS = "ioc.alerts.v1"
ALERT_STATE = "ioc.alerts.state.v1"
CATALOGUE = "ioc.catalogue.v1"
CAMERAS = "ioc.cameras.v1"
DEADLETTER = "ioc.deadletter.v1"
INPUTS = (READINGS, DETECTIONS, CASES)
"""What stage 1 of the rules reads."""


class Topic(msgspec.Struct, frozen=True):
    """One topic. `config` are broker settings; those of every topic are added by `settings`."""

    name: str
    partitions: int
    config: Mapping[str, str]

    def settings(self) -> dict[str, str]:
        """All settings to be applied to the broker."""
        return {"max.message.bytes": str(MAX_MESSAGE_BYTES), **self.config}


def _log(name: str, partitions: int, days: int, clock: str = "LogAppendTime") -> Topic:
    return Topic(name, partitions, {"message.timestamp.type": clock, "retention.ms": str(days * _DAY_MS)})


def _compacted(name: str, partitions: int, **config: str) -> Topic:
    return Topic(name, partitions, {"cleanup.policy": "compact", **config})


_CHECKPOINT = {"segment.bytes": str(16 * 1024 * 1024), "min.cleanable.dirty.ratio": "0.1"}


def checkpoint_topic(app: str, source: str) -> str:
    """Where `app` keeps the checkpoints of `source`: as many partitions, partition p for partition p."""
    return f"ioc.checkpoints.{app}.{source}"


_TOPICS = (
    _log(READINGS, 8, 7),
    _log(DETECTIONS, 8, 7),
    _log(CASES, 1, 30),
    _log(DERIVED, 8, 7, "CreateTime"),
    _log(CONDITIONS, 1, 90),
    _log(ALERTS, 1, 90),
    _compacted(ALERT_STATE, 1),
    _compacted(CATALOGUE, 1, **{"min.compaction.lag.ms": str(7 * _DAY_MS)}),
    _compacted(CAMERAS, 32),
    _log(DEADLETTER, 1, 30, "CreateTime"),
    _compacted(checkpoint_topic("rules", READINGS), 8, **_CHECKPOINT),
    _compacted(checkpoint_topic("rules", DETECTIONS), 8, **_CHECKPOINT),
    _compacted(checkpoint_topic("rules", CASES), 1, **_CHECKPOINT),
    _compacted(checkpoint_topic("alerts", CONDITIONS), 1, **_CHECKPOINT),
)
TOPICS: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in _TOPICS})
"""Every topic by its name."""


def partition_of(device: str, partitions: int) -> int:
    """The partition of a device or camera: CRC-32 (ISO-HDLC) of its id modulo the number of partitions."""
    return zlib.crc32(device.encode()) % partitions
