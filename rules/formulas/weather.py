"""Heat index and the Nesterov index of forest fire danger."""

from __future__ import annotations

import math

from rules.formulas.formula import Formula, Known, Result

RESET_MM = 5.0
"""Rain of a day from which the Nesterov sum begins anew."""
_HOUR_13 = 11
"""Of a day's 24 hours, newest first, the one that ends at 13:00."""


def heat_index_c(temperature_c: float, humidity: float) -> float:
    """Apparent temperature in the shade, degrees Celsius, from air temperature (Celsius) and relative humidity (%).

    L. Rothfusz, "The Heat Index Equation", NWS Technical Attachment SR 90-23, with the adjustments and the simple
    formula below 80 degrees Fahrenheit of the US National Weather Service (wpc.ncep.noaa.gov/html/heatindex_equation).
    """
    t, r = temperature_c * 9 / 5 + 32, humidity
    simple = 0.5 * (t + 61.0 + (t - 68.0) * 1.2 + r * 0.094)
    found = (simple + t) / 2
    if found >= 80:
        found = (
            -42.379 + 2.04901523 * t + 10.14333127 * r - 0.22475541 * t * r - 0.00683783 * t * t
            - 0.05481717 * r * r + 0.00122874 * t * t * r + 0.00085282 * t * r * r - 0.00000199 * t * t * r * r
        )  # fmt: skip
        if r < 13 and 80 <= t <= 112:
            found -= (13 - r) / 4 * math.sqrt((17 - abs(t - 95)) / 17)
        elif r > 85 and 80 <= t <= 87:
            found += (r - 85) / 10 * (87 - t) / 5
    return (found - 32) * 5 / 9


def heat_index(known: Known) -> Result:
    """The heat index of the newest temperature and humidity."""
    temperature, humidity = known.values.get("air_temperature"), known.values.get("relative_humidity")
    return None if temperature is None or humidity is None else heat_index_c(temperature, humidity)


def saturation_deficit(temperature_c: float, humidity: float) -> float:
    """How much water vapour air could still take, hPa.

    Magnus' formula over water, WMO-No. 8, "Guide to Instruments and Methods of Observation", 2018, annex 4.B.
    """
    saturation = 6.112 * math.exp(17.62 * temperature_c / (243.12 + temperature_c))
    return saturation * (1 - humidity / 100)


def nesterov(known: Known) -> Result:
    """P = K (P of the day before + t13 d13): V. Nesterov 1949, as Vietnam's forest fire service uses it.

    t13: air temperature (Celsius) and d13: saturation deficit (hPa) of the hour that ends at 13:00; K = 0 on a day
    with RESET_MM of rain or more. None without that hour; frost adds nothing.
    """
    temperature = known.means("air_temperature", 1, _HOUR_13)[0]
    humidity = known.means("relative_humidity", 1, _HOUR_13)[0]
    rain = math.fsum(hour.total for hour in known.hours.get("rain_depth", ())[:24] if hour is not None)
    if rain >= RESET_MM:
        return 0.0
    if temperature is None or humidity is None:
        return None
    return (known.previous or 0.0) + max(temperature, 0.0) * saturation_deficit(temperature, humidity)


HEAT_INDEX = Formula("heat_index", ("air_temperature", "relative_humidity"), heat_index)
NESTEROV = Formula("nesterov", ("air_temperature", "relative_humidity", "rain_depth"), nesterov, "day", 24)
