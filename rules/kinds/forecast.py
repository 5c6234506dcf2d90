"""`forecast`: when a value will reach a level, by a line of least squares, with how sure that is."""

from __future__ import annotations

import math

import msgspec
from msgspec.structs import replace

from pipeline.core.clock import rfc3339
from pipeline.core.conditions import Severity
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one, never
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_number, read_severity
from rules.engine.series import Sample, SampledState, SeriesWatch, sampled
from rules.engine.settings import Number, Rule
from rules.engine.watch import Entity, Watch
from rules.kinds.regression import crossing, fit

CONFIDENCE = 0.9
MIN_COVERAGE = 0.8


class ForecastSettings(msgspec.Struct, frozen=True):
    """Whether `level` may be reached within `horizon` ms, from a line over the last `over` ms."""

    level: Number
    rising: bool
    horizon: int
    over: int
    severity: Severity


class ForecastWatch(SeriesWatch):
    """One series. The value judged is the line's own value now; a reading without a line changes nothing."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.settings: ForecastSettings = rule.own
        attributes = catalogue.attributes(entity.device)
        self.level = self.settings.level.of(attributes)
        shown = {"reaches": self.level, "horizon": show_duration(self.settings.horizon)}
        super().__init__(rule, entity, catalogue, bind_one(rule, self.settings.severity, never, shown, attributes))
        self.period = catalogue.period(entity.device)

    def take(self, fold: Fold, state: SampledState | None, reading: Reading, line: int) -> SampledState | None:
        """Take one reading in and judge the line that it gives."""
        if reading.value is None or self.level is None:
            return None
        since = reading.at - self.settings.over + 1
        samples = sampled(fold, () if state is None else state.samples, (reading.at, reading.value), since)
        new = SampledState(reading.at, reading.seq, None if state is None else state.life, samples)
        if not self._covered(samples):
            return new
        found = self._earliest(samples, reading.at)
        if found is None:
            return new
        near, value, detail = found
        life = self.judge(fold, new.life, reading, line, value, truths=[near], detail=detail)
        return replace(new, life=life)

    def _covered(self, samples: tuple[Sample, ...]) -> bool:
        """Enough of the time is known: by the declared period, else by the span of the samples."""
        known = samples[-1][0] - samples[0][0] if self.period is None else len(samples) * self.period
        return known >= MIN_COVERAGE * self.settings.over

    def _earliest(self, samples: tuple[Sample, ...], now: int) -> tuple[bool, float, str] | None:
        """Whether the level may be reached within the horizon, the line's value now, and the interval in words."""
        line = fit(samples)
        if line is None or self.level is None:
            return None
        value, sign = line.value(now), 1 if self.settings.rising else -1
        found = crossing(line, self.level, CONFIDENCE, now)
        if found is None or line.slope * sign <= 0 or (self.level - value) * sign <= 0:
            return False, value, ""
        begin, end = found
        until = "open" if end is None or end > now + 10 * self.settings.horizon else rfc3339(math.ceil(end))
        return begin <= now + self.settings.horizon, value, f"reached {rfc3339(math.floor(begin))} to {until} (90 %)"


class Forecast:
    """The kind."""

    needs_raise = False
    needs_quantity = True
    starts = False
    single = True
    states = (SampledState,)

    def read(self, fields: Fields) -> ForecastSettings:
        """`level`, `direction`, `horizon`, `over`, `severity`."""
        fields.require("level", "horizon", "over")
        level = fields.raw("level")
        horizon, over = fields.duration("horizon", 3_600_000), fields.duration("over", 3_600_000)
        for name, value in (("horizon", horizon), ("over", over)):
            if value <= 0:
                fields.not_above_0(name)
        return ForecastSettings(
            level=Number() if level is None else read_number(fields, "level", level),
            rising=fields.choice("direction", ("rising", "falling"), "rising") == "rising",
            horizon=horizon,
            over=over,
            severity=read_severity(fields),
        )

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return ForecastWatch(rule, entity, catalogue)


KIND = Forecast()
