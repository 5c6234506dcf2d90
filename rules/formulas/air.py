"""VN_AQI, hourly and daily: Decision 1459/QD-TCMT of 12/11/2019 of the Vietnam Environment Administration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rules.formulas.formula import Formula, Known, Result

INDEX = (0, 50, 100, 150, 200, 300, 400, 500)
BREAKPOINTS: dict[str, tuple[float, ...]] = {
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "o3_8h": (0, 100, 120, 170, 210, 400),
    "co": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    "so2": (0, 125, 350, 550, 800, 1600, 2100, 2630),
    "no2": (0, 100, 200, 700, 1200, 2350, 3100, 3850),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "pm2_5": (0, 25, 50, 80, 150, 250, 350, 500),
}
"""Concentrations in ug/m3 at the knots of INDEX; Table 2 of the decision. Ozone over 8 h ends at 400."""
POLLUTANTS = ("pm2_5", "pm10", "so2", "co", "no2", "o3")
MIN_HOURS = 18
"""Of a day's 24 hours so many must be valid: 75 %, as for QCVN 05:2023/BTNMT."""
MIN_HOURS_OF_8 = 6


def sub_index(pollutant: str, concentration: float) -> float:
    """The index of one pollutant, ug/m3: straight lines between the knots, 500 from the last one on."""
    knots = BREAKPOINTS[pollutant]
    for number, (low, high) in enumerate(pairwise(knots)):
        if concentration <= high:
            return (INDEX[number + 1] - INDEX[number]) / (high - low) * (concentration - low) + INDEX[number]
    return float(INDEX[-1])


def nowcast(hours: Sequence[float | None]) -> float | None:
    """Nowcast concentration of particulates from 12 hourly means, the current hour first.

    w = max(min / max, 0.5); the sum of w^(i-1) c_i over the sum of w^(i-1), missing hours left out. At w = 0.5 the
    decision prints the sum of (1/2)^i c_i, which is the same for 12 values but too low with gaps: the normalised form
    serves both (71.3 instead of 114.0 for 120, missing, 90). None with fewer than two of the newest three.
    """
    if sum(value is not None for value in hours[:3]) < 2:
        return None
    known = [(number, value) for number, value in enumerate(hours[:12]) if value is not None]
    high = max(value for _, value in known)
    if high <= 0:
        return 0.0
    w = max(min(value for _, value in known) / high, 0.5)
    return math.fsum(w**number * value for number, value in known) / math.fsum(w**number for number, _ in known)


def rounded(index: float) -> float:
    """To a whole number, half up: 109.5 is 110."""
    return float(math.floor(index + 0.5))


def highest(indices: dict[str, float]) -> float | None:
    """The highest index, as a whole number; None without PM10 or PM2.5, of which the decision asks for one."""
    if "pm2_5" not in indices and "pm10" not in indices:
        return None
    return rounded(max(indices.values()))


def hourly(known: Known) -> Result:
    """VN_AQI of the hour: gases by their hourly mean, particulates by their Nowcast; the highest counts."""
    return highest(hourly_indices(known))


def governing(known: Known) -> Result:
    """The pollutant with the highest index of the hour, which public boards must name; the first of two."""
    found = hourly_indices(known)
    return None if highest(found) is None else max(found, key=lambda name: found[name])


def hourly_indices(known: Known) -> dict[str, float]:
    """The index of the hour of each pollutant that is known well enough."""
    found = {}
    for name in POLLUTANTS:
        hours = known.means(name, 12)
        value = nowcast(hours) if name.startswith("pm") else hours[0]
        if value is not None:
            found[name] = sub_index(name, value)
    return found


def daily(known: Known) -> Result:
    """VN_AQI of the day: particulates by the 24 h mean, gases by the highest hourly mean, ozone also by 8 h."""
    found = {}
    for name in POLLUTANTS:
        values = [value for value in known.means(name, 24) if value is not None]
        if len(values) >= MIN_HOURS:
            whole_day = name.startswith("pm")
            found[name] = sub_index(name, math.fsum(values) / len(values) if whole_day else max(values))
    eight = max((mean for mean in map(_eight, _eights(known)) if mean is not None), default=None)
    if "o3" in found and eight is not None and eight <= BREAKPOINTS["o3_8h"][-1]:
        found["o3"] = max(found["o3"], sub_index("o3_8h", eight))
    return highest(found)


def _eights(known: Known) -> list[list[float | None]]:
    """The 24 running windows of 8 h that end in the day; the first one begins at 17:00 of the day before."""
    return [known.means("o3", 8, since) for since in range(24)]


def _eight(hours: list[float | None]) -> float | None:
    values = [value for value in hours if value is not None]
    return math.fsum(values) / len(values) if len(values) >= MIN_HOURS_OF_8 else None


VN_AQI_HOUR = Formula("vn_aqi_hour", POLLUTANTS, hourly, "hour", 12)
VN_AQI_POLLUTANT = Formula("vn_aqi_pollutant", POLLUTANTS, governing, "hour", 12)
VN_AQI_DAY = Formula("vn_aqi_day", POLLUTANTS, daily, "day", 31)
