"""Windows that readings move: `sliding`, `session`, `count`. Those of the clock are in `rules.kinds.window`."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.core.conditions import Operand
from pipeline.core.conditions import Window as WindowEvidence
from pipeline.core.schedule import NEVER
from rules.engine.arrivals import Arrival, ArrivalState, ArrivalWatch
from rules.engine.catalogue import Catalogue
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.settings import Rule
from rules.engine.watch import Entity
from rules.kinds.aggregates import AGGREGATES, Memory
from rules.kinds.window_settings import WindowSettings, aggregated

MAX_SAMPLES = 10_000
"""How many readings a sliding window holds; beyond it the oldest is cut, and counted."""


class MovingState(ArrivalState, frozen=True, array_like=True):
    """What the window holds. Sliding: `samples`. Session and count: `memory` of `count` readings from `begin` on.

    `carry`: the reading before the window, for a counter's first step. `newest`: time of the newest reading.
    """

    samples: tuple[tuple[int, float], ...] = ()
    memory: Memory = ()
    count: int = 0
    begin: int = 0
    newest: int = 0
    carry: float | None = None
    last: Operand | None = None


class MovingWatch(ArrivalWatch):
    """One series under one window rule."""

    empty = MovingState()

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue, stale_ms: int | None = None) -> None:
        self.settings: WindowSettings = rule.own
        self.aggregate = AGGREGATES[self.settings.aggregate]
        super().__init__(
            rule, entity, catalogue, catalogue.stale_after(rule, entity.device) if stale_ms is None else stale_ms
        )

    def seed(self, state: MovingState) -> Memory:
        """A counter's step belongs to the window of its later reading: a window starts from the reading before."""
        return (state.carry,) if self.settings.aggregate == "increase" and state.carry is not None else ()

    def judge(self, fold: Fold, state: MovingState, at: int, evidence: WindowEvidence) -> MovingState:
        """Judge the window's aggregate at `at`; a window without a value changes nothing."""
        if evidence.value is None:
            return state
        judged = Judged(at, 0, evidence.value, None, state.last, evidence)
        return replace(state, life=self.conditions.judge(fold, state.life, judged))


class SlidingWatch(MovingWatch):
    """(t - S, t], judged at every reading and when one leaves. Its aggregate holds for S at least."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue, max(catalogue.stale_after(rule, entity.device), rule.own.size))
        self.period = catalogue.period(entity.device)

    def take(self, fold: Fold, state: MovingState, arrived: tuple[Arrival, ...]) -> MovingState:
        """Readings come in at `at`; those of `at` - S leave at the same time."""
        at = arrived[0].at
        samples = (*state.samples, *((one.at, one.value) for one in arrived))
        if len(samples) > MAX_SAMPLES:
            fold.counts["ioc_rules_samples_cut_total"] += len(samples) - MAX_SAMPLES
            samples = samples[-MAX_SAMPLES:]
        return self._judged(fold, replace(state, samples=samples, newest=at, last=arrived[-1].operand), at)

    def leaves(self, state: MovingState) -> int | None:
        """When the oldest reading leaves."""
        return state.samples[0][0] + self.settings.size if state.samples else None

    def leave(self, fold: Fold, state: MovingState, at: int) -> MovingState:
        """The window without the readings that left."""
        return self._judged(fold, state, at)

    def _judged(self, fold: Fold, state: MovingState, at: int) -> MovingState:
        size = self.settings.size
        gone = 0
        while gone < len(state.samples) and state.samples[gone][0] <= at - size:
            gone += 1
        if gone:
            state = replace(state, samples=state.samples[gone:], carry=state.samples[gone - 1][1])
        memory = self.seed(state)
        for _, value in state.samples:
            memory = self.aggregate.add(memory, value)
        count = len(state.samples)
        coverage = None if self.period is None else min(count * self.period / size, 1.0)
        return self.judge(fold, state, at, aggregated(self.settings, at - size, at, memory, count, coverage))


class SessionWatch(MovingWatch):
    """Readings with no gap above `gap` between them, judged when W has passed the gap after the last, at the last.

    Deadlines of the condition wait while a session is open whose judgement may still come before them.
    """

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue, NEVER)

    def take(self, fold: Fold, state: MovingState, arrived: tuple[Arrival, ...]) -> MovingState:
        """Readings join the session, or begin the next one."""
        memory = state.memory if state.count else self.seed(state)
        for one in arrived:
            memory = self.aggregate.add(memory, one.value)
        return replace(
            state,
            memory=memory,
            count=state.count + len(arrived),
            begin=state.begin if state.count else arrived[0].at,
            newest=arrived[0].at,
            carry=arrived[-1].value,
            last=arrived[-1].operand,
        )

    def leaves(self, state: MovingState) -> int | None:
        """When the gap has passed."""
        return state.newest + self.settings.gap if state.count else None

    def leave(self, fold: Fold, state: MovingState, at: int) -> MovingState:
        """The session is over."""
        evidence = aggregated(self.settings, state.begin, state.newest, state.memory, state.count, None)
        return replace(self.judge(fold, state, state.newest, evidence), memory=(), count=0)

    def deadline(self, state: ArrivalState) -> int | None:
        """What the condition waits for, when no open session can be judged before it."""
        assert isinstance(state, MovingState)
        due = super().deadline(state)
        return None if due is not None and state.count and state.newest <= due else due


class CountWatch(MovingWatch):
    """Every n readings, judged at the n-th."""

    def take(self, fold: Fold, state: MovingState, arrived: tuple[Arrival, ...]) -> MovingState:
        """Readings fill the window; a full one is judged."""
        for one in arrived:
            memory = state.memory if state.count else self.seed(state)
            begin = state.begin if state.count else one.at
            state = replace(
                state,
                memory=self.aggregate.add(memory, one.value),
                count=state.count + 1,
                begin=begin,
                newest=one.at,
                carry=one.value,
                last=one.operand,
            )
            if state.count == self.settings.size:
                evidence = aggregated(self.settings, begin, one.at, state.memory, state.count, None)
                state = replace(self.judge(fold, state, one.at, evidence), memory=(), count=0)
        return state


MOVING = {"sliding": SlidingWatch, "session": SessionWatch, "count": CountWatch}
"""The types of windows that readings move."""
