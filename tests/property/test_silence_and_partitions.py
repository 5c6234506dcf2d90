"""Absence and the formulas of the moment against naive evaluations, and a replay over other partitions."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Device, Kind
from pipeline.core.events import Event, Quality, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from tests.property.rule_logs import logs, outcome, tick
from tests.property.rule_logs import run as replay
from tests.property.test_kinds import T0, run, told

AFTER, END = 30_000, 600_000
_gap = st.one_of(st.integers(1, 70_000), st.sampled_from([AFTER - 1, AFTER, AFTER + 1, 2 * AFTER]))


def silences(heard: list[int], begin: int, until: int, after: int = AFTER) -> list[tuple[str, int]]:
    """Every silence of more than `after` between what was heard, from when the device is expected."""
    found = []
    for last, then in zip([begin, *heard], [*heard, until], strict=True):
        if then - last > after:
            found.append(("begin", last + after))
            if then != until:
                found.append(("end", then))
    return found


@settings(max_examples=100, deadline=None)
@given(gaps=st.lists(_gap, max_size=15), data=st.data())
def test_absence_is_what_a_naive_evaluation_says(gaps: list[int], data: st.DataObject) -> None:
    """By log time, whatever the quality and whatever the readings say of their own time."""
    frames: list[tuple[int, tuple[Event, ...]]] = [(T0, ())]
    heard = []
    for gap in gaps:
        log = frames[-1][0] + gap
        if data.draw(st.booleans()):  # a tick on the way: it must not matter
            frames.append((data.draw(st.integers(frames[-1][0], log)), ()))
        quality = data.draw(st.sampled_from([Quality.GOOD, Quality.BAD]))
        at = log - data.draw(st.sampled_from([0, 5_000, 3_600_000]))
        frames.append((log, (Reading(device="d", quantity="ph", value=7.0, at=at, quality=quality),)))
        heard.append(log)
    until = frames[-1][0] + END
    frames.append((until, ()))
    kills = data.draw(st.sets(st.integers(0, len(frames)), max_size=3))
    device = CatalogueChange(0, Kind.DEVICE, "d", Device(id="d", type="t", site="s", active_from=T0))
    rule = "{id: r, kind: absence, scope: {quantity: ph, devices: [d]}, after: 30s}"
    assert told(run(rule, "ioc.readings.v1", frames, kills, known=[device])) == silences(heard, T0, until)


_number = st.one_of(st.integers(0, 1200), st.sampled_from([180, 240, 300, 400, 480, 600, 601, 650, 800, 810, 850, 851]))
"""Often on a bound of one of the three, or just beyond it: see `scale` below."""
_moment = st.tuples(st.integers(1, 900_000), st.sampled_from(["mean_speed", "ph", "cod"]), _number)
LEVELS = ((0.80, "A"), (0.67, "B"), (0.50, "C"), (0.40, "D"), (0.30, "E"), (-1.0, "F"))
STALE = 600_000


def worst(newest: dict[str, tuple[int, float]], now: int) -> str | None:
    """QCVN 08:2023, Table 2, rows pH and COD: what is older than ten minutes is not known any more."""
    classes = []
    for name, (at, value) in newest.items():
        if now - at > STALE:
            continue
        if name == "ph":
            classes.append("A" if 6.5 <= value <= 8.5 else "B" if 6.0 <= value < 6.5 else "D")
        if name == "cod":
            classes.append("A" if value <= 10 else "B" if value <= 15 else "C" if value <= 20 else "D")
    return max(classes, default=None)


@settings(max_examples=100, deadline=None)
@given(raw=st.lists(_moment, min_size=1, max_size=20), data=st.data())
def test_formulas_of_the_moment_are_what_a_naive_evaluation_says(
    raw: list[tuple[int, str, int]], data: st.DataObject
) -> None:
    scale = {"mean_speed": 0.1, "ph": 0.01, "cod": 0.025}
    at, frames, newest = T0, [], {}
    expected: list[tuple[str, int, str]] = []
    for step, name, number in raw:
        at, value = at + step, number * scale[name]
        frames.append((at, (Reading(device="d", quantity=name, value=value, at=at),)))
        if name == "mean_speed":
            expected.append(("level_of_service", at, next(level for least, level in LEVELS if value / 60 > least)))
            continue
        newest[name] = (at, value)
        known = worst(newest, at)
        assert known is not None
        expected.append(("water_class", at, known))
    whole: list[tuple[int, tuple[Event, ...]]] = [*frames, (at + END, ())]
    kills = data.draw(st.sets(st.integers(0, len(whole)), max_size=3))
    device = Device(id="d", type="t", site="s", attributes={"free_flow_speed": 60})
    found = []
    for formula in ("los", "water_class"):
        rule = f"{{id: r, kind: derive, scope: {{devices: [d]}}, stale_after: 10m, formula: {formula}}}"
        documents = [CatalogueChange(0, Kind.DEVICE, "d", device)]
        outputs = run(rule, "ioc.readings.v1", whole, kills, known=documents)
        found += [(one.quantity, one.at, one.text) for one in outputs if isinstance(one, Reading)]
    assert sorted(found) == sorted(expected)


@settings(max_examples=80, deadline=None)
@given(logs)
def test_a_replay_over_other_partitions_gives_the_same_conditions(log: list[LogFrame[Event]]) -> None:
    """Each device in a partition of its own; a partition without a line of a frame gets a tick of its producer."""
    end = tick(log[-1].log + END)
    together = [one for one in replay([*log, end]) if not one.key.startswith("sys.")]
    apart = []
    for device in ("d1", "d2"):
        mine = [
            LogFrame[Event](
                topic=frame.topic,
                partition=0,
                offset=frame.offset,
                log=frame.log,
                lines=tuple(line for line in frame.lines if isinstance(line[1], Reading) and line[1].device == device),
                producer=frame.producer,
            )
            for frame in log
        ]
        found = replay([*mine, end])
        apart += [one for one in found if not one.key.startswith("sys.") and f"|{device}|" in one.key]
    assert outcome(apart) == outcome(together)
