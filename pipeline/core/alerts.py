"""What travels on `ioc.alerts.v1` and `ioc.alerts.state.v1`: alerts as CloudEvents 1.0 in Kafka binary mode."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from pipeline.core.conditions import Severity, Why

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"
MAX_ALERT_BYTES = 64 * 1024


class AlertEvent(StrEnum):
    """Types of events on the alert topic."""

    RAISED = "vn.ioc.alert.raised.v1"
    UPDATED = "vn.ioc.alert.updated.v1"
    ACKNOWLEDGED = "vn.ioc.alert.acknowledged.v1"
    UNACKNOWLEDGED = "vn.ioc.alert.unacknowledged.v1"
    ASSIGNED = "vn.ioc.alert.assigned.v1"
    SHELVED = "vn.ioc.alert.shelved.v1"
    UNSHELVED = "vn.ioc.alert.unshelved.v1"
    SUPPRESSED = "vn.ioc.alert.suppressed.v1"
    CLEARED = "vn.ioc.alert.cleared.v1"
    CLOSED = "vn.ioc.alert.closed.v1"
    COMMENTED = "vn.ioc.alert.commented.v1"
    REFUSED = "vn.ioc.alert.refused.v1"
    INCIDENT_OPENED = "vn.ioc.incident.opened.v1"
    INCIDENT_UPDATED = "vn.ioc.incident.updated.v1"
    INCIDENT_CLOSED = "vn.ioc.incident.closed.v1"
    PROGRESS = "vn.ioc.progress.v1"


class Status(StrEnum):
    """Whether an alert is real. A drill must never look real (OASIS CAP 1.2 `status`)."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text in the two languages of the product."""

    vi: str = ""
    en: str = ""

    def best(self, language: str) -> str:
        """The text in `language`, or in the other one where it is missing."""
        return (self.en or self.vi) if language == "en" else (self.vi or self.en)


class Flag(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side of an alert's state: since when (RFC 3339), by whom and why."""

    on: bool
    since: str = ""
    by: str = ""
    reason: str = ""


class AlertState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Active and acknowledged are independent (ISA-18.2, OPC UA part 9)."""

    active: Flag
    acked: Flag
    closed: Flag = Flag(False)


class Entity(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an alert is about."""

    kind: str
    id: str
    name: Text = Text()
    site: str = ""
    areas: tuple[str, ...] = ()


class Times(msgspec.Struct, frozen=True, omit_defaults=True):
    """When it happened, was logged, judged and told; RFC 3339. `emitted` alone comes from a wall clock."""

    begin: str = ""
    event: str = ""
    log: str = ""
    evaluated: str = ""
    end: str = ""


class Comment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's remark on an alert."""

    by: str
    at: str
    note: str


class Alert(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Newest whole state of an alert; the body of its every event."""

    alert: str
    key: str
    rule: str
    rule_version: str
    episode: int
    sequence: int
    state: AlertState
    severity: Severity
    highest: Severity
    entity: Entity
    headline: Text = Text()
    description: Text = Text()
    instruction: Text = Text()
    steps: tuple[Text, ...] = ()
    category: str = ""
    legal: str = ""
    location: dict[str, Any] | None = None
    why: Why = Why()
    times: Times = Times()
    comments: tuple[Comment, ...] = ()
    status: Status = Status.ACTUAL
    late: bool = False
    reason: str = ""
    refused: str = ""


class EvaluatedUpTo(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `vn.ioc.progress.v1`: everything that the broker took before `upto` has been judged.

    `upto` is the least log time over all input partitions; `alerts` is the alerts worker's own log time.
    """

    upto: int
    alerts: int
    sources: dict[str, int] = {}
