"""What the state of a condition waits for, by itself and without another value: see SEMANTICS.md, the life."""

from __future__ import annotations

from enum import IntEnum

from rules.engine.comparison import Bound
from rules.engine.state import IDLE, PENDING, LifeState


class Deadline(IntEnum):
    """What a state waits for; of several at the same time the first in this order happens."""

    END = 0
    CLOSE = 1
    BEGIN = 2
    LEVEL = 3
    STALE = 4


def waits(bound: Bound, state: LifeState, stale_ms: int) -> list[tuple[int, Deadline]]:
    """Everything that will happen to a state, and when (ms); a value holds for `stale_ms`."""
    if state.phase == IDLE:
        return []
    stale = state.at + stale_ms
    found = [] if state.closes is None else [(state.closes, Deadline.CLOSE)]
    if state.phase == PENDING:
        found.append((stale, Deadline.STALE))
        found.extend((t, Deadline.BEGIN) for t in begins_of(bound, state))
        return found
    if not state.unknown:
        found.append((stale, Deadline.STALE))
    if state.clearing is not None:
        found.append((state.clearing + bound.clear.hold_ms, Deadline.END))
    found.extend((t, Deadline.LEVEL) for t in _level_changes(bound, state))
    return found


def begins_of(bound: Bound, state: LifeState) -> list[int]:
    """When each level that is true would begin a pending condition: by its own `for`, else by the rule's."""
    own = [
        held.since + level.hold_ms
        for held, level in zip(state.levels, bound.levels, strict=True)
        if held.since is not None and level.hold_ms is not None
    ]
    shared = [
        max(held.since, state.since + bound.hold_ms)
        for held, level in zip(state.levels, bound.levels, strict=True)
        if held.since is not None and level.hold_ms is None
    ]
    return [*own, *shared]


def _level_changes(bound: Bound, state: LifeState) -> list[int]:
    if state.unknown:
        return []
    times = []
    falls = state.levels[state.level].since is None
    for index, (held, level) in enumerate(zip(state.levels, bound.levels, strict=True)):
        if held.since is not None and (index > state.level or falls):
            times.append(held.since + (level.hold_ms or 0))  # without a `for` only after a change that took it away
        if held.clearing is not None and level.clear is not None:
            times.append(held.clearing + level.clear.hold_ms)
    return times
