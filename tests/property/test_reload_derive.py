"""A formula that changes in mid-stream, against a naive evaluation: what it remembers of its inputs, lost or kept."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.events import Reading
from tests.property.reloads import PLAIN, Frame, Log, Step, catalogue, placed, play, steps
from tests.property.test_kinds import AFTER, T0, naive_nowcast
from tests.property.test_life import SECOND
from tests.property.test_reload_kinds import texts
from tests.property.test_silence_and_partitions import worst


@pytest.mark.parametrize("formula", ["water_class", "vn_aqi_hour"])
@settings(max_examples=50, deadline=None)
@given(step=steps(PLAIN), lateness=st.sampled_from([0, 600]), data=st.data())
def test_a_formula_that_changes_is_what_a_naive_evaluation_says(
    formula: str, step: Step, lateness: int, data: st.DataObject
) -> None:
    """The newest values of the inputs, and the hours, lost or kept; readings that a formula has given stay."""
    moment = formula == "water_class"
    steps_ = st.integers(1, 900) if moment else st.integers(60, 6000)
    ages = st.integers(0, lateness)
    raw = data.draw(st.lists(st.tuples(steps_, ages, st.sampled_from(["ph", "cod"]), st.integers(1, 50)), max_size=20))
    log_, stream = T0, []
    for gap, age, quantity, number in raw:
        log_ += gap * SECOND
        name, value = (quantity, number / 5) if moment else ("pm10", float(number))
        stream.append((log_, Reading(device="d", quantity=name, at=log_ - age * SECOND, value=value)))
    log: Log = data.draw(placed(stream, 20 * 3600 + lateness))  # type: ignore[arg-type]
    rule = f"kind: derive, scope: {{devices: [d], sites: [s]}}, formula: {formula}, lateness: {lateness}s"
    outputs = play("ioc.readings.v1", *catalogue(*texts(step, rule), step.devices), log)
    found = [(one.at, one.text if moment else one.value) for one in outputs if isinstance(one, Reading)]
    of = _classes if moment else _indices
    watermark = log.last - lateness * SECOND
    early, late = log.frames[: log.place], log.frames[log.place :]
    before = [one for one in of(early, lateness) if (one[0] < watermark if moment else one[0] <= watermark)]
    old, new = step.judges
    if old and new and not step.reason:
        wanted = of([*early, *late], lateness)
    else:
        wanted = [*(before if old else []), *(of(late, lateness) if new else [])]
    assert [at for at, _ in found] == [at for at, _ in wanted]
    for (_, one), (_, other) in zip(found, wanted, strict=True):
        assert one == other if moment else abs(one - other) <= 0.5 + 1e-9


def _inputs(frames: list[Frame], lateness: int) -> dict[tuple[int, str], float]:
    """What comes in time, by time and quantity; the first in the log wins."""
    known: dict[tuple[int, str], float] = {}
    for log, lines in frames:
        for one in lines:
            assert isinstance(one, Reading)
            if one.at >= log - lateness * SECOND:
                known.setdefault((one.at, one.quantity), one.value or 0.0)
    return known


def _classes(frames: list[Frame], lateness: int) -> list[tuple[int, Any]]:
    """At each time with readings, from the newest value of each; `stale_after` is longer than the log."""
    known = _inputs(frames, lateness)
    found = []
    for now in sorted({at for at, _ in known}):
        newest = {name: value for (at, name), value in sorted(known.items()) if at <= now}
        found.append((now, worst({name: (now, value) for name, value in newest.items()}, now)))
    return found


def _indices(frames: list[Frame], lateness: int) -> list[tuple[int, Any]]:
    """At the end of each hour: PM10 up to 50 ug/m3 has its own concentration as index."""
    known = _inputs(frames, lateness)
    if not known:
        return []
    first, last = min(known)[0], max(known)[0]
    found = []
    for end in range(first // AFTER * AFTER + AFTER, last + 13 * AFTER, AFTER):
        hours: list[float | None] = []
        for back in range(12):
            mine = [v for (at, _), v in known.items() if end - (back + 1) * AFTER <= at < end - back * AFTER]
            hours.append(math.fsum(mine) / len(mine) if mine else None)
        index = naive_nowcast(hours)
        if index is not None:
            found.append((end, index))
    return found
