"""Readings of one watch that wait, sorted, until time has passed them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Protocol, TypeVar

from rules.engine.fold import Fold

MAX_WAITING = 10_000


class Ordered(Protocol):
    """What can wait. Of two with the same `order` the first in the log waits; the other is a repeat."""

    @property
    def order(self) -> tuple[Any, ...]:
        """Order in event time."""


W = TypeVar("W", bound=Ordered)


def insert(fold: Fold, waiting: tuple[W, ...], new: W) -> tuple[W, ...]:
    """What waits with `new` in its place; without it, and counted, when it is a repeat or too many wait."""
    where = bisect_left(waiting, new.order, key=lambda one: one.order)
    if where < len(waiting) and waiting[where].order == new.order:
        fold.counts["ioc_rules_duplicates_total"] += 1
        return waiting
    if len(waiting) >= MAX_WAITING:
        fold.counts["ioc_rules_window_overflow_total"] += 1
        return waiting
    return (*waiting[:where], new, *waiting[where:])
