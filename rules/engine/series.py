"""Single-reading kinds with a memory: each usable reading at once, in log order, with what came before it."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import Bound
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.settings import Rule
from rules.engine.state import IDLE, LifeState, idle
from rules.engine.watch import Entity, Remembering, operand

Sample = tuple[int, float]
"""Time (ms) and value."""
MAX_SAMPLES = 5_000
"""How many samples a series keeps; beyond it the oldest is cut, and counted."""


class SeriesState(msgspec.Struct, frozen=True, array_like=True):
    """`at`, `seq`: the newest reading applied."""

    at: int
    seq: int = 0
    life: LifeState | None = None


class SampledState(SeriesState, frozen=True, array_like=True):
    """The samples that the next value needs, oldest first."""

    samples: tuple[Sample, ...] = ()


class SeriesWatch(Remembering):
    """One series. A kind says in `take` what a reading, newer than all before it, means.

    `holds_ms`: how long a value holds at least, beside `stale_after`.
    """

    def __init__(
        self, rule: Rule, entity: Entity, catalogue: Catalogue, bound: Bound | None = None, holds_ms: int = 0
    ) -> None:
        super().__init__(rule, entity, catalogue)
        self.conditions = self.life(rule, catalogue, max(self.stale_ms, holds_ms), bound)

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Apply one usable reading, unless it is late or out of order."""
        if reading.quality not in self.rule.quality:
            return
        state = fold.state(self.key)
        if reading.historical or reading.at < fold.now - self.live_for:
            fold.counts["ioc_rules_late_total"] += 1
        elif state is not None and (reading.at, reading.seq) <= (state.at, state.seq):
            self._out_of_order(fold, state, reading)
        else:
            new = self.take(fold, state, reading, line)
            if new is not None:
                self.put(fold, new)

    def take(self, fold: Fold, state: Any, reading: Reading, line: int) -> Any:
        """The state after one reading, newer than all before it; None when it means nothing to the kind."""
        raise NotImplementedError

    def judge(
        self,
        fold: Fold,
        life: LifeState | None,
        reading: Reading,
        line: int,
        value: float | None,
        truths: list[bool] | None = None,
        **more: Any,
    ) -> LifeState:
        """The condition after `value` at the reading's time; `truths` and `more`: see `Judged`.

        The first half is the hot path: most readings raise nothing, and need no evidence.
        """
        if life is None or life.phase == IDLE:
            bound = self.conditions.bound
            quiet = value is not None and bound.quiet_low <= value <= bound.quiet_high
            if quiet if truths is None else not any(truths):
                return idle(reading.at, reading.seq, life)
        judged = Judged(reading.at, reading.seq, value, None, operand(reading, fold, line), truths=truths, **more)
        return self.conditions.judge(fold, life, judged)

    def raises(self, reading: Reading) -> bool:
        """Whether a reading by itself makes the kind's predicate true, as far as can be said."""
        return False

    def _out_of_order(self, fold: Fold, state: SeriesState, reading: Reading) -> None:
        if (reading.at, reading.seq) == (state.at, state.seq):
            fold.counts["ioc_rules_duplicates_total"] += 1
            return
        fold.counts["ioc_rules_out_of_order_total"] += 1
        if self.raises(reading):
            fold.counts["ioc_rules_out_of_order_would_raise_total"] += 1


def sampled(
    fold: Fold, samples: tuple[Sample, ...], sample: Sample, since: int, most: int = MAX_SAMPLES
) -> tuple[Sample, ...]:
    """`samples` not older than `since`, and one more; at most `most`, what is cut is counted."""
    first = 0
    while first < len(samples) and samples[first][0] < since:
        first += 1
    if len(samples) - first >= most:
        fold.counts["ioc_rules_samples_cut_total"] += len(samples) - first - most + 1
        first = len(samples) - most + 1
    return (*samples[first:], sample)
