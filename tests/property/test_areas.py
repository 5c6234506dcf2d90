"""`area` against a second, naive evaluation written from the page of semantics, over any number of partitions.

Rules that come, change or go in mid-stream, too: at a second at which each partition, and the alerts worker, learns it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Kind
from pipeline.core.conditions import ConditionEdge, Partial, Progress
from pipeline.core.events import Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import Backtest, Input, parse_input, rule_changes
from rules.catalogue_files import read_catalogue
from rules.engine.engine import Engine
from rules.engine.loader import load_text
from tests.property.naive_life import Edge
from tests.property.stage2_logs import LATENESS, SECOND, T0, News, Told, episodes, play

LATER = 25
"""Another lateness that a version may have, s."""
TOPIC = "ioc.readings.v1"
SECONDS = 200
Raw = tuple[str, int, int, int]
"""A device, its reading's second, how many seconds later it is told, and its value."""
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


def _inputs(raw: Iterable[Raw], partitions: int) -> list[Input]:
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


def _area(raw: list[Raw], partitions: int) -> list[tuple[str, int, str]]:
    catalogue = read_catalogue([{"kind": "group", "id": "g", "devices": ["d0", "d1", "d2"]}])
    catalogue += read_catalogue([{"kind": "device", "id": d, "type": "t", "site": "s"} for d in ("d0", "d1", "d2")])
    found = Backtest(load_text(AREA).checked(), catalogue).run(_inputs(raw, partitions), T0 + 200 * SECOND)
    edges: list[tuple[str, int, str]] = []
    for one in sorted(found, key=lambda one: (one.episode, one.n)):
        severity = "" if one.edge is ConditionEdge.END else one.severity.value
        if one.edge is not ConditionEdge.UPDATE or severity != edges[-1][2]:  # an update may only tell of silence
            edges.append((one.edge.value, (one.at - T0) // SECOND, severity))
    return edges


def _naive_mean(raw: list[Raw], second: int) -> float | None:
    values = _naive_values(raw, second)
    return sum(values) / len(values) if len(values) >= 2 else None


def _naive_values(raw: list[Raw], second: int) -> list[int]:
    newest: dict[str, tuple[int, int]] = {}
    for device, at, _, value in raw:
        if at <= second and (device not in newest or newest[device][0] < at):
            newest[device] = (at, value)
    return [value for at, value in newest.values() if at + 25 >= second]


def _naive_area(raw: list[Raw]) -> list[tuple[str, int, str]]:
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


def _first_of_each(raw: list[Raw]) -> list[Raw]:
    """One reading for each identity."""
    return list({(device, at): (device, at, delay, value) for device, at, delay, value in raw}.values())


@settings(max_examples=100, deadline=None)
@given(st.lists(_reading, max_size=30).map(_first_of_each), st.integers(1, 3))
def test_an_area_is_what_the_naive_evaluation_says_over_any_number_of_partitions(
    raw: list[Raw], partitions: int
) -> None:
    assert _area(raw, partitions) == _naive_area(raw)


# --- changes in mid-stream


class Version(NamedTuple):
    """What a version of the rule may have of its own: its bounds are free, `every` and `aggregate` are not."""

    low: int
    high: int
    every: int
    aggregate: str
    lateness: int

    def text(self) -> str:
        """The rule."""
        return (
            AREA.replace("above: 4", f"above: {self.low}")
            .replace("above: 7", f"above: {self.high}")
            .replace("every: 10s", f"every: {self.every}s")
            .replace("aggregate: mean", f"aggregate: {self.aggregate}\nlateness: {self.lateness}s")
        )

    def keeps(self, other: Version) -> bool:
        """Whether a change to `other` keeps the state."""
        return self._replace(low=0, high=0) == other._replace(low=0, high=0)

    def taken(self, raw: list[Raw]) -> list[Raw]:
        """The readings that are not late."""
        return [one for one in raw if one[2] <= self.lateness]

    def severity(self, value: float) -> str:
        """The highest level that holds."""
        return "major" if value > self.high else "warning" if value > self.low else ""


_often_late = st.tuples(
    st.sampled_from(["d0", "d1", "d2"]),
    st.integers(0, 60),
    st.sampled_from([0, 1, 3, LATENESS, 15, 20, LATER]),
    st.sampled_from([0, 3, 6, 9, 9]),
)
versions = st.builds(
    Version,
    st.integers(1, 5),
    st.integers(6, 9),
    st.sampled_from([10, 15]),
    st.sampled_from(["mean", "max"]),
    st.sampled_from([LATENESS, LATER]),
)


def _told(
    old: Version | None,
    news: list[CatalogueChange],
    raw: list[Raw],
    partitions: int,
    change: int,
    kills: frozenset[int],
) -> list[Told]:
    """What the engines say that learn of a change at a second, before its readings; killed after those in `kills`."""
    known = _known(old)
    engines = [Engine(TOPIC, number, changes=known) for number in range(partitions)]
    found = []
    for second in range(SECONDS):
        if second == change:
            known = [*known, *news]
        for number, engine in enumerate(engines):
            lines = [one for one in raw if one[1] + one[2] == second and int(one[0][1:]) % partitions == number]
            readings = (
                Reading(device=device, quantity="air_temperature", value=float(value), at=T0 + at * SECOND)
                for device, at, _, value in lines
            )
            frame = LogFrame[Event](
                topic=TOPIC,
                partition=number,
                offset=second,
                log=T0 + second * SECOND,
                lines=tuple(enumerate(readings)),
                news=tuple(news) if second == change else (),
            )
            delta = engine.fold(frame)
            engine.commit(delta)
            found += [Told(second, one) for one in delta.outputs if isinstance(one, Partial | Progress)]
            if second in kills:
                saved = {key: state for key in engine.state_keys() if (state := engine.dump(key)) is not None}
                engines[number] = Engine(TOPIC, number, changes=known, state=saved)
    return found


def _known(version: Version | None) -> list[CatalogueChange]:
    catalogue = read_catalogue([{"kind": "group", "id": "g", "devices": ["d0", "d1", "d2"]}])
    catalogue += read_catalogue([{"kind": "device", "id": d, "type": "t", "site": "s"} for d in ("d0", "d1", "d2")])
    return [*catalogue, *(() if version is None else rule_changes(load_text(version.text()).checked()))]


def _lives(versions: list[tuple[int, Version]], raw: list[Raw], since: int, until: int) -> list[tuple[str, int, str]]:
    """The edges of panes from `since` on, before `until`. `versions`: each holds from a second on."""
    found: list[tuple[str, int, str]] = []
    shown = ""
    for second in range(until):
        version = [one for begin, one in versions if begin <= second][-1]
        if second % version.every or second < since:
            continue
        value = _naive_value(version.aggregate, raw, second)
        now = shown if value is None else version.severity(value)
        if now != shown:
            found.append(("begin" if not shown else "update" if now else "end", second, now))
        shown = now
    return found


def _naive_value(aggregate: str, raw: list[Raw], second: int) -> float | None:
    values = _naive_values(raw, second)
    return None if len(values) < 2 else float(max(values)) if aggregate == "max" else sum(values) / len(values)


@settings(max_examples=60, deadline=None)
@given(
    raw=st.lists(_often_late, min_size=15, max_size=40).map(_first_of_each),
    partitions=st.integers(1, 3),
    old=versions,
    new=versions,
    case=st.sampled_from(["comes", "goes", "keeps", "loses", "loses", "waits longer"]),
    change=st.integers(LATER + 2, 70),
    again=st.frozensets(st.integers(0, 39), max_size=8),
    data=st.data(),
)
def test_an_area_rule_that_comes_changes_or_goes_is_what_the_naive_evaluation_says(
    raw: list[Raw],
    partitions: int,
    old: Version | None,
    new: Version | None,
    case: str,
    change: int,
    again: frozenset[int],
    data: st.DataObject,
) -> None:
    assert old is not None
    assert new is not None
    old, new = {
        "comes": (None, new),
        "goes": (old, None),
        "keeps": (old, old._replace(low=new.low, high=new.high)),
        "loses": (old, new),
        "waits longer": (old._replace(lateness=LATENESS), old._replace(lateness=LATER)),
    }[case]
    gone = [CatalogueChange(1, Kind.RULE, "s", None)]
    news = gone if new is None else rule_changes(load_text(new.text()).checked())
    raw += [(device, at, delay + 3, value) for device, at, delay, value in (raw[n] for n in again if n < len(raw))]
    told = _told(old, news, raw, partitions, change, data.draw(st.frozensets(st.integers(0, 90), max_size=3)))
    number = next(index for index, one in enumerate(told) if one.second >= change)
    kills = data.draw(st.frozensets(st.integers(0, len(told)), max_size=3))
    sources = [f"{TOPIC}/{number}" for number in range(partitions)]
    outputs = play(_known(old), told, kills, [News(number, news)], expected=sources)
    # every source has told its progress of the second before: W2 is so much earlier; what was judged stays judged
    log, until = change - 1, SECONDS - LATER
    judged = log - min(one.lateness for one in (old, new) if one is not None) if old or new else 0
    expected: list[tuple[str, int, str]] = []
    if old is not None and new is not None and old.keeps(new):
        expected = _lives([(0, old), (judged, new)], old.taken(raw), 0, until)
    else:
        if old is not None:
            expected = _lives([(0, old)], old.taken(raw), 0, log - old.lateness)
            if expected and expected[-1][0] != "end":
                expected.append(("end", log, ""))
        if new is not None:
            later = [one for one in new.taken(raw) if one[1] + one[2] >= change]
            expected += _lives([(0, new)], later, judged, until)
    assert _edges(episodes(outputs)) == expected


def _edges(found: dict[str, list[Edge]]) -> list[tuple[str, int, str]]:
    assert set(found) <= {"g"}
    edges: list[tuple[str, int, str]] = []
    for one in found.get("g", []):
        if one.edge != "update" or one.severity != edges[-1][2]:  # an update may only tell of silence
            edges.append((one.edge, one.at, one.severity))
    return edges


def test_the_naive_evaluation_finds_something() -> None:
    """The property above is not about nothing."""
    assert _naive_area([("d0", 1, 0, 9), ("d1", 2, 0, 9)]) == [("begin", 10, "major")]
