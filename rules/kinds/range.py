"""`range`: a value outside what is plausible, by the table of quantities or the rule's own bounds."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Severity
from pipeline.core.quantities import QUANTITIES
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.predicates import read_bounds, read_severity
from rules.engine.settings import Level, Number, Operator, Predicate, Rule
from rules.engine.state import LifeState
from rules.engine.watch import Entity, Watch
from rules.kinds.threshold import ThresholdWatch


class RangeSettings(msgspec.Struct, frozen=True):
    """Lowest and highest value that is right."""

    bounds: tuple[Number, ...]
    severity: Severity


class Range:
    """The kind: a threshold with one level, outside the range."""

    needs_raise = False
    needs_quantity = True
    starts = False
    single = True
    states = (LifeState,)

    def read(self, fields: Fields) -> RangeSettings:
        """`range` ([low, high]; default: the quantity's plausible range) and `severity`."""
        bounds = fields.raw("range")
        found = read_bounds(fields, "range", bounds) if bounds is not None else _plausible(fields)
        return RangeSettings(found, read_severity(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        level = Level(rule.own.severity, Predicate(Operator.OUTSIDE, rule.own.bounds))
        return ThresholdWatch(replace(rule, levels=(level,)), entity, catalogue)


def _plausible(fields: Fields) -> tuple[Number, ...]:
    scope: Any = fields.data.get("scope")
    name = scope.get("quantity") if isinstance(scope, dict) else None
    row = QUANTITIES.get(name) if isinstance(name, str) else None
    if row is not None and row.low is None and row.high is None:
        fields.wrong(
            "range",
            f"two numbers, [low, high]: the table has no range for {row.name}",
            vi=f"hai số, [thấp, cao]: bảng đại lượng không có khoảng cho {row.name}",
        )
    low = -math.inf if row is None or row.low is None else row.low
    high = math.inf if row is None or row.high is None else row.high
    return (Number(low), Number(high))


KIND = Range()
