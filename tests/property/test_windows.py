"""Windows against a second, naive evaluation: all samples of each window, aggregated in one go."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import ConditionEdge
from rules.backtest import backtest, parse_input
from rules.engine.loader import load_text
from rules.kinds.aggregates import AGGREGATES, Memory
from tests.property.naive_kinds import AGGREGATES as NAIVE_AGGREGATES

T0 = 1_795_222_800_000
SIZE, EVERY, LATENESS = 60_000, 20_000, 10_000
NOTHING: Memory = ()
Values = list[float]


NAIVE = {name: of for name, of in NAIVE_AGGREGATES.items() if name not in ("vector_mean", "increase")}
"""Those that need no angles and no readings before the window."""
_sample = st.tuples(st.integers(0, 400_000), st.integers(0, 9_000), st.integers(0, 60).map(lambda v: v / 10))


def _rule(aggregate: str, every: int) -> str:
    kind = "tumbling" if every == SIZE else f"hopping, every: {every // 1000}s"
    return (
        "{id: w, kind: window, scope: {quantity: air_temperature}, raise: {above: 2.05}, "
        f"window: {{type: {kind}, size: 60s, aggregate: {aggregate}}}}}"
    )


def _naive(samples: list[tuple[int, float]], aggregate: str, every: int, until: int) -> list[tuple[str, int]]:
    """Begins and ends: a window without a value changes nothing."""
    if not samples:
        return []
    end = samples[0][0] // every * every + every
    found, active = [], False
    while end <= until - LATENESS:
        value = NAIVE[aggregate]([value for at, value in samples if end - SIZE <= at < end])
        if value is not None and (value > 2.05) != active:
            active = not active
            found.append(("begin" if active else "end", end))
        end += every
    return found


@pytest.mark.parametrize("aggregate", NAIVE)
@settings(max_examples=25, deadline=None)
@given(raw=st.lists(_sample, max_size=25), every=st.sampled_from([SIZE, EVERY]))
def test_windows_are_what_a_naive_evaluation_says(
    aggregate: str, raw: list[tuple[int, int, float]], every: int
) -> None:
    """Samples arrive up to 9 s late, out of order, under a lateness of 10 s: none is lost, order is no matter."""
    unique = {at: (at, late, value) for at, late, value in raw}
    arrivals = sorted((at + late, at, value) for at, late, value in unique.values())
    lines = [
        {"device": "d", "quantity": "air_temperature", "value": value, "at": T0 + at, "log": T0 + log}
        for log, at, value in arrivals
    ]
    until = T0 + 900_000
    found = backtest(load_text(_rule(aggregate, every)).checked(), map(parse_input, lines), until=until)
    told = [(one.edge.value, one.at) for one in found if one.edge is not ConditionEdge.UPDATE]
    samples = sorted((T0 + at, value) for at, _, value in unique.values())
    assert sorted(told, key=lambda one: one[1]) == _naive(samples, aggregate, every, until)


def test_increase_and_vector_mean_by_hand() -> None:
    increase, memory = AGGREGATES["increase"], NOTHING
    for value in (100.0, 110.0, 5.0, 8.0):
        memory = increase.add(memory, value)
    assert increase.value(memory, 4) == 18.0
    direction, memory = AGGREGATES["vector_mean"], NOTHING
    for value in (350.0, 10.0):
        memory = direction.add(memory, value)
    north = direction.value(memory, 2)
    assert north is not None
    assert min(north, 360 - north) == pytest.approx(0, abs=1e-9)
