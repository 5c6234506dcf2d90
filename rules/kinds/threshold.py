"""`threshold`: a value compared with levels, reading by reading."""

from __future__ import annotations

from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.settings import USABLE, Rule
from rules.engine.state import IDLE, LifeState
from rules.engine.watch import Entity, SingleReading, Watch, judged


class ThresholdWatch(SingleReading):
    """One series under one threshold rule."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        bound = self.conditions.bound
        self.quiet_low, self.quiet_high = bound.quiet_low, bound.quiet_high
        self.unscheduled = rule.schedule is None
        self.all_usable = rule.quality == USABLE
        self.judges_late = rule.hold_ms == 0 and not any(level.hold_ms for level in rule.levels)

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Apply one usable reading. The first half is the hot path: most readings raise nothing."""
        if not self.all_usable and reading.quality not in self.narrowed:
            return
        key, at, seq, value = self.key, reading.at, reading.seq, reading.value
        changed = fold.changed
        state: LifeState | None = changed[key] if key in changed else fold.states.get(key)
        if reading.historical or at < fold.now - self.live_for:
            self._late(fold, state, reading, line)
        elif state is None:
            self._judge(fold, state, reading, line)
        elif at < state.at or (at == state.at and seq <= state.seq):
            self._out_of_order(fold, state, reading)
        elif state.phase == IDLE and value is not None and self.quiet_low <= value <= self.quiet_high:
            changed[key] = LifeState(at, seq, IDLE, state.episode, state.recent)
        else:
            self._judge(fold, state, reading, line)

    def _judge(self, fold: Fold, state: LifeState | None, reading: Reading, line: int) -> None:
        self.put(fold, self.conditions.judge(fold, state, judged(reading, fold, line)))

    def _late(self, fold: Fold, state: LifeState | None, reading: Reading, line: int) -> None:
        fold.counts["ioc_rules_late_total"] += 1
        if self.judges_late:
            new = self.conditions.judge_late(fold, state, judged(reading, fold, line))
            if new is not state:
                fold.changed[self.key] = new

    def _out_of_order(self, fold: Fold, state: LifeState, reading: Reading) -> None:
        if (reading.at, reading.seq) == (state.at, state.seq):
            fold.counts["ioc_rules_duplicates_total"] += 1
            return
        fold.counts["ioc_rules_out_of_order_total"] += 1
        if any(level.test(reading.value, reading.text) for level in self.conditions.bound.levels):
            fold.counts["ioc_rules_out_of_order_would_raise_total"] += 1


class Threshold:
    """The kind."""

    needs_raise = True
    needs_quantity = True
    single = True
    starts = False
    states = (LifeState,)

    def read(self, fields: Fields) -> None:
        """No fields beside the common ones."""

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return ThresholdWatch(rule, entity, catalogue)


KIND = Threshold()
