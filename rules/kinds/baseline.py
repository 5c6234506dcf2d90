"""`baseline`: a value far from what is usual, by the robust z score.

z = (v - median) / (1.4826 MAD): B. Iglewicz, D. Hoaglin, "How to Detect and Handle Outliers", 1993 (ASQC 16);
1.4826 makes the median absolute deviation an estimate of the standard deviation of a normal distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Severity
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_severity
from rules.engine.series import Sample, SampledState, SeriesWatch, sampled
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch

SCALE = 1.4826
MEMORY_MS = 86_400_000
MIN_VALUES = 30
EVERY_MS = 30_000
"""At most one value in this time is kept: a day is 2,880."""
MIN_WEEKS = 4
SIDES = ("both", "above", "below")


class Profile(msgspec.Struct, frozen=True):
    """What is usual at one hour of the week, from the nightly job."""

    median: float
    mad: float
    weeks: int


Profiles = Callable[[int], Profile | None]
"""The profile of a series for the hour of the week that holds a time (ms)."""


def no_profiles(_at: int) -> None:
    """No series has a profile until the catalogue brings them."""


class BaselineSettings(msgspec.Struct, frozen=True):
    """How many robust standard deviations are too far, and on which side."""

    z: float
    side: str
    severity: Severity


class BaselineWatch(SeriesWatch):
    """One series. The value judged is z; a reading that has none changes nothing."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue, profiles: Profiles = no_profiles) -> None:
        self.settings: BaselineSettings = rule.own
        self.profiles = profiles
        shown = {"z": self.settings.z, "side": self.settings.side}
        attributes = catalogue.attributes(entity.device)
        super().__init__(rule, entity, catalogue, bind_one(rule, self.settings.severity, self._far, shown, attributes))
        self._usual: tuple[tuple[Sample, ...], tuple[float, float]] | None = None

    def _far(self, z: float | None, _text: str | None) -> bool:
        if z is None:
            return False
        side = self.settings.side
        return (z > self.settings.z and side != "below") or (z < -self.settings.z and side != "above")

    def take(self, fold: Fold, state: SampledState | None, reading: Reading, line: int) -> SampledState | None:
        """Judge one reading by those before it, then keep it."""
        if reading.value is None:
            return None
        old = () if state is None else state.samples
        before = (
            old
            if not old or old[0][0] > reading.at - MEMORY_MS
            else tuple(one for one in old if one[0] > reading.at - MEMORY_MS)
        )
        z = self._z(before, reading)
        kept = before
        if not before or reading.at - before[-1][0] >= EVERY_MS:
            kept = sampled(fold, before, (reading.at, reading.value), reading.at - MEMORY_MS + 1)
        new = SampledState(reading.at, reading.seq, None if state is None else state.life, kept)
        return new if z is None else replace(new, life=self.judge(fold, new.life, reading, line, z))

    def _z(self, samples: tuple[Sample, ...], reading: Reading) -> float | None:
        profile = self.profiles(reading.at)
        if profile is not None and profile.weeks >= MIN_WEEKS:
            middle, mad = profile.median, profile.mad
        elif len(samples) >= MIN_VALUES:
            middle, mad = self._middle(samples)
        else:
            return None
        assert reading.value is not None
        return (reading.value - middle) / (SCALE * mad) if mad > 0 else None

    def _middle(self, samples: tuple[Sample, ...]) -> tuple[float, float]:
        """Median and MAD; kept for the next reading, because samples change once in EVERY_MS only."""
        if self._usual is None or self._usual[0] is not samples:
            middle = median(value for _, value in samples)
            self._usual = (samples, (middle, median(abs(value - middle) for _, value in samples)))
        return self._usual[1]


class Baseline:
    """The kind."""

    needs_raise = False
    needs_quantity = True
    starts = False
    single = True
    states = (SampledState,)

    def read(self, fields: Fields) -> BaselineSettings:
        """`z`, `side`, `severity`."""
        fields.require("z")
        z = fields.number("z", 1.0) or 0.0
        if z <= 0:
            fields.wrong("z", "a number above 0", vi="số lớn hơn 0")
        return BaselineSettings(z, fields.choice("side", SIDES, "both"), read_severity(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series under one rule."""
        return BaselineWatch(rule, entity, catalogue)


KIND = Baseline()
