"""Why an alert was raised, read from the store; and whether the log and the store still say the same."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import psycopg

from pipeline.core.alerts import Alert, AlertEvent
from pipeline.core.catalogue import Document, Kind, RuleDocument
from pipeline.core.clock import parse_rfc3339, rfc3339
from pipeline.core.conditions import Operand, Why
from pipeline.core.errors import BadInput
from pipeline.core.events import Reading
from pipeline.history import from_store, read_again, series, stored_again
from rules.backtest import backtest
from rules.engine.catalogue import Catalogue, changes_from
from rules.engine.loader import rule_from_document
from rules.explain import Check, check_comparison, check_operand, check_replay, check_window, replayed, sources
from rules.formulas import derived_quantities

HISTORY_MS = 2 * 86_400_000
"""How far before an alert's evidence its replay begins: a day's index looks at 31 h, most rules at less."""
SETTLED_MS = 60_000
"""How long a replay runs on after the alert was told: partitions are not equally far."""
MAX_REPLAYED = 2_000_000
_MARKS = {True: "same", False: "DIFFERENT", None: "not checked"}


def begin_of(connection: psycopg.Connection, alert: str) -> Alert:
    """The alert as it was raised. Raises BadInput for one that the store does not have."""
    query = "select body::text from ioc.alert_event where alert = %s and type = %s order by sequence limit 1"
    row = connection.execute(query, [alert, str(AlertEvent.RAISED)]).fetchone()
    if row is None:
        raise BadInput(
            "ALERT",
            alert,
            "the id of an alert that the store has; the console shows it in the alert",
            vi="mã của một cảnh báo có trong kho; xem mã ở chi tiết cảnh báo trên bàn trực",
        )
    return msgspec.json.decode(row[0], type=Alert)


async def verified(connection: psycopg.Connection, brokers: str, why: Why) -> list[Check]:
    """Each operand where it stands, the window's aggregate from the store, and the comparison."""
    checks = [check_operand(one, await _again(connection, brokers, one)) for one in why.operands]
    if why.window is not None and why.operands:
        last = why.operands[-1]
        span = (why.window.start, why.window.end)
        derived = last.quantity in derived_quantities()
        readings = series(connection, last.device, last.quantity, *span, derived=derived)
        checks.append(check_window(why, readings))
    return [*checks, check_comparison(why)]


def replay(connection: psycopg.Connection, alert: Alert, documents: Sequence[tuple[Kind, Document]]) -> Check:
    """The alert's rule again, by the live engine, over what the store has of its devices.

    `documents`: the registry's, rules among them. What producers' silence held back is not replayed.
    """
    rules = {one.id: one for kind, one in documents if kind is Kind.RULE and isinstance(one, RuleDocument)}
    known = rules.get(alert.rule)
    if known is None or known.sha256 != alert.rule_version:
        system = alert.rule.startswith("sys.")
        return Check("replay", None, "the engine's own, of no rule" if system else "the rule has been changed since")
    good = {name: rule_from_document(one.rule) for name, one in rules.items() if one.active}
    world = changes_from([one for one in documents if one[0] is not Kind.RULE])
    needed = replayed(alert, good)
    told = parse_rfc3339(alert.times.log)
    since = min([alert.episode, told, *(one.at for one in alert.why.operands)]) - HISTORY_MS
    of = sources(alert, good[alert.rule], Catalogue().with_changes(world))
    inputs = from_store(connection, since, told + 1, of)
    if len(inputs) > MAX_REPLAYED:
        return Check("replay", None, f"{len(inputs)} records are more than the {MAX_REPLAYED} that are replayed")
    devices = of[0] if len(of) == 1 else f"{len(of)} devices"
    over = f"{len(inputs)} records of {devices} since {rfc3339(since)}"
    return check_replay(alert, backtest(needed, inputs, catalogue=world, until=told + SETTLED_MS), over)


async def _again(connection: psycopg.Connection, brokers: str, operand: Operand) -> Reading | None:
    """From the log; from the store when the log no longer goes back so far, and what a formula made."""
    derived = operand.quantity in derived_quantities()  # its place is that of the reading that it was made of
    found = None if derived else await read_again(brokers, operand)
    return stored_again(connection, operand) if found is None else found


def lines_of(alert: Alert, checks: Sequence[Check]) -> list[str]:
    """The explanation, a line each."""
    why = alert.why
    lines = [alert.headline.best("vi"), alert.headline.best("en"), f"rule       {alert.rule} {alert.rule_version[:12]}"]
    lines.append(f"severity   {alert.severity.value} since {alert.times.begin}")
    if why.threshold is not None:
        lines.append(f"threshold  {why.threshold.predicate}, from {why.threshold.origin}{_validity(why)}")
        lines += [f"legal      {why.threshold.legal}"] if why.threshold.legal else []
    if why.window is not None:
        window = why.window
        span = f"{rfc3339(window.start)}..{rfc3339(window.end)}"
        lines.append(f"window     {window.type} {window.aggregate} = {window.value} of {window.count} in {span}")
    lines += [f"counted    {key}" for key in why.conditions]
    lines += [f"operand    {_operand(one)}" for one in why.operands]
    return lines + [f"{_MARKS[check.same]:12}{check.what}: {check.detail}" for check in checks]


def _operand(one: Operand) -> str:
    value = one.text if one.text is not None else one.value
    place = f"{one.topic}/{one.partition}/{one.offset}:{one.line}"
    return f"{one.device} {one.quantity} {value} {one.unit} ({one.quality.value}) {rfc3339(one.at)} at {place}"


def _validity(why: Why) -> str:
    assert why.threshold is not None
    since, until = why.threshold.valid_from, why.threshold.valid_to
    if since is None and until is None:
        return ""
    return f", valid {'' if since is None else rfc3339(since)}..{'' if until is None else rfc3339(until)}"
