"""A second evaluation of the formulas of `derive`, from their sources: Decision 1459/QD-TCMT, the US NWS, Nesterov.

Shares nothing with the engine. `Hours` are the hourly means of one input, by the number of the hour since the epoch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

HOUR = 3_600_000
VIETNAM = 7
"""Hours before UTC, all year."""
Reading = tuple[int, str, float]
"""Time (ms), quantity, value."""
Hours = dict[int, Fraction]
KNOTS = {
    "pm2_5": [0, 25, 50, 80, 150, 250, 350, 500],
    "pm10": [0, 50, 150, 250, 350, 420, 500, 600],
    "so2": [0, 125, 350, 550, 800, 1600, 2100, 2630],
    "co": [0, 10000, 30000, 45000, 60000, 90000, 120000, 150000],
    "no2": [0, 100, 200, 700, 1200, 2350, 3100, 3850],
    "o3": [0, 160, 200, 300, 400, 800, 1000, 1200],
    "o3 of 8 hours": [0, 100, 120, 170, 210, 400],
}
"""ug/m3 at which the index is 0, 50, 100, 150, 200, 300, 400, 500: the decision's Table 2."""
INDEX = [0, 50, 100, 150, 200, 300, 400, 500]


def hours_of(readings: Sequence[Reading], least: int) -> dict[str, Hours]:
    """The hourly means of each input; hours with fewer than `least` readings are none."""
    found: dict[str, dict[int, list[Fraction]]] = {}
    for at, name, value in readings:
        found.setdefault(name, {}).setdefault(at // HOUR, []).append(Fraction(value))
    return {
        name: {hour: _mean(values) for hour, values in hours.items() if len(values) >= least}
        for name, hours in found.items()
    }


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def index(name: str, concentration: Fraction) -> Fraction:
    """Straight lines between the knots; 500 beyond the last."""
    knots = KNOTS[name]
    if concentration >= knots[-1]:
        return Fraction(500)
    upper = next(number for number, knot in enumerate(knots) if concentration < knot)
    low, high = knots[upper - 1], knots[upper]
    share = (concentration - low) / (high - low)
    return INDEX[upper - 1] + share * (INDEX[upper] - INDEX[upper - 1])


def _last(hours: Hours, end: int, count: int) -> list[Fraction | None]:
    return [hours.get(end - back) for back in range(1, count + 1)]


def nowcast(hours: Hours, end: int) -> Fraction | None:
    """Of the 12 hours before `end`; two of the newest three must be there."""
    last = _last(hours, end, 12)
    known = [one for one in last if one is not None]
    if sum(one is not None for one in last[:3]) < 2:
        return None
    if not max(known):
        return Fraction(0)
    w = max(min(known) / max(known), Fraction(1, 2))
    weights = [w**back if one is not None else Fraction(0) for back, one in enumerate(last)]
    return sum((weight * (one or 0) for weight, one in zip(weights, last, strict=True)), Fraction(0)) / sum(weights)


def hourly(hours: dict[str, Hours], end: int) -> dict[str, Fraction]:
    """The indices of the hour before `end`; none at all without particulates."""
    found = {}
    for name, mine in hours.items():
        value = nowcast(mine, end) if name.startswith("pm") else mine.get(end - 1)
        if value is not None:
            found[name] = index(name, value)
    return found if {"pm10", "pm2_5"} & found.keys() else {}


def daily(hours: dict[str, Hours], end: int) -> Fraction | None:
    """The index of the 24 hours before `end`: of what has 18 of them."""
    found = {}
    for name, mine in hours.items():
        day = [one for one in _last(mine, end, 24) if one is not None]
        if len(day) >= 18:
            found[name] = index(name, _mean(day) if name.startswith("pm") else max(day))
    if "o3" in found:
        found["o3"] = max(found["o3"], _ozone_of_8(hours["o3"], end))
    return max(found.values()) if {"pm10", "pm2_5"} & found.keys() else None


def _ozone_of_8(hours: Hours, end: int) -> Fraction:
    """Of the highest mean of 8 hours, 6 of them there, that end in the day; none when that is above 400."""
    means = []
    for back in range(24):
        eight = [one for one in _last(hours, end - back, 8) if one is not None]
        if len(eight) >= 6:
            means.append(_mean(eight))
    highest = max(means, default=Fraction(0))
    return index("o3 of 8 hours", highest) if highest <= 400 else Fraction(0)


def half_up(number: Fraction) -> int:
    """To a whole number."""
    return math.floor(number + Fraction(1, 2))


def midnights(readings: Sequence[Reading]) -> list[int]:
    """The ends of the local days from that of the first reading to the day after the last, as hours."""
    first, last = min(one[0] for one in readings) // HOUR, max(one[0] for one in readings) // HOUR
    return [hour for hour in range(first + 1, last + 49) if (hour + VIETNAM) % 24 == 0]


def nesterov(readings: Sequence[Reading], least: int) -> dict[int, float]:
    """By day's end: the sum over the days of temperature times deficit (hPa) at 13:00; 0 with 5 mm of rain."""
    hours = hours_of(readings, least)
    total, found = 0.0, {}
    for end in midnights(readings):
        noon = end - 12
        rain = sum(
            Fraction(value)
            for at, name, value in readings
            if name == "rain_depth" and end - 24 <= at // HOUR < end and at // HOUR in hours["rain_depth"]
        )
        t, r = (hours.get(name, {}).get(noon) for name in ("air_temperature", "relative_humidity"))
        if rain >= 5:
            total = found[end] = 0.0
        elif t is not None and r is not None:
            vapour = 6.112 * math.e ** (17.62 * float(t) / (243.12 + float(t)))
            total += max(float(t), 0) * vapour * float(100 - r) / 100
            found[end] = total
    return found


ROTHFUSZ = (
    (-42.379, 0, 0),
    (2.04901523, 1, 0),
    (10.14333127, 0, 1),
    (-0.22475541, 1, 1),
    (-0.00683783, 2, 0),
    (-0.05481717, 0, 2),
    (0.00122874, 2, 1),
    (0.00085282, 1, 2),
    (-0.00000199, 2, 2),
)
"""Coefficient, power of the temperature (Fahrenheit), power of the humidity (%): NWS SR 90-23."""


def heat_index(celsius: float, humidity: float) -> float:
    """As wpc.ncep.noaa.gov/html/heatindex_equation says: the simple formula, and from 80 F on the regression."""
    t = celsius * 1.8 + 32
    simple = 0.5 * (t + 61 + (t - 68) * 1.2 + humidity * 0.094)
    fahrenheit = (simple + t) / 2
    if fahrenheit >= 80:
        fahrenheit = sum(factor * t**i * humidity**j for factor, i, j in ROTHFUSZ)
        if humidity < 13 and 80 <= t <= 112:
            fahrenheit -= (13 - humidity) / 4 * ((17 - abs(t - 95)) / 17) ** 0.5
        if humidity > 85 and 80 <= t <= 87:
            fahrenheit += (humidity - 85) / 10 * (87 - t) / 5
    return (fahrenheit - 32) / 1.8
