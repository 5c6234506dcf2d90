"""`area` against a second, naive evaluation written from the page of semantics, over any number of partitions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import ConditionEdge
from rules.backtest import Backtest, Input, parse_input
from rules.catalogue_files import read_catalogue
from rules.engine.loader import load_text

T0 = 1_795_222_800_000
SECOND = 1000
LATENESS = 10
AREA = """
id: s
kind: area
scope: {quantity: air_temperature, group: g}
aggregate: mean
every: 10s
min_series: 2
stale_after: 25s
raise: {warning: {above: 4}, major: {above: 7}}
"""
_reading = st.tuples(
    st.sampled_from(["d0", "d1", "d2"]), st.integers(0, 90), st.integers(0, LATENESS), st.integers(0, 10)
)


def _inputs(raw: Iterable[tuple[str, int, int, int]], partitions: int) -> list[Input]:
    lines: list[dict[str, Any]] = [
        {
            "device": device,
            "quantity": "air_temperature",
            "value": value,
            "at": T0 + at * SECOND,
            "log": T0 + (at + delay) * SECOND,
            "partition": int(device[1:]) % partitions,
        }
        for device, at, delay, value in raw
    ]
    return [parse_input(line) for line in sorted(lines, key=lambda line: line["log"])]


def _area(raw: list[tuple[str, int, int, int]], partitions: int) -> list[tuple[str, int, str]]:
    catalogue = read_catalogue([{"kind": "group", "id": "g", "devices": ["d0", "d1", "d2"]}])
    catalogue += read_catalogue([{"kind": "device", "id": d, "type": "t", "site": "s"} for d in ("d0", "d1", "d2")])
    found = Backtest(load_text(AREA).checked(), catalogue).run(_inputs(raw, partitions), T0 + 200 * SECOND)
    edges: list[tuple[str, int, str]] = []
    for one in sorted(found, key=lambda one: (one.episode, one.n)):
        severity = "" if one.edge is ConditionEdge.END else one.severity.value
        if one.edge is not ConditionEdge.UPDATE or severity != edges[-1][2]:  # an update may only tell of silence
            edges.append((one.edge.value, (one.at - T0) // SECOND, severity))
    return edges


def _naive_mean(raw: list[tuple[str, int, int, int]], second: int) -> float | None:
    newest: dict[str, tuple[int, int]] = {}
    for device, at, _, value in raw:
        if at <= second and (device not in newest or newest[device][0] < at):
            newest[device] = (at, value)
    values = [value for at, value in newest.values() if at + 25 >= second]
    return sum(values) / len(values) if len(values) >= 2 else None


def _naive_area(raw: list[tuple[str, int, int, int]]) -> list[tuple[str, int, str]]:
    found: list[tuple[str, int, str]] = []
    shown = ""
    for second in range(0, 200, 10):
        mean = _naive_mean(raw, second)
        if mean is None:
            continue
        now = "major" if mean > 7 else "warning" if mean > 4 else ""
        if now != shown:
            found.append(("begin" if not shown else "update" if now else "end", second, now))
        shown = now
    return found


def _first_of_each(raw: list[tuple[str, int, int, int]]) -> list[tuple[str, int, int, int]]:
    """One reading for each identity."""
    return list({(device, at): (device, at, delay, value) for device, at, delay, value in raw}.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(_reading, max_size=30).map(_first_of_each), st.integers(1, 3))
def test_an_area_is_what_the_naive_evaluation_says_over_any_number_of_partitions(
    raw: list[tuple[str, int, int, int]], partitions: int
) -> None:
    assert _area(raw, partitions) == _naive_area(raw)


def test_the_naive_evaluation_finds_something() -> None:
    """The property above is not about nothing."""
    assert _naive_area([("d0", 1, 0, 9), ("d1", 2, 0, 9)]) == [("begin", 10, "major")]
