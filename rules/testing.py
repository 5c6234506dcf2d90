"""Runs the `tests:` of a rule: given these events, then exactly these conditions, or derived readings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pipeline.core.clock import parse_rfc3339, rfc3339
from pipeline.core.conditions import Condition, ConditionEdge
from pipeline.core.errors import BadInput, IocError
from pipeline.core.events import Reading
from rules.backtest import Backtest, parse_input
from rules.catalogue_files import read_catalogue
from rules.engine.cycles import members_among
from rules.engine.duration import parse_duration
from rules.engine.settings import Rule

DEFAULT_UNTIL_MS = 86_400_000
_TIMES = ("at", "log", "episode")
_SHOWN = ("edge", "severity", "at", "reason", "late", "key", "quantity", "value", "text")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one test came to. `differences` is empty when it passed."""

    rule: str
    name: str
    place: str
    differences: tuple[str, ...]
    fired: bool

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def run_tests(rule: Rule, others: Iterable[Rule] = ()) -> list[Outcome]:
    """The outcomes of all tests of a rule. `others`: where the rules that it counts are found."""
    members = members_among(rule, {one.id: one for one in others})
    return [_run(rule, members, test, index) for index, test in enumerate(rule.tests, 1)]


def _run(rule: Rule, members: list[Rule], test: dict[str, Any], number: int) -> Outcome:
    name = str(test.get("name") or f"test {number}")
    try:
        found = _found(rule, members, test, name)
        differences = compare(_expected(test), found)
    except (IocError, ValueError, AttributeError) as wrong:
        found, differences = (), [str(wrong)]
    fired = any(isinstance(one, Reading) or one.edge is ConditionEdge.BEGIN for one in found)
    return Outcome(rule=rule.id, name=name, place=rule.place, differences=tuple(differences), fired=fired)


def _found(rule: Rule, members: list[Rule], test: dict[str, Any], name: str) -> Sequence[Condition | Reading]:
    inputs = [parse_input(line, name) for line in test.get("given") or []]
    catalogue = read_catalogue(test["catalogue"], name) if test.get("catalogue") else []
    last = max((one.log for one in inputs), default=0)
    backtest = Backtest([rule, *members], catalogue)
    counted = {member.id for member in members}
    conditions = [one for one in backtest.run(inputs, until_of(test.get("until"), last)) if one.rule not in counted]
    return sorted(conditions, key=lambda one: (one.at, one.key, one.episode, one.n)) or backtest.derived


def until_of(text: object, last: int) -> int:
    """To where time runs on: a time, a duration after the last event, or 24 h. Raises BadInput."""
    if text is None:
        return last + DEFAULT_UNTIL_MS
    if isinstance(text, int) and text > 0:
        return text
    try:
        return last + parse_duration(text)
    except ValueError:
        try:
            return parse_rfc3339(str(text))
        except ValueError as wrong:
            such = "2026-11-21T08:00:00+07:00"
            raise BadInput(
                "until",
                text,
                f"a time such as {such}, or a duration",
                vi=f"thời điểm như {such}, hoặc khoảng thời gian",
            ) from wrong


def _expected(test: dict[str, Any]) -> list[dict[str, Any]]:
    found = test.get("then") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        such = "{edge: begin, severity: major, at: ...}"
        raise BadInput("then", found, f"a list of conditions such as {such}", vi=f"danh sách kết quả như {such}")
    return [{key: _ms(key, value) for key, value in item.items()} for item in found]


def _ms(key: str, value: object) -> object:
    return parse_rfc3339(value) if key in _TIMES and isinstance(value, str) else value


def compare(expected: list[dict[str, Any]], found: Sequence[Condition | Reading]) -> list[str]:
    """What differs, a line each. Of an expected condition or reading only the fields given count."""
    actual = [msgspec.to_builtins(one) for one in found]
    left = list(actual)
    lines = []
    for want in expected:
        match = next((one for one in left if all(_same(one, key, value) for key, value in want.items())), None)
        if match is None:
            lines.append(f"missing: {_show(want)}")
        else:
            left.remove(match)
    lines += [f"not expected: {_show(one)}" for one in left]
    return lines


def _same(actual: dict[str, Any], key: str, value: object) -> bool:
    if key in actual:
        found: object = actual[key]
    else:
        found = actual.get("why", {}).get(key)
    return found == value or (found is None and value is False)


def _show(one: dict[str, Any]) -> str:
    parts = [f"{key} {_text(key, one[key])}" for key in _SHOWN if one.get(key) not in (None, False, "")]
    return ", ".join(parts)


def _text(key: str, value: object) -> str:
    return rfc3339(value) if key in _TIMES and isinstance(value, int) else str(value)
