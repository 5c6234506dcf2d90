"""What a rule says, validated and frozen. Running logic and state live elsewhere."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from pipeline.core.alerts import Text
from pipeline.core.conditions import Severity
from pipeline.core.events import Quality
from pipeline.core.schedule import Schedule

DEFAULT_LATENESS_MS = 10_000
DEFAULT_STALE_MS = 600_000
USABLE = frozenset({Quality.GOOD, Quality.UNCERTAIN})


class Operator(StrEnum):
    """How a value is compared. Comparisons are strict: a value equal to the bound is neither above nor below."""

    ABOVE = "above"
    BELOW = "below"
    OUTSIDE = "outside"
    EQUALS = "equals"


class Number(msgspec.Struct, frozen=True):
    """A number of a rule: given, or the `attribute` of the device that is judged, plus `plus`."""

    value: float = 0.0
    attribute: str = ""
    plus: float = 0.0

    def of(self, attributes: dict[str, Any]) -> float | None:
        """The number for a device with these attributes; None when the device does not have it."""
        if not self.attribute:
            return self.value
        found = attributes.get(self.attribute)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found) + self.plus


class Predicate(msgspec.Struct, frozen=True):
    """One comparison. `outside` has two numbers; `equals` has a number or a text."""

    operator: Operator
    numbers: tuple[Number, ...] = ()
    text: str | None = None


class Clear(msgspec.Struct, frozen=True):
    """When a condition or a level is over. Without a predicate: when the raise predicate no longer holds."""

    predicate: Predicate | None = None
    hold_ms: int = 0


class Level(msgspec.Struct, frozen=True):
    """One severity of a rule. `hold_ms` and `clear` are the level's own, None when it has none."""

    severity: Severity
    predicate: Predicate
    hold_ms: int | None = None
    clear: Clear | None = None


class DetectionScope(msgspec.Struct, frozen=True):
    """Which detections a rule watches; an empty field matches everything."""

    event: str = ""
    zone: str = ""
    label: str = ""


class CaseScope(msgspec.Struct, frozen=True):
    """Which cases a rule watches; an empty field matches everything."""

    case: str = ""
    department: str = ""


class Scope(msgspec.Struct, frozen=True):
    """Which entities a rule watches: every field given must match. `area` stands for its whole subtree."""

    quantity: str = ""
    area: str = ""
    group: str = ""
    types: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    detections: DetectionScope | None = None
    cases: CaseScope | None = None

    @property
    def narrow(self) -> bool:
        """Whether matching needs to know the device."""
        return bool(self.area or self.group or self.types or self.tags or self.sites)


class AlertText(msgspec.Struct, frozen=True):
    """What an alert of this rule tells people beside the figures."""

    category: str = ""
    instruction: Text = Text()
    steps: tuple[Text, ...] = ()
    legal: str = ""


class Origin(msgspec.Struct, frozen=True):
    """The pack that a rule came with and its version; `overridden`: the fields that a centre's override changed."""

    pack: str = ""
    version: str = ""
    overridden: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One validated rule. Times are milliseconds.

    `version`: sha256 of the canonical JSON without tests and titles. `shape`: the same without everything
    that may change while state is kept. `own`: the kind's own settings. `inputs`: the quantities that it reads when
    they are not that of its scope. `reorder_ms`: for how long readings wait to be sorted. `place`: file and line.
    """

    id: str
    kind: str
    scope: Scope
    version: str
    shape: str
    title: Text = Text()
    levels: tuple[Level, ...] = ()
    clear: Clear = Clear()
    hold_ms: int = 0
    schedule: Schedule | None = None
    alert: AlertText = AlertText()
    shadow: bool = False
    lateness_ms: int | None = None
    live_for_ms: int | None = None
    stale_after_ms: int | None = None
    quality: frozenset[Quality] = USABLE
    own: Any = None
    inputs: tuple[str, ...] = ()
    reorder_ms: int = 0
    tests: tuple[dict[str, Any], ...] = ()
    source: dict[str, Any] = {}
    place: str = ""
    origin: Origin = Origin()
