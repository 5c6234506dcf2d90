"""State of one condition of one entity, shared by all kinds. Immutable: a fold makes new ones."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import Operand, Window

IDLE, PENDING, ACTIVE, CLEARING = range(4)
RECENT = 32
"""How many readings that raised are remembered by identity, so that a late repeat of one is no new alert."""


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """What was seen since a condition was first suspected."""

    count: int
    min: float | None
    max: float | None
    last: float | None


class LevelState(msgspec.Struct, frozen=True, array_like=True):
    """One level: true since (None: false), and since when its own clear predicate holds."""

    since: int | None = None
    clearing: int | None = None


class LifeState(msgspec.Struct, frozen=True, array_like=True):
    """Where a condition stands. Times are ms.

    `at`, `seq`: the newest reading applied. `since`: begin of pending. `level`: index of the level shown.
    `clearing`: since when the clear predicate holds. `closes`: end of the schedule's open interval. `told`: `at`
    of the episode's newest edge. `detail`: the kind's own words on the newest value.
    """

    at: int
    seq: int = 0
    phase: int = IDLE
    episode: int | None = None
    recent: tuple[tuple[int, int], ...] = ()
    since: int = 0
    begin: int = 0
    n: int = 0
    level: int = -1
    levels: tuple[LevelState, ...] = ()
    clearing: int | None = None
    closes: int | None = None
    unknown: bool = False
    tally: Tally | None = None
    first: Operand | None = None
    last: Operand | None = None
    window: Window | None = None
    detail: str = ""
    told: int = 0


def idle(at: int, seq: int, state: LifeState | None) -> LifeState:
    """The idle state after a reading, keeping what outlives an episode."""
    if state is None:
        return LifeState(at, seq)
    return LifeState(at, seq, IDLE, state.episode, state.recent)


def tallied(tally: Tally | None, value: float | None) -> Tally:
    """`tally` with one more value."""
    if tally is None:
        return Tally(1, value, value, value)
    if value is None:
        return Tally(tally.count + 1, tally.min, tally.max, tally.last)
    low = value if tally.min is None else min(tally.min, value)
    high = value if tally.max is None else max(tally.max, value)
    return Tally(tally.count + 1, low, high, value)
