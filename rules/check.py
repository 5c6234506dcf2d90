"""Everything that is wrong, or looks wrong, with a set of rule files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pipeline.core.alerts import Text
from pipeline.core.errors import with_comma
from pipeline.core.quantities import QUANTITIES, Nature, Quantity
from rules.engine.cycles import members_of
from rules.engine.settings import Level, Operator, Predicate, Rule
from rules.overrides import load_with_overrides
from rules.testing import run_tests

_NEVER_FIRES = Text(
    "chưa có phép thử nào làm quy tắc báo; hãy viết ít nhất một", "no test in which the rule fires; write at least one"
)
_NEVER_QUIET = Text(
    "chưa có phép thử nào để quy tắc im lặng; hãy viết ít nhất một",
    "no test in which the rule stays quiet; write at least one",
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: where, which rule, what, and whether it is a mistake of the file or a warning of the linter.

    `message` says it in English and Vietnamese.
    """

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
    said = (*_unreachable(rule), *_implausible(rule), *_mismatched(rule), *_untested(rule, others))
    return [_warning(rule, field, words) for field, words in said]


def _warning(rule: Rule, field: str, words: Text) -> Finding:
    message = f"{words.en} / {words.vi}"
    return Finding(where=rule.place, rule=rule.id, field=field, message=message, kind="lint")


def _unreachable(rule: Rule) -> Iterable[tuple[str, Text]]:
    """A level that can never be the highest: a higher severity holds whenever it does."""
    for index, low in enumerate(rule.levels):
        for high in rule.levels[index + 1 :]:
            if _implies(low.predicate, high.predicate) and not high.hold_ms:
                mine, theirs = low.severity.value, high.severity.value
                yield (
                    f"raise.{mine}",
                    Text(
                        f"mức {mine} không bao giờ hiện: hễ nó đúng thì {theirs} cũng đúng",
                        f"level {mine} is never shown: {theirs} holds whenever it does",
                    ),
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


def _implausible(rule: Rule) -> Iterable[tuple[str, Text]]:
    row = QUANTITIES.get(rule.scope.quantity)
    if row is None or rule.kind not in ("threshold", "range"):
        return
    for level in rule.levels:
        for number in level.predicate.numbers:
            if not number.attribute and not row.plausible(number.value):
                yield f"raise.{level.severity.value}", _never_measured(row, number.value)


def _never_measured(row: Quantity, value: float) -> Text:
    bounds = (row.low, row.high)
    low, high = ("-" if bound is None else str(bound) for bound in bounds)
    lower, upper = ("-" if bound is None else with_comma(bound) for bound in bounds)
    return Text(
        f"không bao giờ đo được {with_comma(value)} {row.unit}: {row.name} hợp lý từ {lower} đến {upper}",
        f"{value:g} {row.unit} can never be measured: {row.name} is plausible from {low} to {high}",
    )


def _mismatched(rule: Rule) -> Iterable[tuple[str, Text]]:
    row = QUANTITIES.get(rule.scope.quantity)
    if row is None or rule.kind != "threshold":
        return
    for level in rule.levels:
        if (row.nature is Nature.STATE) != _compares_text(level):
            wanted = Text("chuỗi ký tự (equals)", "a text (equals)")
            if row.nature is not Nature.STATE:
                wanted = Text("một số", "a number")
            words = Text(f"{row.name} phải so sánh với {wanted.vi}", f"{row.name} is compared with {wanted.en}")
            yield f"raise.{level.severity.value}", words


def _compares_text(level: Level) -> bool:
    return level.predicate.text is not None


def _untested(rule: Rule, others: Sequence[Rule]) -> Iterable[tuple[str, Text]]:
    outcomes = run_tests(rule, others)
    if not any(outcome.fired for outcome in outcomes):
        yield "tests", _NEVER_FIRES
    if not any(not outcome.fired for outcome in outcomes):
        yield "tests", _NEVER_QUIET


def overlaps(rules: Sequence[Rule]) -> list[Finding]:
    """Rules of one kind over one quantity whose scopes meet and whose levels are the same: two alerts for one fact.

    Shadow rules alert nobody; parts of composite rules may well look alike.
    """
    found = []
    alerting = [rule for rule in rules if not rule.shadow]
    for index, late in enumerate(alerting):
        for early in alerting[:index]:
            if _watches_the_same(early, late) and _judges_the_same(early, late):
                words = Text(
                    f"theo dõi giống hệt {early.id} ({early.place}) với cùng các mức: một việc thành hai cảnh báo",
                    f"watches the same as {early.id} ({early.place}) with the same levels: two alerts for one fact",
                )
                found.append(_warning(late, "scope", words))
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
        _warning(rule, "of", Text(f"đếm quy tắc {name}, nhưng ở đây không có", f"counts {name}, which is not here"))
        for rule in rules
        for name in sorted(members_of(rule) - known)
    ]
