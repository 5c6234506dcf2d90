"""Windowed kinds that go reading by reading: readings wait, sorted, until W has passed them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Operand
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import Bound
from rules.engine.fold import Fold
from rules.engine.settings import Rule
from rules.engine.state import LifeState
from rules.engine.waiting import insert
from rules.engine.watch import Entity, Remembering, operand


class Arrival(msgspec.Struct, frozen=True, array_like=True):
    """A reading at or above W. `code` is the kind's own mark on it."""

    at: int
    seq: int
    value: float
    code: int
    operand: Operand

    @property
    def order(self) -> tuple[int, int, int]:
        """Order in event time; the same order means the same reading."""
        return (self.at, self.seq, self.code)


class ArrivalState(msgspec.Struct, frozen=True, array_like=True):
    """What waits, and the state of the condition."""

    waiting: tuple[Arrival, ...] = ()
    life: LifeState | None = None


class ArrivalWatch(Remembering):
    """A kind says in `take` what the readings of one moment mean, and in `leave` what time alone does."""

    empty: Any = ArrivalState()

    def __init__(
        self, rule: Rule, entity: Entity, catalogue: Catalogue, stale_ms: int, bound: Bound | None = None
    ) -> None:
        super().__init__(rule, entity, catalogue)
        self.conditions = self.life(rule, catalogue, stale_ms, bound)

    def code(self, reading: Reading) -> int | None:
        """The kind's mark on a reading; None when it means nothing to it."""
        return None if reading.value is None else 0

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Take one usable reading in, unless it is late or a repeat."""
        code = self.code(reading) if reading.quality in self.rule.quality else None
        if code is None:
            return
        if reading.at < fold.now - self.lateness:
            fold.counts["ioc_rules_late_total"] += 1
            return
        state = fold.state(self.key) or self.empty
        value = 0.0 if reading.value is None else reading.value
        new = Arrival(reading.at, reading.seq, value, code, operand(reading, fold, line))
        waiting = insert(fold, state.waiting, new)
        if waiting is not state.waiting:
            self.put(fold, replace(state, waiting=waiting))

    def due(self, state: ArrivalState) -> int | None:
        """The first of: a reading is final, time alone changes something, the condition's deadline."""
        times = [state.waiting[0].at] if state.waiting else []
        times += [due for due in (self.leaves(state), self.deadline(state)) if due is not None]
        return min(times, default=None)

    def deadline(self, state: ArrivalState) -> int | None:
        """What the condition waits for."""
        return None if state.life is None else self.conditions.due(state.life)

    def tick(self, fold: Fold, due: int) -> None:
        """At one time: readings, then what time alone does, then the condition."""
        state: ArrivalState = fold.state(self.key)
        leaves = self.leaves(state)
        if state.waiting and state.waiting[0].at <= due:
            count = bisect_left(state.waiting, state.waiting[0].at + 1, key=lambda one: one.at)
            self.put(fold, self.take(fold, replace(state, waiting=state.waiting[count:]), state.waiting[:count]))
        elif leaves is not None and leaves <= due:
            self.put(fold, self.leave(fold, state, leaves))
        else:
            super().tick(fold, due)

    def take(self, fold: Fold, state: Any, arrived: tuple[Arrival, ...]) -> ArrivalState:
        """The state after all readings of one moment."""
        raise NotImplementedError

    def leaves(self, state: Any) -> int | None:
        """When time alone changes what the kind sees."""
        return None

    def leave(self, fold: Fold, state: Any, at: int) -> ArrivalState:
        """The state after that time."""
        raise NotImplementedError
