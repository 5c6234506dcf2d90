"""`flatline`: a sensor that says the same for too long."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import Severity
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one, never
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_severity
from rules.engine.series import SeriesState, SeriesWatch
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch


class FlatlineSettings(msgspec.Struct, frozen=True):
    """`n` readings that span at least `over` ms, the highest at most `eps` above the lowest."""

    n: int
    over: int
    eps: float
    severity: Severity


class FlatlineState(SeriesState, frozen=True, array_like=True):
    """The run of equal readings that the newest one belongs to."""

    since: int = 0
    count: int = 0
    low: float = 0.0
    high: float = 0.0


class FlatlineWatch(SeriesWatch):
    """One series. A reading that does not fit into the run begins the next one."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.settings: FlatlineSettings = rule.own
        shown = {"flatline": self.settings.n, "over": show_duration(self.settings.over), "eps": self.settings.eps}
        bound = bind_one(rule, self.settings.severity, never, shown, catalogue.attributes(entity.device))
        super().__init__(rule, entity, catalogue, bound)

    def take(self, fold: Fold, state: FlatlineState | None, reading: Reading, line: int) -> FlatlineState | None:
        """Add one reading to the run, or begin another."""
        value = reading.value
        if value is None:
            return None
        since, count, low, high = reading.at, 1, value, value
        if state is not None and max(state.high, value) - min(state.low, value) <= self.settings.eps:
            since, count = state.since, state.count + 1
            low, high = min(state.low, value), max(state.high, value)
        flat = count >= self.settings.n and reading.at - since >= self.settings.over
        life = self.judge(fold, None if state is None else state.life, reading, line, value, truths=[flat])
        return FlatlineState(reading.at, reading.seq, life, since, count, low, high)


class Flatline:
    """The kind."""

    needs_raise = False
    needs_quantity = True
    starts = False
    single = True
    states = (FlatlineState,)

    def read(self, fields: Fields) -> FlatlineSettings:
        """`n`, `over`, `eps`, `severity`."""
        fields.require("n", "over")
        eps = fields.number("eps", 0.0) or 0.0
        if eps < 0:
            fields.wrong("eps", "a number not below 0", vi="số không nhỏ hơn 0")
        n, over = fields.count("n", 2, low=2), fields.duration("over", 0)
        return FlatlineSettings(n, over, eps, read_severity(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return FlatlineWatch(rule, entity, catalogue)


KIND = Flatline()
