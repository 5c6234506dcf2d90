"""Everything that is wrong, or looks wrong, with a set of rule files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pipeline.core.quantities import QUANTITIES, Nature
from rules.engine.cycles import members_of
from rules.engine.settings import Level, Operator, Predicate, Rule
from rules.overrides import load_with_overrides
from rules.testing import run_tests


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: where, which rule, what, and whether it is a mistake of the file or a warning of the linter."""

    where: str
    rule: str = ""
    field: str = ""
    message: str
    kind: str = "mistake"


def check_paths(paths: list[Path], overrides: list[Path] | None = None) -> tuple[tuple[Rule, ...], list[Finding]]:
    """The good rules of files and folders, with a centre's overrides, and every finding about them."""
    loaded = load_with_overrides(paths, overrides or [])
    findings = [Finding(where=mistake.where, field=mistake.field, message=str(mistake)) for mistake in loaded.mistakes]
    for rule in loaded.rules:
        findings += lint(rule, loaded.rules)
    findings += [*overlaps(loaded.rules), *unknown_members(loaded.rules)]
    return loaded.rules, findings


def lint(rule: Rule, others: Sequence[Rule] = ()) -> list[Finding]:
    """What looks wrong with a well-formed rule among `others`."""
    return [
        Finding(where=rule.place, rule=rule.id, field=field, message=message, kind="lint")
        for field, message in (*_unreachable(rule), *_implausible(rule), *_mismatched(rule), *_untested(rule, others))
    ]


def _unreachable(rule: Rule) -> Iterable[tuple[str, str]]:
    """A level that can never be the highest: a higher severity holds whenever it does."""
    for index, low in enumerate(rule.levels):
        for high in rule.levels[index + 1 :]:
            if _implies(low.predicate, high.predicate) and not high.hold_ms:
                yield (
                    f"raise.{low.severity.value}",
                    f"level {low.severity.value} is never shown: {high.severity.value} holds whenever it does",
                )
                break


def _implies(low: Predicate, high: Predicate) -> bool:
    if low.operator is not high.operator or low.text or any(n.attribute for n in (*low.numbers, *high.numbers)):
        return False
    lows, highs = [n.value for n in low.numbers], [n.value for n in high.numbers]
    if low.operator is Operator.ABOVE:
        return highs[0] <= lows[0]
    if low.operator is Operator.BELOW:
        return highs[0] >= lows[0]
    return low.operator is Operator.OUTSIDE and highs[0] >= lows[0] and highs[1] <= lows[1]


def _implausible(rule: Rule) -> Iterable[tuple[str, str]]:
    row = QUANTITIES.get(rule.scope.quantity)
    if row is None or rule.kind not in ("threshold", "range"):
        return
    for level in rule.levels:
        for number in level.predicate.numbers:
            if not number.attribute and not row.plausible(number.value):
                bounds = f"{row.low if row.low is not None else '-'} to {row.high if row.high is not None else '-'}"
                yield (
                    f"raise.{level.severity.value}",
                    f"{number.value:g} {row.unit} can never be measured: {row.name} is plausible from {bounds}",
                )


def _mismatched(rule: Rule) -> Iterable[tuple[str, str]]:
    row = QUANTITIES.get(rule.scope.quantity)
    if row is None or rule.kind != "threshold":
        return
    for level in rule.levels:
        if (row.nature is Nature.STATE) != _compares_text(level):
            wanted = "a text (equals)" if row.nature is Nature.STATE else "a number"
            yield f"raise.{level.severity.value}", f"{row.name} is compared with {wanted}"


def _compares_text(level: Level) -> bool:
    return level.predicate.text is not None


def _untested(rule: Rule, others: Sequence[Rule]) -> Iterable[tuple[str, str]]:
    outcomes = run_tests(rule, others)
    if not any(outcome.fired for outcome in outcomes):
        yield "tests", "no test in which the rule fires; write at least one"
    if not any(not outcome.fired for outcome in outcomes):
        yield "tests", "no test in which the rule stays quiet; write at least one"


def overlaps(rules: Sequence[Rule]) -> list[Finding]:
    """Rules of one kind over one quantity whose scopes meet and whose levels are the same: two alerts for one fact.

    Shadow rules alert nobody; parts of composite rules may well look alike.
    """
    found = []
    alerting = [rule for rule in rules if not rule.shadow]
    for index, late in enumerate(alerting):
        for early in alerting[:index]:
            if _watches_the_same(early, late) and _judges_the_same(early, late):
                message = (
                    f"watches the same as {early.id} ({early.place}) with the same levels: two alerts for one fact"
                )
                found.append(Finding(where=late.place, rule=late.id, field="scope", message=message, kind="lint"))
    return found


def _judges_the_same(a: Rule, b: Rule) -> bool:
    return (a.kind, a.own) == (b.kind, b.own) and any(
        mine.severity == theirs.severity and mine.predicate == theirs.predicate
        for mine in a.levels
        for theirs in b.levels
    )


def _watches_the_same(a: Rule, b: Rule) -> bool:
    """Whether some entity may be in both scopes, as far as the scopes alone tell."""
    mine, theirs = a.scope, b.scope
    if (mine.quantity, mine.detections) != (theirs.quantity, theirs.detections) or a.schedule != b.schedule:
        return False
    sets = ((mine.types, theirs.types), (mine.devices, theirs.devices), (mine.sites, theirs.sites))
    places = ((mine.area, theirs.area), (mine.group, theirs.group))
    return all(not x or not y or x & y for x, y in sets) and all(not x or not y or x == y for x, y in places)


def unknown_members(rules: Sequence[Rule]) -> list[Finding]:
    """Rules over rules that are not among these."""
    known = {rule.id for rule in rules}
    return [
        Finding(where=rule.place, rule=rule.id, field="of", message=f"counts {name}, which is not here", kind="lint")
        for rule in rules
        for name in sorted(members_of(rule) - known)
    ]
