"""Dated attributes as bounds against the naive life: each reading by the numbers that are valid at its own time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import DatedValue, Device, Kind
from pipeline.core.events import Event, Reading
from pipeline.core.machine import CatalogueChange
from tests.property.naive_life import Clear, Level, Moment, Terms, life
from tests.property.test_kinds import T0, run
from tests.property.test_life import END, SCOPE, SECOND, minutes, told

Dates = list[tuple[int, int | None]]
"""From which second on, which value; None: none is valid."""
_dates = st.lists(st.tuples(st.integers(1, 25), st.none() | st.integers(1, 8)), max_size=6)
_values = st.lists(st.tuples(st.sampled_from([1, 2, 3, 5, 8, 20]), st.integers(0, 11)), min_size=1, max_size=25)


def _at(dates: Dates, plain: int | None, second: int) -> int | None:
    """The value that is valid at a second; a plain one of the name counts only when there is no dated one at all."""
    if all(value is None for _, value in dates):
        return plain
    return next((value for since, value in reversed(dates) if since <= second), None)


def _document(dates: Dates) -> tuple[DatedValue, ...]:
    found = []
    for (since, value), (until, _) in zip(dates, [*dates[1:], (None, None)], strict=False):
        if value is not None:
            end = None if until is None else T0 + until * SECOND
            found.append(DatedValue(float(value), T0 + since * SECOND, end))
    return tuple(found)


@settings(max_examples=80, deadline=None)
@given(
    raw=st.tuples(_dates, _dates),
    plain=st.tuples(st.none() | st.integers(1, 8), st.none() | st.integers(1, 8)),
    holds=st.tuples(*[st.sampled_from([0, 5, 12, 20])] * 3),
    stale=st.sampled_from([8, 25, 600]),
    steps=_values,
    data=st.data(),
)
def test_a_threshold_over_dated_numbers_lives_as_the_naive_life_says(
    raw: tuple[list[tuple[int, int | None]], list[tuple[int, int | None]]],
    plain: tuple[int | None, int | None],
    holds: tuple[int, int, int],
    stale: int,
    steps: list[tuple[int, int]],
    data: st.DataObject,
) -> None:
    """Two levels, the second one above its attribute and 1, with a `for` of its own; hours; kills."""
    (schedule, opened), dates = data.draw(minutes()), []
    for each in raw:
        second, mine = 0, Dates()
        for step, value in each:
            second += step
            mine.append((second, value))
        dates.append(mine)
    second, frames, moments = 0, list[tuple[int, tuple[Event, ...]]](), []
    for step, value in steps:
        second += step
        low, high = (_at(mine, one, second) for mine, one in zip(dates, plain, strict=True))
        truths = (low is not None and value > low, high is not None and value > high + 1)
        moments.append(Moment(second, truths, value))
        at = T0 + second * SECOND
        frames.append((at, (Reading(device="d", quantity="rain_depth", at=at, value=float(value)),)))
    frames.append((T0 + (second + END) * SECOND, ()))
    names = ("low", "high")
    attributes = {name: value for name, value in zip(names, plain, strict=True) if value is not None}
    dated = {name: values for name, mine in zip(names, dates, strict=True) if (values := _document(mine))}
    device = Device(id="d", type="t", site="s", attributes=attributes, dated=dated)
    rule = f"{{id: r, kind: threshold, {SCOPE}, lateness: 0s, live_for: 1h, for: {holds[0]}s, "
    rule += f"clear: {{for: {holds[1]}s}}, "
    rule += "raise: {minor: {above: {attribute: low}}, major: {above: {attribute: high, plus: 1}, "
    rule += f"for: {holds[2]}s}}}}, stale_after: {stale}s{schedule}}}"
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    found = run(rule, "ioc.readings.v1", frames, kills, known=[CatalogueChange(0, Kind.DEVICE, "d", device)])
    terms = Terms((Level("minor"), Level("major", holds[2])), holds[0], Clear(None, holds[1]), stale, opened)
    assert told(found) == life(moments, terms, second + END)
