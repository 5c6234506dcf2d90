"""`jump`: a value that differs from the one before it by more than can be."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import Severity
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_severity
from rules.engine.series import SampledState, SeriesWatch
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch


class JumpSettings(msgspec.Struct, frozen=True):
    """More than `limit` from one reading to the next, at most `within` ms apart."""

    limit: float
    within: int
    severity: Severity


class JumpWatch(SeriesWatch):
    """One series. The value judged is the difference; there is none when the reading before is too old."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.settings: JumpSettings = rule.own
        limit = self.settings.limit
        shown = {"jump": limit, "within": show_duration(self.settings.within)}

        def jumps(value: float | None, _text: str | None) -> bool:
            return value is not None and value > limit

        attributes, quiet = catalogue.attributes(entity.device), (0.0, limit)
        bound = bind_one(rule, self.settings.severity, jumps, shown, attributes, quiet)
        super().__init__(rule, entity, catalogue, bound)

    def take(self, fold: Fold, state: SampledState | None, reading: Reading, line: int) -> SampledState | None:
        """Compare one reading with the one before it."""
        if reading.value is None:
            return None
        step = None
        if state is not None and reading.at - state.at <= self.settings.within:
            step = abs(reading.value - state.samples[0][1])
        life = self.judge(fold, None if state is None else state.life, reading, line, step)
        return SampledState(reading.at, reading.seq, life, ((reading.at, reading.value),))


class Jump:
    """The kind."""

    needs_raise = False
    needs_quantity = True
    starts = False
    single = True
    states = (SampledState,)

    def read(self, fields: Fields) -> JumpSettings:
        """`limit`, `within`, `severity`."""
        fields.require("limit", "within")
        limit = fields.number("limit", 0.0) or 0.0
        within = fields.duration("within", 0)
        if "limit" in fields and limit <= 0:
            fields.wrong("limit", "a number above 0", vi="số lớn hơn 0")
        if "within" in fields and within <= 0:
            fields.not_above_0("within")
        return JumpSettings(limit, within, read_severity(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return JumpWatch(rule, entity, catalogue)


KIND = Jump()
