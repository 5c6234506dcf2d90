"""Aggregates over the readings of a window: what to remember of each pane, how to join panes, what comes out.

A pane's memory is a tuple of numbers. Readings come in (at, seq) order. Sums are exact (Shewchuk, "Adaptive
Precision Floating-Point Arithmetic", 1997; the method of `math.fsum`): ten tips of 0.2 mm are 2.0 mm.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

Memory = tuple[float, ...]
MAX_VALUES = 20_000
"""How many values a pane keeps for p95 and distinct; further ones are counted, not kept."""


class Aggregate(msgspec.Struct, frozen=True):
    """`add` one value to a memory, `join` an earlier and a later memory, `value` of a memory and a count.

    `empty`: the value of a window without readings, None when it has none.
    """

    add: Callable[[Memory, float], Memory]
    join: Callable[[Memory, Memory], Memory]
    value: Callable[[Memory, int], float | None]
    empty: float | None = None


def grown(partials: Memory, value: float) -> Memory:
    """The exact sum of `partials` and `value`, again as non-overlapping partials."""
    found = []
    for other in partials:
        if abs(value) < abs(other):
            value, other = other, value
        high = value + other
        low = other - (high - value)
        if low:
            found.append(low)
        value = high
    return (*found, value)


def _joined(left: Memory, right: Memory) -> Memory:
    for value in right:
        left = grown(left, value)
    return left


def _keep(memory: Memory, value: float) -> Memory:
    return (*memory, value) if len(memory) < MAX_VALUES else memory


def _keep_distinct(memory: Memory, value: float) -> Memory:
    return memory if value in memory else _keep(memory, value)


def _join_distinct(left: Memory, right: Memory) -> Memory:
    for value in right:
        left = _keep_distinct(left, value)
    return left


def nearest_rank(values: Memory, share: float) -> float | None:
    """The nearest-rank percentile: the smallest value with at least `share` of all values at or below it."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


def _mean(memory: Memory, count: int) -> float | None:
    return math.fsum(memory) / count if count else None


def _stddev(memory: Memory, count: int) -> float | None:
    if count < 2:
        return None
    mean = math.fsum(memory) / count
    return math.sqrt(math.fsum((value - mean) ** 2 for value in memory) / (count - 1))


def _leq(memory: Memory, count: int) -> float | None:
    return 10 * math.log10(math.fsum(memory) / count) if count else None


def _energy(memory: Memory, value: float) -> Memory:
    return grown(memory, 10.0 ** (value / 10))


def _add_step(memory: Memory, value: float) -> Memory:
    """Memory: newest value of the counter, then the exact sum of steps. A fall is a restart from 0."""
    if not memory:
        return (value,)
    step = value - memory[0]
    return (value, *grown(memory[1:], step if step >= 0 else value))


def _join_steps(left: Memory, right: Memory) -> Memory:
    if not left or not right:
        return right or left
    return (right[0], *_joined(left[1:], right[1:]))


def _steps(memory: Memory, _count: int) -> float | None:
    return math.fsum(memory[1:]) if memory else None


def _add_direction(memory: Memory, value: float) -> Memory:
    east, north = memory or (0.0, 0.0)
    return (east + math.sin(math.radians(value)), north + math.cos(math.radians(value)))


def _join_directions(left: Memory, right: Memory) -> Memory:
    if not left or not right:
        return left or right
    return (left[0] + right[0], left[1] + right[1])


def _direction(memory: Memory, count: int) -> float | None:
    """Mean direction in degrees from 0 to 360; none when the directions cancel out."""
    if not count or math.hypot(*memory) < 1e-9 * count:
        return None
    return math.degrees(math.atan2(memory[0], memory[1])) % 360.0


def _least(left: Memory, right: Memory) -> Memory:
    return (min((*left, *right)),) if left or right else ()


def _greatest(left: Memory, right: Memory) -> Memory:
    return (max((*left, *right)),) if left or right else ()


def _nothing(memory: Memory, _value: float) -> Memory:
    return memory


AGGREGATES: dict[str, Aggregate] = {
    "coverage": Aggregate(_nothing, _joined, lambda _memory, _count: None),
    "count": Aggregate(_nothing, _joined, lambda _, count: float(count), 0.0),
    "sum": Aggregate(grown, _joined, lambda memory, _: math.fsum(memory), 0.0),
    "mean": Aggregate(grown, _joined, _mean),
    "min": Aggregate(lambda m, v: (min((*m, v)),), _least, lambda m, _: min(m, default=None)),
    "max": Aggregate(lambda m, v: (max((*m, v)),), _greatest, lambda m, _: max(m, default=None)),
    "last": Aggregate(lambda _, value: (value,), lambda a, b: b or a, lambda m, _: m[0] if m else None),
    "p95": Aggregate(_keep, lambda a, b: a + b, lambda m, _: nearest_rank(m, 0.95)),
    "distinct": Aggregate(_keep_distinct, _join_distinct, lambda m, _: float(len(m))),
    "stddev": Aggregate(_keep, lambda a, b: a + b, _stddev),
    "leq": Aggregate(_energy, _joined, _leq),
    "increase": Aggregate(_add_step, _join_steps, _steps),
    "vector_mean": Aggregate(_add_direction, _join_directions, _direction),
}
"""Every aggregate by its name. Coverage is none of a memory: the window knows what was expected."""
