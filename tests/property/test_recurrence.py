"""`recurrence` against a second, naive evaluation written from the page of semantics."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Severity
from tests.property.test_stage2 import DEVICES, Span, _episodes, _log, _play, spans_of

TIMES, WITHIN = 3, 25
RULE = f"{{id: s, kind: recurrence, of: [a, b], times: {TIMES}, within: {WITHIN}s, severity: major, same: %s}}"


def _naive(spans: list[Span], times: int) -> list[tuple[str, int, str]]:
    """Edges of one place: at each second the begins in (t - T, t] are counted."""
    found: list[tuple[str, int, str]] = []
    for second in range(140):
        many = sum(second - WITHIN < span.begin <= second for span in spans) >= times
        if many != (len(found) % 2 == 1):
            found.append(("begin", second, "major") if many else ("end", second, ""))
    return found


@pytest.mark.parametrize(("same", "times"), [("site", 3), ("entity", 2)])
@settings(max_examples=80, deadline=None)
@given(spans=spans_of, data=st.data())
def test_a_recurrence_is_what_the_naive_evaluation_says(
    same: str, times: int, spans: list[Span], data: st.DataObject
) -> None:
    """All devices of the stage 2 tests are at one site, `s`. Killed anywhere."""
    lines = _log(spans, data)
    kills = data.draw(st.frozensets(st.integers(0, len(lines)), max_size=3))
    rule = (RULE % same).replace(f"times: {TIMES}", f"times: {times}")
    found: dict[str, Any] = _episodes(_play(rule, lines, kills))
    places = {"s": spans} if same == "site" else {d: [one for one in spans if one.device == d] for d in DEVICES}
    for place, mine in places.items():
        assert found.pop(f"s|{place}", []) == _naive(mine, times)
    assert found == {}


def test_the_naive_evaluation_finds_something() -> None:
    three = [Span("a", f"d{n}", 5 * n, 50, Severity.MAJOR) for n in range(3)]
    assert _naive(three, 3) == [("begin", 10, "major"), ("end", 25, "")]
