"""Reading the `raise` and `clear` sides of a rule."""

from __future__ import annotations

import math

from pipeline.core.conditions import RANK, Severity
from rules.engine.fields import Fields
from rules.engine.settings import Clear, Level, Number, Operator, Predicate

OPERATORS = [operator.value for operator in Operator]
SEVERITIES = {severity.value: severity for severity in Severity if severity is not Severity.CLEARED}
_OPERATORS, _SEVERITIES = ", ".join(OPERATORS), ", ".join(SEVERITIES)


def read_levels(fields: Fields, severity: str | None, needed: bool) -> tuple[Level, ...]:
    """The levels under `raise`, lowest severity first. One unnamed level takes the rule's `severity` or warning."""
    if "raise" not in fields:
        fields.raw("raise")
        if needed:
            fields.require("raise")
        return ()
    if not needed:
        fields.unwanted("raise", "this kind has none", vi="loại quy tắc này không có")
    inner = fields.inner("raise")
    if any(key in OPERATORS for key in inner.names()):
        return (_level(inner, SEVERITIES[severity or "warning"]),)
    if severity:
        fields.wrong("severity", "no severity beside named levels", vi="bỏ severity khi các mức đã có tên")
    levels = [_level(inner.inner(name), SEVERITIES[name]) for name in inner.names() if name in SEVERITIES]
    for name in inner.names():
        if name not in SEVERITIES:
            inner.wrong(
                name,
                f"a severity ({_SEVERITIES}) or a comparison ({_OPERATORS})",
                vi=f"một mức ({_SEVERITIES}) hoặc một phép so sánh ({_OPERATORS})",
            )
    if not levels:
        fields.wrong(
            "raise",
            f"one of {_OPERATORS}, or levels named {_SEVERITIES}",
            vi=f"một trong {_OPERATORS}, hoặc các mức có tên {_SEVERITIES}",
        )
    return tuple(sorted(levels, key=lambda level: RANK[level.severity]))


def read_severity(fields: Fields) -> Severity:
    """The `severity` of a kind without levels; warning when it has none. The loader has noted a wrong one."""
    return SEVERITIES.get(fields.raw("severity"), Severity.WARNING)


def read_clear(fields: Fields, name: str) -> Clear:
    """The `clear` side: a predicate, `for`, or both."""
    if name not in fields:
        fields.raw(name)
        return Clear()
    inner = fields.inner(name)
    clear = Clear(read_predicate(inner), inner.duration("for", 0))
    inner.no_more()
    return clear


def _level(fields: Fields, severity: Severity) -> Level:
    predicate = read_predicate(fields)
    if predicate is None:
        fields.bare(f"a comparison: one of {_OPERATORS}", vi=f"một phép so sánh: một trong {_OPERATORS}")
        predicate = Predicate(Operator.ABOVE, (Number(math.inf),))
    hold = fields.duration("for", None)
    clear = read_clear(fields, "clear") if "clear" in fields else None
    fields.raw("clear")
    fields.no_more()
    return Level(severity, predicate, hold, clear)


def read_predicate(fields: Fields) -> Predicate | None:
    """The one comparison of a mapping; None when there is none."""
    given = [name for name in OPERATORS if name in fields]
    for name in OPERATORS:
        fields.raw(name)
    if len(given) > 1:
        wanted = f"one comparison only; {given[0]} is there already"
        fields.wrong(given[1], wanted, vi=f"chỉ một phép so sánh; đã có {given[0]}")
    if not given:
        return None
    return _comparison(fields, Operator(given[0]))


def _comparison(fields: Fields, operator: Operator) -> Predicate:
    value = fields.raw(operator)
    if operator is Operator.EQUALS and isinstance(value, str):
        return Predicate(operator, (), value)
    if operator is Operator.OUTSIDE:
        return Predicate(operator, read_bounds(fields, "outside", value))
    return Predicate(operator, (read_number(fields, operator, value),))


def read_bounds(fields: Fields, field: str, value: object) -> tuple[Number, ...]:
    """Two numbers, the lower one first."""
    if not isinstance(value, list) or len(value) != 2:
        fields.wrong(field, "two numbers, [low, high]", vi="hai số, [thấp, cao]")
        return (Number(-math.inf), Number(math.inf))
    low, high = (read_number(fields, field, item) for item in value)
    if not low.attribute and not high.attribute and low.value > high.value:
        fields.wrong(field, "the lower number first", vi="số nhỏ hơn đứng trước")
    return (low, high)


def read_number(fields: Fields, field: str, value: object) -> Number:
    """A number, or the attribute of a device that holds it."""
    if isinstance(value, dict) and isinstance(value.get("attribute"), str) and set(value) <= {"attribute", "plus"}:
        plus = value.get("plus", 0)
        if _is_number(plus):
            return Number(attribute=value["attribute"], plus=float(plus))
    if _is_number(value):
        return Number(float(value))  # type: ignore[arg-type]
    fields.wrong(
        field,
        "a number, or {attribute: name of a device attribute, plus: number}",
        vi="một số, hoặc {attribute: tên thuộc tính của thiết bị, plus: số}",
    )
    return Number()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
