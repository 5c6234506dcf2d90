"""A rule's levels bound to one device: its numbers looked up, its comparisons made callable."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.core.catalogue import DatedValue
from pipeline.core.conditions import Severity, Threshold
from rules.engine.settings import Clear, Level, Operator, Predicate, Rule

if TYPE_CHECKING:
    from rules.engine.catalogue import Catalogue

Test = Callable[[float | None, str | None], bool]


def never(_value: float | None, _text: str | None) -> bool:
    """The comparison of a device that lacks the attribute to compare with."""
    return False


def test_of(predicate: Predicate, attributes: dict[str, Any]) -> tuple[Test, tuple[float, ...]]:
    """The comparison as a function of (value, text), and the numbers it compares with."""
    numbers = [number.of(attributes) for number in predicate.numbers]
    bounds = tuple(number for number in numbers if number is not None)
    if len(bounds) < len(numbers):
        return never, ()
    return _MAKERS[predicate.operator](bounds, predicate.text), bounds


def _above(bounds: tuple[float, ...], _text: str | None) -> Test:
    (bound,) = bounds
    return lambda value, text: value is not None and value > bound


def _below(bounds: tuple[float, ...], _text: str | None) -> Test:
    (bound,) = bounds
    return lambda value, text: value is not None and value < bound


def _outside(bounds: tuple[float, ...], _text: str | None) -> Test:
    low, high = bounds
    return lambda value, text: value is not None and (value < low or value > high)


def _equals(bounds: tuple[float, ...], wanted: str | None) -> Test:
    if wanted is not None:
        return lambda value, text: text == wanted
    (bound,) = bounds
    return lambda value, text: value == bound


_MAKERS: dict[Operator, Callable[[tuple[float, ...], str | None], Test]] = {
    Operator.ABOVE: _above,
    Operator.BELOW: _below,
    Operator.OUTSIDE: _outside,
    Operator.EQUALS: _equals,
}


class BoundClear(msgspec.Struct, frozen=True):
    """A clear side, bound. `test` None: the raise predicate no longer holds."""

    test: Test | None
    hold_ms: int


class BoundLevel(msgspec.Struct, frozen=True):
    """A level, bound."""

    severity: Severity
    test: Test
    hold_ms: int | None
    clear: BoundClear | None
    threshold: Threshold


class Bound(msgspec.Struct, frozen=True):
    """A rule's raise and clear sides for one device.

    A value from `quiet_low` to `quiet_high` (both included) is sure to make no level true.
    """

    levels: tuple[BoundLevel, ...]
    clear: BoundClear
    hold_ms: int
    quiet_low: float
    quiet_high: float


DatedBounds = tuple[tuple[int, Bound], ...]
"""Bounds and the times (ms) from which each is in force, in order of time."""
_ALWAYS = -(2**62)


def bind(rule: Rule, attributes: dict[str, Any], device: str, valid: Mapping[str, DatedValue] | None = None) -> Bound:
    """The rule's comparisons with the numbers of one device. `valid`: those among them that are dated."""
    levels = tuple(_level(rule, level, attributes, device, valid or {}) for level in rule.levels)
    low, high = _quiet(rule, attributes)
    return Bound(levels, _clear(rule.clear, attributes), rule.hold_ms, low, high)


NEVER_QUIET = (math.inf, -math.inf)


def bind_one(
    rule: Rule,
    severity: Severity,
    test: Test,
    predicate: dict[str, Any],
    attributes: dict[str, Any],
    quiet: tuple[float, float] = NEVER_QUIET,
) -> Bound:
    """One level whose comparison is the kind's own; `predicate` is what evidence shows of it, `quiet` see Bound."""
    shown = Threshold(predicate=predicate, legal=rule.alert.legal)
    level = BoundLevel(severity, test, None, None, shown)
    return Bound((level,), _clear(rule.clear, attributes), rule.hold_ms, *quiet)


def bounds_of(rule: Rule, catalogue: Catalogue, device: str) -> DatedBounds:
    """The bounds of a rule and a device over all time. What is quiet under one of them is quiet under all."""
    dated = catalogue.dated(device, attributes_of(rule))
    cuts = {one.valid_from for values in dated.values() for one in values}
    cuts |= {one.valid_to for values in dated.values() for one in values}
    found = []
    for at in sorted({_ALWAYS, *(cut for cut in cuts if cut is not None)}):
        valid = {name: one for name, values in dated.items() for one in values if one.holds(at)}
        found.append((at, bind(rule, catalogue.attributes(device, at), device, valid)))
    low = max(bound.quiet_low for _, bound in found)
    high = min(bound.quiet_high for _, bound in found)
    return tuple((at, msgspec.structs.replace(bound, quiet_low=low, quiet_high=high)) for at, bound in found)


def bound_at(bounds: DatedBounds, at: int) -> Bound:
    """The bound that is in force at `at`."""
    return bounds[bisect_right(bounds, at, key=itemgetter(0)) - 1][1]


def attributes_of(rule: Rule) -> tuple[str, ...]:
    """The attributes that a rule compares with."""
    sides = [level.predicate for level in rule.levels]
    sides += [
        clear.predicate for clear in (rule.clear, *(level.clear for level in rule.levels)) if clear and clear.predicate
    ]
    return tuple(sorted({number.attribute for side in sides for number in side.numbers if number.attribute}))


def _level(
    rule: Rule, level: Level, attributes: dict[str, Any], device: str, valid: Mapping[str, DatedValue]
) -> BoundLevel:
    test, bounds = test_of(level.predicate, attributes)
    clear = None if level.clear is None else _clear(level.clear, attributes)
    return BoundLevel(level.severity, test, level.hold_ms, clear, _threshold(rule, level, bounds, device, valid))


def _clear(clear: Clear, attributes: dict[str, Any]) -> BoundClear:
    test = None if clear.predicate is None else test_of(clear.predicate, attributes)[0]
    return BoundClear(test, clear.hold_ms)


def _threshold(
    rule: Rule, level: Level, bounds: tuple[float, ...], device: str, valid: Mapping[str, DatedValue]
) -> Threshold:
    names = [number.attribute for number in level.predicate.numbers if number.attribute]
    operand: Any = level.predicate.text if level.predicate.text is not None else list(bounds)
    if isinstance(operand, list) and len(operand) == 1:
        operand = operand[0]
    dated = [valid[name] for name in names if name in valid]
    return Threshold(
        predicate={level.predicate.operator.value: operand},
        origin=f"attribute {', '.join(names)} of {device}" if names else "rule",
        legal="; ".join(one.legal for one in dated if one.legal) or rule.alert.legal,
        valid_from=max((one.valid_from for one in dated if one.valid_from is not None), default=None),
        valid_to=min((one.valid_to for one in dated if one.valid_to is not None), default=None),
    )


def _quiet(rule: Rule, attributes: dict[str, Any]) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for level in rule.levels:
        bounds = test_of(level.predicate, attributes)[1]
        operator = level.predicate.operator
        if operator is Operator.EQUALS:
            return NEVER_QUIET
        if bounds and operator in (Operator.ABOVE, Operator.OUTSIDE):
            high = min(high, bounds[-1])
        if bounds and operator in (Operator.BELOW, Operator.OUTSIDE):
            low = max(low, bounds[0])
    return low, high
