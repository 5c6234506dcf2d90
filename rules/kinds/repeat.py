"""`repeat`: a predicate that holds k times, of the last n readings or within a time."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Operand
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.series import SeriesState, SeriesWatch
from rules.engine.settings import Rule
from rules.engine.state import IDLE, LifeState
from rules.engine.watch import Entity, Watch, operand

MAX_TIMES = 1000
Hit = tuple[int, int]
"""Time of a reading (ms) and, as bits, the levels whose predicate it met."""


class RepeatSettings(msgspec.Struct, frozen=True):
    """`times` of the last `of` readings, or `times` in the last `within` ms; the other one is 0."""

    times: int
    of: int
    within: int


class RepeatState(SeriesState, frozen=True, array_like=True):
    """The readings that count still, oldest first. `last`: the newest reading, whose value holds when one falls out."""

    hits: tuple[Hit, ...] = ()
    last: Operand | None = None


class RepeatWatch(SeriesWatch):
    """One series. With `within` the count falls by itself when the oldest reading needed is T old."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue, holds_ms=rule.own.within)
        self.settings: RepeatSettings = rule.own
        self.tests = [level.test for level in self.conditions.bound.levels]

    def take(self, fold: Fold, state: RepeatState | None, reading: Reading, line: int) -> RepeatState:
        """Count one reading, after what fell out before it."""
        met = sum(1 << index for index, test in enumerate(self.tests) if test(reading.value, reading.text))
        if state is None:
            state = RepeatState(reading.at)
        elif not met and not state.hits and state.life is not None and state.life.phase == IDLE:
            return RepeatState(reading.at, reading.seq, LifeState(reading.at, 0, IDLE, state.life.episode))
        while (leaves := self._leaves(state)) is not None and leaves < reading.at:
            state = self._leave(fold, state, leaves)
        at = reading.at if state.life is None else max(reading.at, state.life.at)
        hits = self._kept((*state.hits, (reading.at, met)), at)
        life = self.judge(
            fold, state.life, msgspec.structs.replace(reading, at=at), line, reading.value, truths=self._truths(hits)
        )
        return RepeatState(reading.at, reading.seq, life, hits, operand(reading, fold, line) if hits else None)

    def _kept(self, hits: tuple[Hit, ...], at: int) -> tuple[Hit, ...]:
        """The last n readings; or of the readings in (at - T, at] the newest k that meet each level."""
        if self.settings.of:
            kept = hits[-self.settings.of :]
            return kept if any(met for _, met in kept) else ()
        left = [self.settings.times] * len(self.tests)
        found: list[Hit] = []
        for when, met in reversed(hits):
            wanted = [index for index in range(len(left)) if met >> index & 1 and left[index]]
            if wanted and when > at - self.settings.within:
                found.append((when, met))
                for index in wanted:
                    left[index] -= 1
        return tuple(reversed(found))

    def _truths(self, hits: tuple[Hit, ...]) -> list[bool]:
        return [sum(met >> index & 1 for _, met in hits) >= self.settings.times for index in range(len(self.tests))]

    def _leaves(self, state: RepeatState) -> int | None:
        """When the first level that holds ceases to, because the oldest reading that it needs is too old."""
        if self.settings.of or len(state.hits) < self.settings.times:
            return None
        times = []
        for index in range(len(self.tests)):
            mine = [when for when, met in state.hits if met >> index & 1]
            if len(mine) >= self.settings.times:
                times.append(mine[-self.settings.times] + self.settings.within)
        return min(times, default=None)

    def _leave(self, fold: Fold, state: RepeatState, at: int) -> RepeatState:
        assert state.life is not None
        hits = self._kept(state.hits, at)
        last = state.last or state.life.last
        judged = Judged(at, 0, None if last is None else last.value, None, last, truths=self._truths(hits))
        return replace(state, life=self.conditions.judge(fold, state.life, judged), hits=hits)

    def due(self, state: RepeatState) -> int | None:
        """When a reading needed falls out, or what the condition waits for."""
        mine, theirs = self._leaves(state), super().due(state)
        return min((due for due in (mine, theirs) if due is not None), default=None)

    def tick(self, fold: Fold, due: int) -> None:
        """Let a reading fall out, else the condition's deadline pass."""
        state: RepeatState = fold.state(self.key)
        leaves = self._leaves(state)
        if leaves is not None and leaves <= due:
            self.put(fold, self._leave(fold, state, leaves))
        else:
            super().tick(fold, due)

    def raises(self, reading: Reading) -> bool:
        """Whether it would have counted."""
        return any(test(reading.value, reading.text) for test in self.tests)


class Repeat:
    """The kind."""

    needs_raise = True
    needs_quantity = True
    starts = False
    single = True
    states = (RepeatState,)

    def read(self, fields: Fields) -> RepeatSettings:
        """`times`, and `of` or `within`."""
        fields.require("times")
        times, of = fields.count("times", 1, high=MAX_TIMES), fields.count("of", 0, low=1, high=MAX_TIMES)
        within = fields.duration("within", 0)
        if ("of" in fields) == ("within" in fields):
            fields.wrong(
                "of",
                "either of: a number of readings, or within: a duration",
                "both" if of else "neither",
                vi="một trong hai: of (số lần đo) hoặc within (khoảng thời gian)",
            )
        if "of" in fields and of < times:
            fields.wrong("of", f"at least the {times} times that are asked for", vi=f"ít nhất bằng times, {times} lần")
        if "within" in fields and within <= 0:
            fields.not_above_0("within")
        return RepeatSettings(times, of, within)

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return RepeatWatch(rule, entity, catalogue)


KIND = Repeat()
