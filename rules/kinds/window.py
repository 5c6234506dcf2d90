"""`window`: an aggregate over the readings of a time window. Here those of the clock: tumbling and hopping.

A window is final when W reaches its end. Readings below W are put into panes in (at, seq) order, so the order
of arrival within the lateness changes nothing; until then they wait, sorted, and a repeat is recognised.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Operand
from pipeline.core.conditions import Window as WindowEvidence
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.settings import Rule
from rules.engine.state import ACTIVE, IDLE, LifeState
from rules.engine.watch import Entity, Remembering, Watch, operand
from rules.kinds.aggregates import AGGREGATES, Memory
from rules.kinds.grid import Grid
from rules.kinds.moving import MOVING, MovingState
from rules.kinds.window_settings import WindowSettings, aggregated, read_window

MAX_WAITING = 50_000


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A reading at or above W."""

    at: int
    seq: int
    value: float


class Pane(msgspec.Struct, frozen=True, array_like=True):
    """What is known of [start, start + step)."""

    start: int
    count: int
    memory: Memory


class WindowState(msgspec.Struct, frozen=True, array_like=True):
    """`next`: end of the next window to be final. `floor`: readings below it are in panes or came too late.

    `newest`: time of the newest reading in a pane.
    """

    next: int
    floor: int
    waiting: tuple[Waiting, ...] = ()
    panes: tuple[Pane, ...] = ()
    carry: float | None = None
    life: LifeState | None = None
    last: Operand | None = None
    newest: int = 0


