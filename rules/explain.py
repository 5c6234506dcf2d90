"""Whether an alert's evidence still gives the same result: its operands read again, its comparison done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pipeline.core.alerts import Alert
from pipeline.core.clock import parse_rfc3339, rfc3339
from pipeline.core.conditions import Condition, ConditionEdge, Operand, Why
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import test_of
from rules.engine.cycles import members_among
from rules.engine.settings import Number, Operator, Predicate, Rule
from rules.kinds.aggregates import AGGREGATES, Memory

_CLOSE = 1e-9


class Check(msgspec.Struct, frozen=True):
    """One thing looked at again. `same` None: it cannot be looked at any more, and why stands in `detail`."""

    what: str
    same: bool | None
    detail: str


def check_operand(operand: Operand, found: Reading | None) -> Check:
    """Whether an operand stands where the evidence says, with the value that it says."""
    what = f"{operand.device} {operand.quantity} at {operand.topic}/{operand.partition}/{operand.offset}:{operand.line}"
    if found is None:
        return Check(what, None, "neither in the log nor in the store any more")
    mine = (operand.device, operand.quantity, operand.at, operand.seq, operand.value, operand.text)
    theirs = (found.device, found.quantity, found.at, found.seq, found.value, found.text)
    shown = found.text if found.text is not None else found.value
    return Check(what, mine == theirs, f"{shown} {found.unit}".strip())


def check_window(why: Why, readings: Sequence[Reading]) -> Check:
    """Whether the aggregate over the readings of the window, in order, is the one that was judged."""
    assert why.window is not None
    window = why.window
    what = f"{window.aggregate} of {window.count} readings"
    aggregate = AGGREGATES.get(window.aggregate)
    if window.type == "area" or aggregate is None or window.aggregate in ("increase", "coverage"):
        return Check(what, None, "needs more than this window's readings of one series")
    ordered = sorted(readings, key=lambda one: (one.at, one.seq))
    values = [
        one.value for one in ordered if window.start <= one.at < window.end and one.usable and one.value is not None
    ]
    memory: Memory = ()
    for value in values:
        memory = aggregate.add(memory, value)
    again = aggregate.value(memory, len(values)) if values else aggregate.empty
    same = len(values) == window.count and _equal(again, window.value)
    return Check(what, same, f"{again} of {len(values)} readings now, {window.value} then")


def check_comparison(why: Why) -> Check:
    """Whether the newest value does what the threshold says. At an end or update it need not: this is for a begin."""
    predicate = None if why.threshold is None else _predicate(why)
    if predicate is None:
        return Check("comparison", None, "this kind of rule compares more than one value")
    operand = why.operands[-1] if why.operands else None
    value = why.window.value if why.window is not None else (operand.value if operand else None)
    text = operand.text if operand is not None and why.window is None else None
    holds = test_of(predicate, {})[0](value, text)
    assert why.threshold is not None
    return Check("comparison", holds, f"{text if text is not None else value} against {why.threshold.predicate}")


def check_replay(alert: Alert, conditions: Iterable[Condition], over: str) -> Check:
    """Whether a replay through the live engine has the condition at the alert's begin, with its severity.

    A condition that the replay begins earlier counts: the rule may have come, or changed, while it held.
    `over`: what was replayed, in words.
    """
    begin = parse_rfc3339(alert.times.begin)
    mine = sorted((one for one in conditions if one.key == alert.key), key=lambda one: (one.episode, one.n))
    before = [one for one in mine if one.at <= begin]
    same = [one for one in before if one.episode == alert.episode and one.edge is ConditionEdge.BEGIN]
    newest = (same or before)[-1:]
    if not newest or newest[0].edge is ConditionEdge.END:
        nearest = min((one.at for one in mine), key=lambda at: abs(at - begin), default=None)
        told = "nothing at all" if nearest is None else f"the next edge is at {rfc3339(nearest)}"
        return Check(f"replay of {over}", False, f"no condition at {alert.times.begin}: {told}")
    severity = newest[0].severity
    since = next(one.at for one in mine if one.episode == newest[0].episode)
    detail = f"{severity.value} since {rfc3339(since)}, {alert.severity.value} since {alert.times.begin} then"
    return Check(f"replay of {over}", severity is alert.severity, detail)


def replayed(alert: Alert, rules: Mapping[str, Rule]) -> list[Rule]:
    """The rules that a replay of an alert needs: its own, those that it counts, and the formulas."""
    rule = rules[alert.rule]
    return [rule, *members_among(rule, rules), *(one for one in rules.values() if one.kind == "derive")]


def sources(alert: Alert, rule: Rule, catalogue: Catalogue) -> list[str]:
    """The devices, cameras and cases that a replay of an alert needs."""
    if rule.kind == "area":
        return [device for device in catalogue.devices if catalogue.in_scope(rule.scope, device)]
    keys = [alert.key, *alert.why.conditions]
    return sorted({*(key.split("|")[1] for key in keys if "|" in key), *(one.device for one in alert.why.operands)})


def _predicate(why: Why) -> Predicate | None:
    assert why.threshold is not None
    for name, bound in why.threshold.predicate.items():
        if name not in set(Operator) or len(why.threshold.predicate) > 1:
            return None
        if isinstance(bound, str):
            return Predicate(Operator(name), (), bound)
        numbers = bound if isinstance(bound, list | tuple) else [bound]
        return Predicate(Operator(name), tuple(Number(float(number)) for number in numbers))
    return None


def _equal(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return abs(a - b) <= _CLOSE * max(1.0, abs(a), abs(b))
