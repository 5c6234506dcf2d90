"""What each topic becomes in the store: columns, their types, and rows from decoded lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from psycopg.types.json import Jsonb

from pipeline.core import codec
from pipeline.core.alerts import Alert, AlertEvent
from pipeline.core.clock import parse_rfc3339
from pipeline.core.codec import LineCodec
from pipeline.core.conditions import Condition, ConditionLine
from pipeline.core.events import Case, Detection, Quality, Reading

QUALITY_CODE = {quality: code for code, quality in enumerate(Quality)}
"""good 0, uncertain 1, bad 2, stale 3."""
_READING_EXTRAS = ("site", "status", "point", "origin", "historical", "device_at", "generation")
_LOG_COLUMNS = ("log", "log_partition", "log_offset", "line")
_LOG_TYPES = ("timestamptz", "int2", "int8", "int2")
_dumps = msgspec.json.Encoder().encode


class Place(NamedTuple):
    """Where a line stands in the log: append time (ms), partition, offset, line; and the record's headers."""

    log: int
    partition: int
    offset: int
    line: int
    headers: dict[str, bytes]


class Table(NamedTuple):
    """One topic's table. `row` gives None for a line that is not stored here (progress, partials, verbs).

    `same`: columns that must agree when a row is there already; if they do not, that is counted.
    `passes`: by its headers, a record is no history (progress on the alert topic) and is not even decoded.
    `series`: rows name their series as (device, quantity, unit) in the first column until the writer knows its id.
    """

    name: str
    codec: LineCodec[Any]
    columns: tuple[str, ...]
    types: tuple[str, ...]
    key: tuple[str, ...]
    same: tuple[str, ...]
    row: Callable[[Any, Place], Sequence[Any] | None]
    series: bool = False
    passes: Callable[[dict[str, bytes]], bool] = lambda headers: False


def moment(ms: int) -> datetime:
    """`ms` since the epoch as an aware datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def _log(place: Place) -> tuple[datetime, int, int, int]:
    return (moment(place.log), place.partition, place.offset, place.line)


def _reading(reading: Reading, place: Place) -> Sequence[Any]:
    # almost every reading has no extras: leave the costly conversion to those that have
    extras = {name: getattr(reading, name) for name in _READING_EXTRAS if getattr(reading, name)}
    return (
        (reading.device, reading.quantity, reading.unit),
        moment(reading.at),
        reading.seq,
        reading.value,
        reading.text,
        QUALITY_CODE[reading.quality],
        reading.raw,
        Jsonb(extras, dumps=_dumps) if extras else None,
        *_log(place),
    )


def _detection(detection: Detection, place: Place) -> Sequence[Any]:
    return (
        detection.camera,
        moment(detection.at),
        detection.event,
        detection.zone,
        detection.line,
        detection.track,
        detection.edge or "",
        Jsonb(detection, dumps=_dumps),
        *_log(place),
    )


def _case(case: Case, place: Place) -> Sequence[Any]:
    due = None if case.due_at is None else moment(case.due_at)
    body = Jsonb(case, dumps=_dumps)
    return (case.case, moment(case.at), case.kind, case.state, case.department, due, body, *_log(place))


def _condition(line: ConditionLine, place: Place) -> Sequence[Any] | None:
    if not isinstance(line, Condition):
        return None
    return (
        line.id,
        moment(line.at),
        line.rule,
        line.key,
        line.episode,
        line.n,
        line.edge,
        line.severity,
        line.shadow,
        Jsonb(line, dumps=_dumps),
        *_log(place),
    )


def _is_progress(headers: dict[str, bytes]) -> bool:
    return headers.get("ce_type") == AlertEvent.PROGRESS.encode()


def _alert_event(alert: Alert, place: Place) -> Sequence[Any]:
    return (
        place.headers["ce_id"].decode(),
        moment(parse_rfc3339(place.headers["ce_time"].decode())),
        alert.alert,
        alert.key,
        place.headers["ce_type"].decode(),
        alert.sequence,
        Jsonb(alert, dumps=_dumps),
        *_log(place),
    )


_VALUES = ("series", "at", "seq", "value", "text", "quality", "raw", "extra", *_LOG_COLUMNS)
_VALUE_TYPES = ("int4", "timestamptz", "int8", "float8", "text", "int2", "float8", "jsonb", *_LOG_TYPES)


def _values(name: str) -> Table:
    return Table(
        name, codec.readings, _VALUES, _VALUE_TYPES, ("series", "at", "seq"), ("value", "text"), _reading, series=True
    )


READINGS = _values("readings")
DERIVED = _values("derived")
DETECTIONS = Table(
    "detections",
    codec.detections,
    ("camera", "at", "event", "zone", "line_name", "track", "edge", "body", *_LOG_COLUMNS),
    ("text", "timestamptz", "text", "text", "text", "text", "text", "jsonb", *_LOG_TYPES),
    ("camera", "at", "event", "zone", "line_name", "track", "edge"),
    ("body",),
    _detection,
)
CASES = Table(
    "cases",
    codec.cases,
    ("case_id", "at", "kind", "state", "department", "due_at", "body", *_LOG_COLUMNS),
    ("text", "timestamptz", "text", "text", "text", "timestamptz", "jsonb", *_LOG_TYPES),
    ("case_id", "at", "state"),
    ("body",),
    _case,
)
CONDITIONS = Table(
    "conditions",
    codec.conditions,
    ("id", "at", "rule", "key", "episode", "n", "edge", "severity", "shadow", "body", *_LOG_COLUMNS),
    ("text", "timestamptz", "text", "text", "int8", "int4", "text", "text", "bool", "jsonb", *_LOG_TYPES),
    ("id", "at"),
    ("edge", "severity"),
    _condition,
)
ALERT_EVENTS = Table(
    "alert_event",
    LineCodec(Alert),
    ("id", "at", "alert", "key", "type", "sequence", "body", *_LOG_COLUMNS),
    ("text", "timestamptz", "text", "text", "text", "int4", "jsonb", *_LOG_TYPES),
    ("id", "at"),
    ("sequence",),
    _alert_event,
    passes=_is_progress,
)
