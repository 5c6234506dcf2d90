"""The Hungarian method against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision.assignment import assign, assign_within

rows = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(-9, 9), min_size=n, max_size=n), min_size=1, max_size=5)
)


@given(costs=rows)
def test_no_other_assignment_costs_less(costs: list[list[int]]) -> None:
    table = np.array(costs, float)
    if table.shape[0] > table.shape[1]:
        table = table.T
    pairs = assign(table)
    everything = itertools.permutations(range(table.shape[1]), table.shape[0])
    least = min(sum(table[n, m] for n, m in enumerate(columns)) for columns in everything)
    assert len({m for _, m in pairs}) == len(pairs) == table.shape[0]
    assert sum(table[pair] for pair in pairs) == least


def test_forbidden_pairs_are_never_made_and_as_many_as_can_be_are() -> None:
    costs = np.array([[1.0, 2.0], [1.5, 9.0]])
    assert assign_within(costs, np.array([[True, True], [True, False]])) == [(0, 1), (1, 0)]
    assert assign_within(costs, np.array([[True, False], [True, False]])) == [(0, 0)]
    assert assign_within(costs, np.zeros((2, 2), bool)) == []
    assert assign(np.zeros((0, 3))) == []
