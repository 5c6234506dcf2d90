"""`ioc bench month`: a backtest of all packs over one simulated month of 200 series: how long, and how many alerts.

Forty stations, five quantities each, a reading every ten minutes: rain in storms, a river that follows it, dust with
its daily course and days of still air, noise and traffic with their hours. The same numbers in every run.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pipeline.core.catalogue import Device, DeviceType, Kind, Site, TypeQuantity
from pipeline.core.conditions import ConditionEdge
from pipeline.core.events import Reading
from pipeline.core.machine import CatalogueChange
from pipeline.core.quantities import QUANTITIES
from rules.backtest import Backtest, Input
from rules.engine.loader import load_paths
from rules.packs import FOLDER

STATIONS, DAYS, PERIOD_MS = 40, 30, 600_000
BEGIN = 1_793_466_000_000
"""1 November 2026, midnight in Vietnam."""
_DAY_MS = 86_400_000
_MEASURED = ("rain_rate", "water_level", "pm2_5", "noise_level", "mean_speed")


def run() -> dict[str, Any]:
    """Seconds, readings a second, and alerts by rule: conditions begun, those of shadow rules apart."""
    rules = load_paths([FOLDER]).checked()
    catalogue = list(_catalogue())
    inputs = sorted(_inputs(), key=lambda one: one.log)
    began = time.perf_counter()
    found = Backtest(rules, catalogue).run(inputs, BEGIN + DAYS * _DAY_MS)
    took = time.perf_counter() - began
    begun = [one for one in found if one.edge is ConditionEdge.BEGIN]
    raised = Counter(one.rule for one in begun if not one.shadow)
    return {
        "days": DAYS,
        "series": STATIONS * len(_MEASURED),
        "rules": len(rules),
        "readings": len(inputs),
        "seconds": round(took, 1),
        "readings_per_second": round(len(inputs) / took),
        "alerts": raised.total(),
        "shadow_conditions": len(begun) - raised.total(),
        "alerts_by_rule": dict(sorted(raised.items())),
    }


def _catalogue() -> Iterator[CatalogueChange]:
    quantities = tuple(TypeQuantity(name) for name in _MEASURED)
    yield CatalogueChange(
        0, Kind.TYPE, "month", DeviceType(id="month", quantities=quantities, period_s=PERIOD_MS / 1000)
    )
    yield CatalogueChange(0, Kind.SITE, "month", Site(id="month"))
    levels = {"flood_level_1": 4.2, "flood_level_2": 5.0, "flood_level_3": 5.7}
    for number in range(STATIONS):
        device = Device(id=f"m{number:02}", type="month", site="month", attributes=levels, active_from=BEGIN)
        yield CatalogueChange(0, Kind.DEVICE, device.id, device)


def _inputs() -> Iterator[Input]:
    for number in range(STATIONS):
        for at, quantity, value in _Station(number).month():
            reading = Reading(
                device=f"m{number:02}", quantity=quantity, unit=QUANTITIES[quantity].unit, at=at, value=round(value, 2)
            )
            yield Input(event=reading, log=at + 300, partition=number % 8)


class _Station:
    """One station's weather and traffic."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)
        self._storms = [(self._random.uniform(0, DAYS), self._random.uniform(0.1, 0.4)) for _ in range(6)]
        self._still = self._random.uniform(5, DAYS - 5)
        self._level = 1.0

    def month(self) -> Iterator[tuple[int, str, float]]:
        """(at, quantity, value) in order of time."""
        for at in range(BEGIN, BEGIN + DAYS * _DAY_MS, PERIOD_MS):
            day = (at - BEGIN) / _DAY_MS
            rain = self._rain(day)
            self._level = max(1.0, self._level * 0.985 + rain * 0.003)
            values = (rain, self._level, self._dust(day), self._noise(day), self._speed(day))
            for quantity, value in zip(_MEASURED, values, strict=True):
                yield at, quantity, value

    def _rain(self, day: float) -> float:
        heights = (
            70 * math.sin(math.pi * (day - begin) / long) for begin, long in self._storms if 0 < day - begin < long
        )
        return max(0.0, sum(heights) + self._random.gauss(0, 2)) if self._near(day) else 0.0

    def _near(self, day: float) -> bool:
        return any(0 < day - begin < long for begin, long in self._storms)

    def _dust(self, day: float) -> float:
        still = 45 if abs(day - self._still) < 2 else 0
        return max(2.0, 25 + 10 * math.sin(2 * math.pi * day) + still + self._random.gauss(0, 5))

    def _noise(self, day: float) -> float:
        return 54 + 12 * math.sin(2 * math.pi * (day - 0.25)) + self._random.gauss(0, 1)

    def _speed(self, day: float) -> float:
        hour = day % 1 * 24
        rush = 30 if 7 <= hour < 8.5 or 17 <= hour < 18.5 else 0
        return max(2.0, 45 - rush + self._random.gauss(0, 3))
