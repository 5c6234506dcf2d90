"""A rule's levels bound to one device: its numbers looked up, its comparisons made callable."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from pipeline.core.conditions import Severity, Threshold
from rules.engine.settings import Clear, Level, Operator, Predicate, Rule

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


def bind(rule: Rule, attributes: dict[str, Any], device: str) -> Bound:
    """The rule's comparisons with the numbers of one device."""
    levels = tuple(_level(rule, level, attributes, device) for level in rule.levels)
    low, high = _quiet(rule, attributes)
    return Bound(levels, _clear(rule.clear, attributes), rule.hold_ms, low, high)


def bind_one(
    rule: Rule, severity: Severity, test: Test, predicate: dict[str, Any], attributes: dict[str, Any]
) -> Bound:
    """One level whose comparison is the kind's own; `predicate` is what evidence shows of it."""
    shown = Threshold(predicate=predicate, legal=rule.alert.legal)
    level = BoundLevel(severity, test, None, None, shown)
    return Bound((level,), _clear(rule.clear, attributes), rule.hold_ms, math.inf, -math.inf)


def _level(rule: Rule, level: Level, attributes: dict[str, Any], device: str) -> BoundLevel:
    test, bounds = test_of(level.predicate, attributes)
    clear = None if level.clear is None else _clear(level.clear, attributes)
    return BoundLevel(level.severity, test, level.hold_ms, clear, _threshold(rule, level, bounds, device))


def _clear(clear: Clear, attributes: dict[str, Any]) -> BoundClear:
    test = None if clear.predicate is None else test_of(clear.predicate, attributes)[0]
    return BoundClear(test, clear.hold_ms)


def _threshold(rule: Rule, level: Level, bounds: tuple[float, ...], device: str) -> Threshold:
    names = [number.attribute for number in level.predicate.numbers if number.attribute]
    operand: Any = level.predicate.text if level.predicate.text is not None else list(bounds)
    if isinstance(operand, list) and len(operand) == 1:
        operand = operand[0]
    origin = f"attribute {', '.join(names)} of {device}" if names else "rule"
    return Threshold(predicate={level.predicate.operator.value: operand}, origin=origin, legal=rule.alert.legal)


def _quiet(rule: Rule, attributes: dict[str, Any]) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for level in rule.levels:
        bounds = test_of(level.predicate, attributes)[1]
        operator = level.predicate.operator
        if operator is Operator.EQUALS:
            return math.inf, -math.inf
        if bounds and operator in (Operator.ABOVE, Operator.OUTSIDE):
            high = min(high, bounds[-1])
        if bounds and operator in (Operator.BELOW, Operator.OUTSIDE):
            low = max(low, bounds[0])
    return low, high
