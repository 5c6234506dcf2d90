"""The scripted storm: what each kind of device measures at a moment of the story. Pure.

The story runs from 0 to 1: calm, rain, rivers over their alarm levels, traffic stuck in the flood, smoke from a
fire, a cabinet door that stays open, a station that falls silent; then all of it eases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from pipeline.core.catalogue import Device

Measured = dict[str, float | str]
"""Quantity -> value, or text for a state."""

SILENT = "on-06"
"""The station that falls silent, and when."""
SILENCE = (0.45, 0.72)
OPEN_DOOR = "cua-01"
DOOR_HOURS = (0.4, 0.68)


def bump(moment: float, start: float, peak: float, end: float) -> float:
    """0 outside start..end, 1 at `peak`, a smooth hill between."""
    if not start < moment < end:
        return 0.0
    share = (moment - start) / (peak - start) if moment <= peak else (end - moment) / (end - peak)
    return 0.5 - 0.5 * math.cos(math.pi * share)


def silent(device: str, moment: float) -> bool:
    """Whether the script lets the device say nothing now."""
    return device == SILENT and SILENCE[0] <= moment < SILENCE[1]


def measure(device: Device, moment: float, period_s: float, random: Random) -> Measured:
    """What `device` measures at `moment` (0..1) of the story; `period_s` since its last message."""
    return _MEASURES[device.type](device, moment, period_s, random)


def _rain(device: Device, moment: float, period_s: float, random: Random) -> Measured:
    reach = 40 + 50 * ((sum(device.id.encode()) * 37) % 100) / 100
    rate = max(0.0, reach * bump(moment, 0.08, 0.4, 0.7) * random.uniform(0.85, 1.15))
    return {"rain_rate": round(rate, 1), "rain_depth": round(rate * period_s / 3600 * _COMPRESSION, 2)}


def _river(device: Device, moment: float, _period_s: float, random: Random) -> Measured:
    first, third = (float(device.attributes[f"flood_level_{n}"]) for n in (1, 3))
    crest = third + 0.15 * (third - first) if device.id in ("thuy-van-ninh-hoa", "thuy-van-dien-phu") else third * 0.97
    base = first - 0.6 * (third - first)
    level = base + (crest - base) * bump(moment, 0.12, 0.52, 0.97) + random.uniform(-0.01, 0.01)
    return {"water_level": round(level, 3)}


def _air(device: Device, moment: float, _period_s: float, random: Random) -> Measured:
    smoke = 190 * bump(moment, 0.3, 0.45, 0.65) if device.id in ("khong-khi-03", "khong-khi-04") else 0.0
    washed = 22 - 10 * bump(moment, 0.1, 0.4, 0.9)
    return {
        "pm2_5": round(washed + smoke + random.uniform(-2, 2), 1),
        "air_temperature": round(29 - 4 * bump(moment, 0.05, 0.45, 0.95) + random.uniform(-0.2, 0.2), 1),
    }


def _noise(device: Device, moment: float, _period_s: float, random: Random) -> Measured:
    thunder = 18 * bump(moment, 0.25, 0.42, 0.6) if device.id in ("on-01", "on-04") else 6 * bump(moment, 0.2, 0.4, 0.7)
    return {"noise_level": round(58 + thunder + random.uniform(-1.5, 1.5), 1)}


def _traffic(device: Device, moment: float, period_s: float, random: Random) -> Measured:
    flooded = 1.0 if device.id in ("xe-01", "xe-02", "xe-03") else 0.3
    speed = max(2.5, 38 * (1 - flooded * bump(moment, 0.25, 0.5, 0.8)) * random.uniform(0.93, 1.07))
    passed = random.randint(0, max(1, round(speed * period_s / 8)))
    return {"vehicle_count": float(passed), "mean_speed": round(speed, 1)}


def _door(device: Device, moment: float, _period_s: float, _random: Random) -> Measured:
    is_open = device.id == OPEN_DOOR and DOOR_HOURS[0] <= moment < DOOR_HOURS[1]
    return {"door": "open" if is_open else "closed"}


_COMPRESSION = 40.0
"""The story's rain falls this much faster than its rate says: hours of a storm pass in minutes."""

_MEASURES: dict[str, Callable[[Device, float, float, Random], Measured]] = {
    "demo-rain": _rain,
    "demo-river": _river,
    "demo-air": _air,
    "demo-noise": _noise,
    "demo-traffic": _traffic,
    "demo-door": _door,
}