class WindowWatch(Remembering):
    """One series under one window rule."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.settings: WindowSettings = rule.own
        self.aggregate = AGGREGATES[self.settings.aggregate]
        self.grid = Grid(self.settings.every, self.settings.zone)
        self.conditions = self.life(rule, catalogue, max(self.stale_ms, self.settings.every))
        self.period = catalogue.period(entity.device)

    # --- readings

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Take one usable reading in, unless it is late or a repeat."""
        if reading.value is None or reading.quality not in self.rule.quality:
            return
        state: WindowState | None = fold.state(self.key)
        watermark = fold.now - self.lateness
        if reading.at < watermark or (state is not None and reading.at < state.floor):
            fold.counts["ioc_rules_late_total"] += 1
            return
        end = self.grid.end(self.grid.start(reading.at))
        state = WindowState(end, watermark) if state is None else state
        waiting = self._waiting(fold, state, Waiting(reading.at, reading.seq, reading.value))
        if waiting is None:
            return
        next_ = state.next if state.panes else min(end, state.next)
        last = operand(reading, fold, line)
        new = WindowState(next_, state.floor, waiting, state.panes, state.carry, state.life, last, state.newest)
        new = self._settle(new, watermark)
        self.put(fold, self._early(fold, new) if self.settings.early else new)

    def _early(self, fold: Fold, state: WindowState) -> WindowState:
        """Begin, or rise, before the end of the next window to be final, when what is known of it holds already."""
        end = state.next
        begin, known = self._begin_of(end), self._settle(state, end)
        evidence = self._aggregate(known, begin, end)
        if evidence.value is None:
            return state
        held = [index for index, level in enumerate(self.conditions.bound.levels) if level.test(evidence.value, None)]
        shown = state.life.level if state.life is not None and state.life.phase == ACTIVE else -1
        if known.newest < begin or not held or held[-1] <= shown:
            return state
        at = max(known.newest, 0 if state.life is None else state.life.at)
        judged = Judged(at, 0, evidence.value, None, state.last, evidence)
        return replace(state, life=self.conditions.judge(fold, state.life, judged))

    def _begin_of(self, end: int) -> int:
        hopping = self.settings.every < self.settings.size
        return end - self.settings.size if hopping else self.grid.start(end - 1)

    def _waiting(self, fold: Fold, state: WindowState, new: Waiting) -> tuple[Waiting, ...] | None:
        """What waits, with one more; None when it is there already, or when it would be too many."""
        waiting = state.waiting
        if len(waiting) >= MAX_WAITING:
            fold.counts["ioc_rules_window_overflow_total"] += 1
            return None
        if not waiting or waiting[-1].at < new.at:  # in order of time, as nearly all are
            return (*waiting, new)
        where = bisect_left(waiting, (new.at, new.seq), key=_identity)
        if where < len(waiting) and _identity(waiting[where]) == (new.at, new.seq):
            fold.counts["ioc_rules_duplicates_total"] += 1
            return None
        return (*waiting[:where], new, *waiting[where:])

    def _settle(self, state: WindowState, below: int) -> WindowState:
        """Move readings below `below` from waiting into their panes."""
        if not state.waiting or state.waiting[0].at >= below:
            return state if below <= state.floor else replace(state, floor=below)
        count = bisect_left(state.waiting, below, key=_at)
        panes, carry = list(state.panes), state.carry
        for one in state.waiting[:count]:
            start = self.grid.start(one.at)
            if not panes or panes[-1].start != start:
                panes.append(Pane(start, 0, self._seed(carry)))
            panes[-1] = Pane(start, panes[-1].count + 1, self.aggregate.add(panes[-1].memory, one.value))
            carry = one.value
        return replace(
            state,
            floor=max(state.floor, below),
            waiting=state.waiting[count:],
            panes=tuple(panes),
            carry=carry,
            newest=state.waiting[count - 1].at,
        )

    def _seed(self, carry: float | None) -> Memory:
        """A counter's step belongs to the window of its later reading: a pane starts from the reading before."""
        return (carry,) if self.settings.aggregate == "increase" and carry is not None else ()

    # --- time

    def due(self, state: WindowState) -> int | None:
        """The next window's end (final at W >= end), or what the condition waits for."""
        mine = state.next - 1
        theirs = None if state.life is None else self.conditions.due(state.life)
        return mine if theirs is None else min(mine, theirs)

    def tick(self, fold: Fold, due: int) -> None:
        """Let the condition's deadline pass when it is before the window's end, else judge the window, now final."""
        state: WindowState = fold.state(self.key)
        theirs = None if state.life is None else self.conditions.due(state.life)
        if theirs is None or theirs >= state.next:
            self.put(fold, self._close(fold, state))
        else:
            super().tick(fold, due)

    def _close(self, fold: Fold, state: WindowState) -> WindowState:
        end = state.next
        state = self._settle(state, end)
        evidence = self._aggregate(state, self._begin_of(end), end)
        life = state.life
        begun_later = life is not None and life.phase == ACTIVE and end <= life.begin  # early, by a later window
        if evidence.value is not None and not begun_later:
            judged = Judged(end, 0, evidence.value, None, state.last, evidence)
            life = self.conditions.judge(fold, life, judged)
        following = self.grid.end(end)
        oldest = following - self.settings.size if self.settings.every < self.settings.size else end
        panes = tuple(pane for pane in state.panes if pane.start >= oldest)
        state = self._skipped(fold, replace(state, life=life, panes=panes, next=following))
        return self._early(fold, state) if self.settings.early else state

    def _aggregate(self, state: WindowState, start: int, end: int) -> WindowEvidence:
        memory: Memory = ()
        count, first = 0, True
        for pane in state.panes:
            if start <= pane.start < end:
                memory = pane.memory if first else self.aggregate.join(memory, pane.memory)
                count, first = count + pane.count, False
        coverage = None if self.period is None else min(count * self.period / (end - start), 1.0)
        return aggregated(self.settings, start, end, memory, count, coverage)

    def _skipped(self, fold: Fold, state: WindowState) -> WindowState:
        """Past windows that are sure to be empty and to change nothing: a year of silence costs one step."""
        watermark = fold.log - self.lateness
        idle = state.life is None or state.life.phase == IDLE
        if state.waiting or state.panes or not idle or state.next >= watermark or self._empty_raises():
            return state
        return replace(state, next=self.grid.end(self.grid.start(watermark)))

    def _empty_raises(self) -> bool:
        empty = self.aggregate.empty
        return empty is not None and any(level.test(empty, None) for level in self.conditions.bound.levels)


_identity = attrgetter("at", "seq")
_at = attrgetter("at")


class Window:
    """The kind."""

    needs_raise = True
    needs_quantity = True
    single = False
    starts = False
    states = (WindowState, MovingState)

    def read(self, fields: Fields) -> WindowSettings:
        """`window`, see `read_window`."""
        return read_window(fields)

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return MOVING.get(rule.own.type, WindowWatch)(rule, entity, catalogue)


KIND = Window()
