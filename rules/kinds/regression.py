"""A straight line through samples by least squares, with what is needed to say how sure it is.

Source of every formula: N. Draper, H. Smith, "Applied Regression Analysis", 3rd ed., chapters 1 and 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import msgspec

MIN_READINGS = 4


class Line(msgspec.Struct, frozen=True):
    """y = mean + slope * (t - centre), t in ms. `spread`: sum of squares of t - centre. `error`: residual
    standard error, with count - 2 degrees of freedom."""

    count: int
    centre: float
    mean: float
    slope: float
    spread: float
    error: float

    def value(self, at: float) -> float:
        """The line's value at `at`."""
        return self.mean + self.slope * (at - self.centre)


def fit(samples: Sequence[tuple[int, float]]) -> Line | None:
    """The line through at least MIN_READINGS samples of (ms, value); None with fewer, or all at one time."""
    count = len(samples)
    if count < MIN_READINGS:
        return None
    origin = samples[0][0]
    centre = math.fsum(at - origin for at, _ in samples) / count
    mean = math.fsum(value for _, value in samples) / count
    spread = math.fsum((at - origin - centre) ** 2 for at, _ in samples)
    if not spread:
        return None
    slope = math.fsum((at - origin - centre) * (value - mean) for at, value in samples) / spread
    residuals = math.fsum((value - mean - slope * (at - origin - centre)) ** 2 for at, value in samples)
    return Line(count, origin + centre, mean, slope, spread, math.sqrt(residuals / (count - 2)))


def student(share: float, freedom: int) -> float:
    """The quantile of Student's t distribution below which `share` lies.

    Abramowitz and Stegun 26.7.5, four terms: 0.3 % short at 2 degrees of freedom, under 0.05 % from 3 on.
    """
    x = NormalDist().inv_cdf(share)
    terms = (
        x,
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def crossing(line: Line, level: float, share: float, now: float) -> tuple[float, float | None] | None:
    """When, from `now` on, the line crosses `level`: an interval of time (ms) at confidence `share`.

    The first stretch of time at which the level lies inside the line's confidence band (Fieller's interval); its
    end is None when it is open. None when the level is outside the band for good, or inside at every time: then
    the slope is not known well enough to say anything.
    """
    q = student((1 + share) / 2, line.count - 2) * line.error
    gap = level - line.mean
    # (gap - slope x)^2 <= q^2 (1/n + x^2/spread), x = t - centre; so a x^2 - 2 gap slope x + c <= 0
    a = line.slope**2 - q**2 / line.spread
    inner = line.slope**2 / line.count + gap**2 / line.spread - q**2 / (line.count * line.spread)
    if a == 0 or inner < 0:
        return None
    reach = q * math.sqrt(inner)
    low, high = sorted(line.centre + (gap * line.slope + sign * reach) / a for sign in (-1, 1))
    if a > 0:
        return None if high < now else (max(low, now), high)
    return (now, low) if now <= low else (max(high, now), None)
