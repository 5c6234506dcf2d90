"""`rate`: how fast a value changes: as a difference, a share, or the slope of a line of least squares."""

from __future__ import annotations

import msgspec

from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.series import MAX_SAMPLES, Sample, SampledState, SeriesWatch, sampled
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch
from rules.kinds.regression import MIN_READINGS, fit

METHODS = ("delta", "least_squares")


class RateSettings(msgspec.Struct, frozen=True):
    """The change in `per` ms, seen over `over` ms or over `readings` readings; the other one is 0.

    `relative`: in percent of the older value.
    """

    per: int
    over: int
    readings: int
    method: str
    relative: bool


class RateWatch(SeriesWatch):
    """One series. The value judged is the change per `per`; a reading that gives none changes nothing."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.settings: RateSettings = rule.own
        lines = self.settings.method == "least_squares"
        self.most = self.settings.readings + (not lines) if self.settings.readings else 0
        self.open_side = 1 if lines else 0

    def take(self, fold: Fold, state: SampledState | None, reading: Reading, line: int) -> SampledState | None:
        """Take one reading in and judge the rate that it gives."""
        if reading.value is None:
            return None
        samples = self._kept(fold, () if state is None else state.samples, (reading.at, reading.value))
        life, rate = None if state is None else state.life, self._rate(samples)
        if rate is not None:
            life = self.judge(fold, life, reading, line, rate)
        return SampledState(reading.at, reading.seq, life, samples)

    def _kept(self, fold: Fold, samples: tuple[Sample, ...], sample: Sample) -> tuple[Sample, ...]:
        if self.most:
            return (*samples[-self.most + 1 :], sample)
        return sampled(fold, samples, sample, sample[0] - self.settings.over + self.open_side)

    def _rate(self, samples: tuple[Sample, ...]) -> float | None:
        settings = self.settings
        if settings.method == "least_squares":
            line = None if len(samples) < settings.readings else fit(samples)
            return None if line is None else line.slope * settings.per
        if len(samples) < self.most:
            return None
        (first, old), (last, new) = samples[0], samples[-1]
        span = last - first
        if span <= 0 or span * 2 < settings.over or (settings.relative and not old):
            return None
        if settings.relative:
            return (new - old) * 100 * settings.per / (span * abs(old))
        return (new - old) / span * settings.per


class Rate:
    """The kind."""

    needs_raise = True
    needs_quantity = True
    starts = False
    single = True
    states = (SampledState,)

    def read(self, fields: Fields) -> RateSettings:
        """`per`, `over` or `readings`, `method`, `relative`."""
        fields.require("per")
        method = fields.choice("method", METHODS, "delta")
        found = RateSettings(
            per=fields.duration("per", 3_600_000),
            over=fields.duration("over", 0),
            readings=fields.count("readings", 0, high=MAX_SAMPLES - 1),
            method=method,
            relative=fields.flag("relative"),
        )
        if found.per <= 0:
            fields.not_above_0("per")
        if ("over" in fields) == ("readings" in fields):
            fields.wrong(
                "over",
                "either over: a duration, or readings: a number",
                "both or neither",
                vi="một trong hai: over (khoảng thời gian) hoặc readings (số lần đo)",
            )
        if "over" in fields and found.over <= 0:
            fields.not_above_0("over")
        if method == "least_squares" and 0 < found.readings < MIN_READINGS:
            wanted = f"at least {MIN_READINGS} for a line of least squares"
            fields.wrong("readings", wanted, vi=f"ít nhất {MIN_READINGS} lần đo để vẽ đường bình phương tối thiểu")
        if method == "least_squares" and found.relative:
            fields.unwanted("relative", "a line has no older value", vi="đường hồi quy không có giá trị cũ để so")
        return found

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return RateWatch(rule, entity, catalogue)


KIND = Rate()
