"""The life of a condition: idle, pending, active, clearing. The same for every kind of rule.

A kind turns what it sees into values at times; `judge` applies one, `tick` lets time pass, `close` ends.
Every function takes a state and returns the next one. SEMANTICS.md says what it must do.
"""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.core.conditions import ConditionEdge, EndReason, Operand, Why, next_episode
from pipeline.core.schedule import Schedule
from rules.engine.comparison import Bound, BoundLevel, DatedBounds, bound_at
from rules.engine.deadlines import Deadline, begins_of, waits
from rules.engine.episodes import newest
from rules.engine.fold import Fold, Source
from rules.engine.judged import Judged
from rules.engine.state import (
    ACTIVE,
    CLEARING,
    IDLE,
    PENDING,
    RECENT,
    LevelState,
    LifeState,
    idle,
    tallied,
)

_BLANK = LevelState()


class Life:
    """The running logic for one rule and one entity. `stale_ms`: how long a value holds. `bounds`: see comparison."""

    __slots__ = ("bound", "bounds", "schedule", "source", "stale_ms")

    def __init__(
        self, source: Source, bound: Bound, stale_ms: int, schedule: Schedule | None, bounds: DatedBounds = ()
    ) -> None:
        self.source, self.bound, self.bounds, self.stale_ms, self.schedule = source, bound, bounds, stale_ms, schedule

    def _as_of(self, at: int) -> None:
        if len(self.bounds) > 1:
            self.bound = bound_at(self.bounds, at)

    # --- what a state waits for

    def deadline(self, state: LifeState) -> tuple[int, Deadline] | None:
        """When the state changes by itself, and how."""
        return min(waits(self.bound, state, self.stale_ms), default=None)

    def due(self, state: LifeState) -> int | None:
        """When the state changes by itself."""
        if state.phase == IDLE:
            return None
        found = self.deadline(state)
        return None if found is None else found[0]

    # --- a value arrives

    def judge(self, fold: Fold, state: LifeState | None, judged: Judged) -> LifeState:
        """The state after one value; the caller has made sure that it is newer than the last one."""
        self._as_of(judged.at if state is None else state.at)
        if self.schedule is not None and state is not None:
            state = self._close_if_over(fold, state, judged.at)
        self._as_of(judged.at)
        closes = None
        if self.schedule is not None:
            closes = self.schedule.open_until(judged.at)
            if closes is None:
                return idle(judged.at, judged.seq, state)
        if state is None or state.phase == IDLE:
            return self._from_idle(fold, state, judged, closes)
        if state.phase == PENDING:
            return self._from_pending(fold, state, judged, closes)
        return self._from_active(fold, state, judged, closes)

    def _close_if_over(self, fold: Fold, state: LifeState, at: int) -> LifeState:
        """The closing that lies before `at`, and what was due before it, even if W has not come so far."""
        while state.phase != IDLE and state.closes is not None and state.closes <= at:
            due = self.due(state)
            state = self.tick(fold, state, state.closes if due is None else due)
        return state

    def _from_idle(self, fold: Fold, state: LifeState | None, judged: Judged, closes: int | None) -> LifeState:
        true = self._truths(judged)
        new = idle(judged.at, judged.seq, state)
        if not any(true):
            return new
        at = judged.at
        new = replace(
            new,
            phase=PENDING,
            since=at,
            closes=closes,
            levels=tuple(LevelState(at if held else None) for held in true),
            tally=tallied(None, judged.value),
            first=judged.operand if judged.first is None else judged.first,
            last=judged.operand,
            window=judged.window,
            detail=judged.detail,
            recent=_remember(new, judged),
        )
        return self._begin_if_held(fold, new, at)

    def _from_pending(self, fold: Fold, state: LifeState, judged: Judged, closes: int | None) -> LifeState:
        begins = min(begins_of(self.bound, state), default=None)
        lapses = state.at + self.stale_ms
        if lapses < judged.at and (begins is None or lapses < begins):
            return self._from_idle(fold, idle(state.at, state.seq, state), judged, closes)
        true = self._truths(judged)
        if not any(true):
            return idle(judged.at, judged.seq, state)
        if begins is not None and begins < judged.at:
            state = self._begin(fold, state, begins)
            return self._from_active(fold, state, judged, closes)
        new = self._seen(state, judged, self._next_levels(state, judged, true), any(true))
        return self._begin_if_held(fold, new, judged.at)

    def _begin_if_held(self, fold: Fold, state: LifeState, at: int) -> LifeState:
        begins = min(begins_of(self.bound, state), default=None)
        return state if begins is None or begins > at else self._begin(fold, state, begins)

    def _begin(self, fold: Fold, state: LifeState, at: int) -> LifeState:
        levels = self.bound.levels
        held = [
            index
            for index, (level, mine) in enumerate(zip(levels, state.levels, strict=True))
            if mine.since is not None and (level.hold_ms is None or mine.since + level.hold_ms <= at)
        ]
        previous = newest(fold, self.source.key) if state.episode is None else state.episode
        episode = next_episode(at, previous)
        new = replace(state, phase=ACTIVE, begin=at, episode=episode, n=0, level=held[-1])
        return self._emit(fold, new, ConditionEdge.BEGIN, at)

    def _from_active(self, fold: Fold, state: LifeState, judged: Judged, closes: int | None) -> LifeState:
        true = self._truths(judged)
        state = self._before(fold, state, judged, true)
        if state.phase == IDLE:
            return self._from_idle(fold, state, judged, closes)
        levels = self._next_levels(state, judged, true)
        was_unknown = state.unknown
        new = self._seen(state, judged, levels, any(true))
        new = self._shown(replace(new, unknown=False), judged.at)
        cleared = self._is_clear(new, judged, any(true))
        if was_unknown or new.level != state.level:
            new = self._emit(fold, new, ConditionEdge.UPDATE, judged.at)
        return self._clearing(fold, new, judged, cleared)

    def _before(self, fold: Fold, state: LifeState, judged: Judged, true: list[bool]) -> LifeState:
        """What was due before a value that W has not reached: silence, and all that the value confirms."""
        found = self.deadline(state)
        if found is None or found[0] >= judged.at:
            return state
        clear = self.bound.clear.test
        ends = not any(true) and (clear is None or clear(judged.value, judged.text))
        state = replace(state, levels=self._confirmed(state, judged, true))
        while state.phase != IDLE and (found := self.deadline(state)) is not None and found[0] < judged.at:
            if found[1] is Deadline.END and not ends:
                state = replace(state, clearing=None, phase=ACTIVE)
            else:
                state = self.tick(fold, state, found[0])
        self._as_of(judged.at)
        return state

    def _confirmed(self, state: LifeState, judged: Judged, true: list[bool]) -> tuple[LevelState, ...]:
        """The levels without what they wait for in vain: a level to be shown that no longer holds, one not clear."""
        falls = state.levels[state.level].since is None
        levels = []
        for index, (held, level) in enumerate(zip(state.levels, self.bound.levels, strict=True)):
            if not true[index] and (index > state.level or falls):
                levels.append(_BLANK)
            else:
                test = None if level.clear is None else level.clear.test
                clears = not true[index] and (test is None or test(judged.value, judged.text))
                levels.append(held if clears else LevelState(held.since))
        return tuple(levels)

    def _clearing(self, fold: Fold, state: LifeState, judged: Judged, cleared: bool) -> LifeState:
        if not cleared:
            return state if state.clearing is None else replace(state, clearing=None, phase=ACTIVE)
        since = judged.at if state.clearing is None else state.clearing
        ends = since + self.bound.clear.hold_ms
        if ends <= judged.at:
            return self._end(fold, state, ends)
        return replace(state, clearing=since, phase=CLEARING)

    def _is_clear(self, state: LifeState, judged: Judged, raised: bool) -> bool:
        if raised:
            return False
        if self.bound.clear.test is None:
            return all(level.since is None for level in state.levels)
        return self.bound.clear.test(judged.value, judged.text)

    def _truths(self, judged: Judged) -> list[bool]:
        if judged.truths is not None:
            return judged.truths
        return [level.test(judged.value, judged.text) for level in self.bound.levels]

    def _next_levels(self, state: LifeState, judged: Judged, true: list[bool]) -> tuple[LevelState, ...]:
        """The levels after a value. A level with its own clear stays until that has held for its own time."""
        old = state.levels or (_BLANK,) * len(true)
        return tuple(
            LevelState(judged.at if held.since is None else held.since)
            if now
            else self._falling(state, judged, held, level)
            for held, level, now in zip(old, self.bound.levels, true, strict=True)
        )

    def _falling(self, state: LifeState, judged: Judged, held: LevelState, level: BoundLevel) -> LevelState:
        """A level whose predicate does not hold now."""
        if held.since is None or level.clear is None or state.phase == PENDING:
            return _BLANK
        if held.since + (level.hold_ms or 0) > judged.at:
            return _BLANK
        if level.clear.test is not None and not level.clear.test(judged.value, judged.text):
            return LevelState(held.since)
        since = judged.at if held.clearing is None else held.clearing
        return _BLANK if since + level.clear.hold_ms <= judged.at else LevelState(held.since, since)

    def _shown(self, state: LifeState, at: int) -> LifeState:
        """With the highest level that holds at `at`; unchanged when none does."""
        for index in range(len(state.levels) - 1, -1, -1):
            held = state.levels[index]
            if _counts(held, self.bound.levels[index], at) or (index == state.level and held.since is not None):
                return state if index == state.level else replace(state, level=index)
        return state

    def _seen(self, state: LifeState, judged: Judged, levels: tuple[LevelState, ...], raised: bool) -> LifeState:
        return replace(
            state,
            at=judged.at,
            seq=judged.seq,
            levels=levels,
            tally=tallied(state.tally, judged.value),
            last=judged.operand,
            window=judged.window,
            detail=judged.detail,
            recent=_remember(state, judged) if raised else state.recent,
        )

    # --- time passes

    def tick(self, fold: Fold, state: LifeState, due: int) -> LifeState:
        """The state after its deadline at `due`."""
        self._as_of(state.at)
        found = self.deadline(state)
        if found is None or found[0] > due:
            return state
        at, what = found
        if what is Deadline.END:
            return self._end(fold, state, at)
        if what is Deadline.CLOSE:
            return self.close(fold, state, at, EndReason.SCHEDULE)
        if what is Deadline.BEGIN:
            return self._begin(fold, state, at)
        if what is Deadline.LEVEL:
            return self._level_due(fold, state, at)
        return self._lapse(fold, state, at)

    def _lapse(self, fold: Fold, state: LifeState, at: int) -> LifeState:
        if state.phase == PENDING:
            return idle(state.at, state.seq, state)
        levels = tuple(
            LevelState(held.since) if index == state.level or _counts(held, level, at) else _BLANK
            for index, (held, level) in enumerate(zip(state.levels, self.bound.levels, strict=True))
        )
        new = replace(state, unknown=True, phase=ACTIVE, clearing=None, levels=levels)
        return self._emit(fold, new, ConditionEdge.UPDATE, at)

    def _level_due(self, fold: Fold, state: LifeState, at: int) -> LifeState:
        levels = tuple(
            _BLANK if _over(held, level.clear.hold_ms if level.clear else 0, at) else held
            for held, level in zip(state.levels, self.bound.levels, strict=True)
        )
        new = self._shown(replace(state, levels=levels), at)
        if self.bound.clear.test is None and new.clearing is None and all(level.since is None for level in levels):
            return replace(new, clearing=at, phase=CLEARING, level=state.level)
        return new if new.level == state.level else self._emit(fold, new, ConditionEdge.UPDATE, at)

    def adopt(self, state: LifeState) -> LifeState:
        """The state under rules that changed in numbers, `for` or schedule only."""
        if self.schedule is None or state.phase == IDLE:
            return replace(state, closes=None)
        return replace(state, closes=self.schedule.open_until(state.at) or state.at)

    def settle(self, fold: Fold, state: LifeState) -> LifeState:
        """What the changed rule makes due up to the newest value, at its own time: that value has confirmed it."""
        while (due := self.due(state)) is not None and due <= state.at:
            state = self.tick(fold, state, due)
        return state

    # --- the end

    def close(self, fold: Fold, state: LifeState, at: int, reason: EndReason) -> LifeState:
        """End whatever there is, at `at` (never before its begin), for `reason`."""
        self._as_of(state.at)
        if state.phase in (ACTIVE, CLEARING):
            return self._end(fold, state, max(at, state.begin), reason)
        return idle(state.at, state.seq, state)

    def _end(self, fold: Fold, state: LifeState, at: int, reason: EndReason | None = None) -> LifeState:
        self._emit(fold, state, ConditionEdge.END, at, reason)
        return idle(state.at, state.seq, state)

    def judge_late(self, fold: Fold, state: LifeState | None, judged: Judged) -> LifeState | None:
        """Judge a late value alone: begin and end at its time, marked late. Only `recent` of the state changes."""
        self._as_of(judged.at)
        true = self._truths(judged)
        if not any(true) or (self.schedule is not None and self.schedule.open_until(judged.at) is None):
            return state
        if state is not None and (judged.at, judged.seq) in state.recent:
            return state
        level = self.bound.levels[max(index for index, held in enumerate(true) if held)]
        why = Why(operands=_operands(judged.operand), threshold=level.threshold, count=1, last=judged.value)
        for n, edge in enumerate((ConditionEdge.BEGIN, ConditionEdge.END)):
            self.source.emit(
                fold, edge, episode=judged.at, n=n, severity=level.severity, at=judged.at, why=why, late=True
            )
        kept = state if state is not None else LifeState(-(2**53))
        return replace(kept, recent=_remember(kept, judged))

    # --- evidence

    def _emit(
        self,
        fold: Fold,
        state: LifeState,
        edge: ConditionEdge,
        at: int,
        reason: EndReason | None = None,
    ) -> LifeState:
        """Write one edge; the state returned has counted it.

        A reading may be older than what W has told already: no edge is before the episode's one before it.
        """
        level = self.bound.levels[state.level]
        at = at if edge is ConditionEdge.BEGIN else max(at, state.told)
        assert state.episode is not None
        self.source.emit(
            fold,
            edge,
            episode=state.episode,
            n=state.n,
            severity=level.severity,
            at=at,
            why=self._why(state, edge, at),
            reason=reason,
        )
        return replace(state, n=state.n + 1, told=at)

    def _why(self, state: LifeState, edge: ConditionEdge, at: int) -> Why:
        tally = state.tally
        return Why(
            operands=_operands(state.first, state.last),
            threshold=self.bound.levels[state.level].threshold,
            window=state.window,
            held_for_ms=at - state.since,
            count=0 if tally is None else tally.count,
            min=None if tally is None else tally.min,
            max=None if tally is None else tally.max,
            last=None if tally is None else tally.last,
            unknown=state.unknown if edge is ConditionEdge.UPDATE else None,
            detail=state.detail,
        )


def _counts(held: LevelState, level: BoundLevel, at: int) -> bool:
    """Whether a level has held for its own time."""
    return held.since is not None and held.since + (level.hold_ms or 0) <= at


def _over(held: LevelState, hold_ms: int, at: int) -> bool:
    return held.clearing is not None and held.clearing + hold_ms <= at


def _remember(state: LifeState, judged: Judged) -> tuple[tuple[int, int], ...]:
    return (*state.recent[-RECENT + 1 :], (judged.at, judged.seq))


def _operands(*operands: Operand | None) -> tuple[Operand, ...]:
    found: list[Operand] = []
    for operand in operands:
        if operand is not None and operand not in found:
            found.append(operand)
    return tuple(found)
