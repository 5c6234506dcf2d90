"""Rules over rules must not go round in a circle: none of them could be judged first."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.alerts import Text
from rules.engine.settings import Rule
from rules.kinds import OVER_CONDITIONS, STAGE2

NO_CIRCLE = Text("các quy tắc không đếm lẫn nhau thành vòng", "rules that do not count one another in a circle")


def members_of(rule: Rule) -> frozenset[str]:
    """The rules whose conditions a rule counts."""
    return STAGE2[rule.kind].members(rule) if rule.kind in OVER_CONDITIONS else frozenset()


def members_among(rule: Rule, known: Mapping[str, Rule]) -> list[Rule]:
    """The rules of `known` that a rule counts, and those that they count."""
    found: dict[str, Rule] = {}
    waiting = [rule]
    while waiting:
        for name in members_of(waiting.pop()) - found.keys() - {rule.id}:
            if name in known:
                found[name] = known[name]
                waiting.append(known[name])
    return list(found.values())


def circle(rule: Rule, rules: Mapping[str, Rule]) -> list[str]:
    """The ids on a way from a rule back to itself, the first one last too; empty when there is none."""
    seen: set[str] = set()
    ways = [[rule.id]]
    while ways:
        way = ways.pop()
        for name in sorted(members_of(rules[way[-1]]) if way[-1] in rules else ()):
            if name == rule.id:
                return [*way, name]
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []


def in_order(rules: Mapping[str, Rule]) -> list[Rule]:
    """The rules of stage 2, every one after those that it counts, else by id. Circles must be gone."""
    found: dict[str, Rule] = {}

    def add(rule: Rule) -> None:
        for name in sorted(members_of(rule)):
            if name in rules and name not in found:
                add(rules[name])
        if rule.kind in STAGE2:
            found[rule.id] = rule

    for name in sorted(rules):
        if name not in found:
            add(rules[name])
    return list(found.values())
