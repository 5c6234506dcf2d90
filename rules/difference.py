"""What a change of rules would change: the alerts gained and lost between two backtests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pipeline.core.conditions import RANK, Condition, ConditionEdge, Severity


class Episode(msgspec.Struct, frozen=True, order=True):
    """One alert of a backtest. Times in ms; `end` None: not over. `highest`: the gravest severity that it had."""

    begin: int
    key: str
    end: int | None
    highest: Severity


class Difference(msgspec.Struct, frozen=True):
    """Alerts that only the new rules raise, that only the old ones raise, and that both raise but otherwise."""

    gained: tuple[Episode, ...]
    lost: tuple[Episode, ...]
    changed: tuple[tuple[Episode, Episode], ...]
    same: int


def episodes(conditions: Iterable[Condition]) -> dict[tuple[str, int], Episode]:
    """The episodes of conditions by (key, begin)."""
    found: dict[tuple[str, int], Episode] = {}
    begins: dict[tuple[str, int], int] = {}
    for one in sorted(conditions, key=lambda one: (one.key, one.episode, one.n)):
        if one.edge is ConditionEdge.BEGIN:
            begins[one.key, one.episode] = one.at
        begin = begins.get((one.key, one.episode), one.at)
        known = found.get((one.key, begin))
        highest = one.severity if known is None else max(known.highest, one.severity, key=RANK.__getitem__)
        end = one.at if one.edge is ConditionEdge.END else None
        found[one.key, begin] = Episode(begin, one.key, end, highest)
    return found


def difference(old: Iterable[Condition], new: Iterable[Condition]) -> Difference:
    """What `new` raises and `old` does not, and the other way round. An alert is the same by key and begin."""
    before, after = episodes(old), episodes(new)
    both = sorted(before.keys() & after.keys())
    changed = tuple((before[key], after[key]) for key in both if before[key] != after[key])
    return Difference(
        tuple(sorted(after[key] for key in after.keys() - before.keys())),
        tuple(sorted(before[key] for key in before.keys() - after.keys())),
        changed,
        len(both) - len(changed),
    )
