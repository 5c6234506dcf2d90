"""Who belongs to whom at the least cost in all: the Hungarian method with potentials. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def assign(costs: Floats) -> list[tuple[int, int]]:
    """Pairs (row, column) with the least sum of costs, as many as the shorter side has; costs must be finite.

    Shortest augmenting paths, O(rows x rows x columns) (Jonker and Volgenant, Computing 38, 1987).
    """
    if not costs.size:
        return []
    if costs.shape[0] > costs.shape[1]:
        return sorted((row, column) for column, row in assign(costs.T))
    rows, columns = costs.shape
    owner = np.full(columns + 1, rows)
    over_rows, over_columns = np.zeros(rows + 1), np.zeros(columns + 1)
    for row in range(rows):
        _augment(costs, owner, over_rows, over_columns, row)
    return sorted((int(row), column) for column, row in enumerate(owner[:columns]) if row < rows)


def assign_within(costs: Floats, allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Pairs among the allowed ones only: as many as can be, and the cheapest of those."""
    possible: list[tuple[int, int]] = [(n, m) for n, m in np.argwhere(allowed).tolist()]
    if len({n for n, _ in possible}) == len({m for _, m in possible}) == len(possible):
        return possible
    forbidden = 2.0 * (float(costs[allowed].max()) + 1.0) * max(costs.shape)
    floor = min(0.0, float(costs[allowed].min()))
    return [pair for pair in assign(np.where(allowed, costs - floor, forbidden)) if allowed[pair]]


def _augment(costs: Floats, owner: NDArray[np.int64], u: Floats, v: Floats, row: int) -> None:
    """Give `row` a column, moving owners along the cheapest path; `u` and `v` are the potentials."""
    columns = costs.shape[1]
    owner[columns] = row
    shortest, came = np.full(columns, np.inf), np.zeros(columns, np.int64)
    done = np.zeros(columns + 1, np.bool_)
    at = columns
    while owner[at] < len(u) - 1 or at == columns:
        done[at] = True
        here = owner[at]
        slack = costs[here] - u[here] - v[:columns]
        better = ~done[:columns] & (slack < shortest)
        shortest[better], came[better] = slack[better], at
        nearest = int(np.where(done[:columns], np.inf, shortest).argmin())
        step = shortest[nearest]
        u[owner[done]] += step
        v[done] -= step
        shortest[~done[:columns]] -= step
        at = nearest
    while at != columns:
        owner[at] = owner[came[at]]
        at = int(came[at])
