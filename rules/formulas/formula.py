"""What a formula gets and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Result = float | str | None


class Hour(msgspec.Struct, frozen=True):
    """The readings of one hour: their mean, their sum."""

    mean: float
    total: float


class Known(msgspec.Struct, frozen=True):
    """What is known at one time.

    `values`: the newest value of each input that has one and has not lapsed (formulas of the moment).
    `hours`: of each input the hours before that time, newest first, None where there is too little (formulas of
    hours and days). `attributes`: those of the device. `previous`: what the formula gave last, when a number.
    """

    values: Mapping[str, float] = {}
    hours: Mapping[str, tuple[Hour | None, ...]] = {}
    attributes: Mapping[str, Any] = {}
    previous: float | None = None

    def means(self, name: str, count: int, since: int = 0) -> list[float | None]:
        """The means of `count` hours of an input, newest first, from the `since`-th on."""
        hours = self.hours.get(name, ())[since : since + count]
        found = [None if hour is None else hour.mean for hour in hours]
        return found + [None] * (count - len(found))

    def number(self, attribute: str) -> float | None:
        """An attribute of the device that is a number above 0."""
        found = self.attributes.get(attribute)
        known = isinstance(found, int | float) and not isinstance(found, bool) and found > 0
        return float(found) if known else None  # type: ignore[arg-type]


class Formula(msgspec.Struct, frozen=True):
    """`output`, `inputs`: quantities. `every`: moment (at each reading), hour or day (local).

    `hours`: how many hours before the end it looks at. `evaluate` gives None when too little is known.
    """

    output: str
    inputs: tuple[str, ...]
    evaluate: Callable[[Known], Result]
    every: str = "moment"
    hours: int = 0
