"""What travels on `ioc.conditions.v1`: conditions, area partials, progress lines and operators' verbs."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.core.events import Ms, Position, Quality


class Severity(StrEnum):
    """ITU-T X.733 perceived severity. `RANK` orders it; `cleared` is what an ended alert shows."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"
    INDETERMINATE = "indeterminate"
    CLEARED = "cleared"


RANK = {severity: rank for rank, severity in enumerate(reversed(Severity))}
"""Rank of a severity: cleared 0, indeterminate 1, warning 2, minor 3, major 4, critical 5."""


class ConditionEdge(StrEnum):
    """A condition begins, changes and ends."""

    BEGIN = "begin"
    UPDATE = "update"
    END = "end"


class EndReason(StrEnum):
    """Why a condition ended otherwise than by its own clear predicate."""

    SCHEDULE = "schedule"
    RULE_CHANGED = "rule_changed"
    RULE_REMOVED = "rule_removed"
    RULE_FAILED = "rule_failed"
    OUT_OF_SCOPE = "out_of_scope"


class Operand(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input of a decision, with the place in the log where anyone can read it again."""

    device: str
    quantity: str = ""
    value: float | None = None
    text: str | None = None
    unit: str = ""
    quality: Quality = Quality.GOOD
    at: Ms
    seq: int = 0
    topic: str = ""
    partition: int = 0
    offset: int = 0
    line: int = 0
    evidence: str = ""


class Threshold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The bound that was judged against and where it came from; a dated attribute is valid [from, to)."""

    predicate: dict[str, Any]
    origin: str = "rule"
    legal: str = ""
    valid_from: Ms | None = None
    valid_to: Ms | None = None


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The window whose aggregate was judged. `end` is exclusive."""

    type: str
    start: Ms
    end: Ms
    aggregate: str = ""
    value: float | None = None
    count: int = 0
    coverage: float | None = None
    insufficient: bool = False


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a person needs to check a decision by hand. `conditions`: keys of those that stage 2 counted."""

    operands: tuple[Operand, ...] = ()
    threshold: Threshold | None = None
    window: Window | None = None
    held_for_ms: int = 0
    watermark: Ms | None = None
    count: int = 0
    min: float | None = None
    max: float | None = None
    last: float | None = None
    unknown: bool | None = None
    detail: str = ""
    conditions: tuple[str, ...] = ()


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="condition"):
    """One edge of a condition. `n` counts from 0 within an episode. `point`: where, when no device tells it."""

    id: str
    rule: str
    rule_version: str
    key: str
    episode: Ms
    n: int
    edge: ConditionEdge
    severity: Severity
    at: Ms
    log: Ms
    reason: EndReason | None = None
    late: bool = False
    shadow: bool = False
    device: str = ""
    point: Position | None = None
    why: Why = Why()


class Partial(msgspec.Struct, frozen=True, kw_only=True, tag="partial"):
    """A mergeable aggregate of one source partition's share of an area; replaces its predecessor."""

    rule: str
    area: str
    source: str
    pane: Ms
    value: dict[str, Any]


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress"):
    """How far a worker has evaluated one source partition, in log time."""

    source: str
    log: Ms


class VerbName(StrEnum):
    """What an operator can do to an alert."""

    RAISE = "raise"
    ACK = "ack"
    UNACK = "unack"
    ASSIGN = "assign"
    HAND_OFF = "hand_off"
    RESOLVE = "resolve"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    SUPPRESS = "suppress"
    UNSUPPRESS = "unsuppress"
    OUT_OF_SERVICE = "out_of_service"
    IN_SERVICE = "in_service"
    COMMENT = "comment"
    FALSE_ALARM = "false_alarm"
    CLOSE = "close"
    UNDO = "undo"
    MERGE = "merge"
    SPLIT = "split"


class Verb(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="verb"):
    """An operator's deed. `seen` is the alert's sequence on the operator's screen; `id` makes repeats harmless."""

    id: str
    verb: VerbName
    key: str
    by: str
    at: Ms
    alert: str = ""
    seen: int = 0
    until: Ms | None = None
    reason: str = ""
    note: str = ""


ConditionLine = Condition | Partial | Progress | Verb
"""What a line of `ioc.conditions.v1` can be, told apart by its `type`."""


def condition_id(rule: str, key: str, episode: int, n: int) -> str:
    """Deterministic id of one edge of a condition: a replay writes the same one."""
    return _digest(f"{rule}|{key}|{episode}|{n}")


def alert_id(rule: str, key: str, episode: int) -> str:
    """Deterministic id of the alert that an episode raises."""
    return _digest(f"{rule}|{key}|{episode}")


def alert_event_id(alert: str, cause: str, type_: str) -> str:
    """Deterministic id of one event of an alert; `cause` is a condition's id, a verb's id or a timer's name."""
    return _digest(f"{alert}|{cause}|{type_}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def next_episode(begin_ms: int, previous: int | None) -> int:
    """Episode number of a condition that begins at `begin_ms`: above the key's previous one in every case."""
    return begin_ms if previous is None or begin_ms > previous else previous + 1
