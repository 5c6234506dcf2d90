"""Stage 2 against a second, naive evaluation written from the page of semantics; order and kills do not matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.alerts import AlertEvent
from pipeline.core.catalogue import Device
from pipeline.core.conditions import RANK, Condition, ConditionEdge, ConditionLine, Progress, Severity, condition_id
from pipeline.core.machine import CatalogueChange, LogFrame
from pipeline.core.places import distance_m
from rules.alerts.machine import AlertsMachine
from rules.alerts.state import AlertOutput
from rules.backtest import Backtest, Input, parse_input, rule_changes
from rules.catalogue_files import read_catalogue
from rules.engine.loader import load_text

T0 = 1_795_222_800_000
SECOND = 1000
LATENESS = 10
MEMBERS = """
{id: a, kind: threshold, scope: {quantity: rain_rate}, raise: {above: 1}}
---
{id: b, kind: threshold, scope: {quantity: water_level}, raise: {above: 1}}
---
"""
DEVICES = {f"d{n}": (0.01 * n, 0.0) for n in range(6)}
SOURCES = ("x/0", "x/1")


class Span(msgspec.Struct, frozen=True):
    """A condition of a member: active from begin until before end, in seconds."""

    rule: str
    device: str
    begin: int
    end: int
    severity: Severity


_span = st.builds(
    lambda rule, device, begin, length, severity: Span(rule, device, begin, begin + length, severity),
    st.sampled_from(["a", "b"]),
    st.sampled_from(sorted(DEVICES)),
    st.integers(0, 60),
    st.integers(1, 40),
    st.sampled_from([Severity.WARNING, Severity.MAJOR]),
)


def _apart(spans: list[Span]) -> list[Span]:
    """Without those that overlap an earlier one of the same rule and device: a key has one condition at a time."""
    found: list[Span] = []
    for span in spans:
        if all(
            (one.rule, one.device) != (span.rule, span.device) or one.end < span.begin or span.end < one.begin
            for one in found
        ):
            found.append(span)
    return found


spans_of = st.lists(_span, max_size=12).map(_apart)


def _edges(span: Span) -> list[Condition]:
    key = f"{span.rule}|{span.device}"
    episode = T0 + span.begin * SECOND
    return [
        Condition(
            id=condition_id(span.rule, key, episode, n),
            rule=span.rule,
            rule_version="v",
            key=key,
            episode=episode,
            n=n,
            edge=edge,
            severity=span.severity,
            at=T0 + second * SECOND,
            log=T0 + second * SECOND,
            device=span.device,
        )
        for n, (edge, second) in enumerate(((ConditionEdge.BEGIN, span.begin), (ConditionEdge.END, span.end)))
    ]


def _log(spans: list[Span], data: st.DataObject) -> list[ConditionLine]:
    """The edges, each key's in order, told within the lateness; and progress of two sources, now and then."""
    told: list[tuple[int, int, int, ConditionLine]] = []
    newest: dict[str, int] = {}
    for span in sorted(spans, key=lambda one: one.begin):
        for edge in _edges(span):
            delay = data.draw(st.integers(0, LATENESS - 1))
            newest[edge.key] = max(newest.get(edge.key, 0), edge.at + delay * SECOND)
            told.append((newest[edge.key], edge.at, edge.n, edge))
    for second in data.draw(st.sets(st.integers(0, 110), max_size=12)):
        source = data.draw(st.sampled_from(SOURCES))
        told.append((T0 + second * SECOND, 0, -1, Progress(source=source, log=T0 + second * SECOND)))
    lines = [line for *_, line in sorted(told, key=lambda one: one[:3])]
    return [*lines, *(Progress(source=source, log=T0 + 1000 * SECOND) for source in SOURCES)]


def _changes(rule: str) -> list[CatalogueChange]:
    devices = [Device(id=name, type="t", site="s", point=point) for name, point in DEVICES.items()]
    documents = read_catalogue([{"kind": "device", **msgspec.to_builtins(one)} for one in devices])
    return [*documents, *rule_changes(load_text(MEMBERS + rule).checked())]


def _play(rule: str, lines: Iterable[ConditionLine], kills: frozenset[int] = frozenset()) -> list[AlertOutput]:
    machine = AlertsMachine(changes=_changes(rule), expected=SOURCES)
    outputs: list[AlertOutput] = []
    for number, line in enumerate(lines):
        if number in kills:
            saved = {key: raw for key in machine.state_keys() if (raw := machine.dump(key)) is not None}
            machine = AlertsMachine(changes=_changes(rule), state=saved, expected=SOURCES)
        frame = LogFrame[ConditionLine](topic="c", partition=0, offset=number, log=T0 + number, lines=((0, line),))
        machine.fold(frame)
        delta = machine.fold(frame)
        machine.commit(delta)
        outputs += delta.outputs
    return outputs


_TYPES = {AlertEvent.RAISED: "begin", AlertEvent.UPDATED: "update", AlertEvent.CLEARED: "end"}


def _episodes(outputs: list[AlertOutput]) -> dict[str, list[tuple[str, int, str]]]:
    """Edges of the second stage's conditions by key: edge, second, severity (of an end: nothing)."""
    found: dict[str, list[tuple[str, int, str]]] = {}
    for one in outputs:
        if one.body.rule == "s" and one.type in _TYPES:
            severity = "" if one.type is AlertEvent.CLEARED else one.body.severity.value
            found.setdefault(one.key, []).append((_TYPES[one.type], (one.time - T0) // SECOND, severity))
    return found


def _active(spans: list[Span], second: int) -> list[Span]:
    return [span for span in spans if span.begin <= second < span.end]


def _naive(spans: list[Span], rank: Any) -> list[tuple[str, int, str]]:
    """The edges of one group whose severity at any second is that of rank `rank(active spans)`, 0 for none."""
    names = {value: severity.value for severity, value in RANK.items()}
    found: list[tuple[str, int, str]] = []
    before = 0
    for second in range(120):
        now = rank(_active(spans, second))
        if now and not before:
            found.append(("begin", second, names[now]))
        elif before and not now:
            found.append(("end", second, ""))
        elif now != before:
            found.append(("update", second, names[now]))
        before = now
    return found


COMPOSITE = "{id: s, kind: composite, of: [a, b], match: all, severity: +1, within: 15s}"


def _naive_composite(active: list[Span]) -> int:
    pairs = [(x, y) for x in active for y in active if (x.rule, y.rule) == ("a", "b") and abs(x.begin - y.begin) <= 15]
    return max((max(RANK[x.severity], RANK[y.severity]) + 1 for x, y in pairs), default=0)


@settings(max_examples=100, deadline=None)
@given(spans_of, st.data())
def test_a_composite_is_what_the_naive_evaluation_says(spans: list[Span], data: st.DataObject) -> None:
    found = _episodes(_play(COMPOSITE, _log(spans, data)))
    for device in DEVICES:
        mine = [span for span in spans if span.device == device]
        assert found.get(f"s|{device}", []) == _naive(mine, _naive_composite)


K, RADIUS, WITHIN = 3, 1200, 20
CLUSTER = f"{{id: s, kind: cluster, rule: a, k: {K}, radius: {RADIUS}m, within: {WITHIN}s, severity: major}}"


def _naive_clusters(active: list[Span]) -> set[frozenset[str]]:
    """Sets of devices, by the definition: every core with the most that are with it, joined while they share a core."""
    wet = [span for span in active if span.rule == "a"]
    circles: dict[str, set[str]] = {}
    for core in wet:
        near = [one for one in wet if distance_m(DEVICES[core.device], DEVICES[one.device]) <= RADIUS]
        times = {one.begin for one in near}
        windows = [{one.device for one in near if t <= one.begin <= t + WITHIN} for t in sorted(times)]
        windows = [window for window in windows if core.device in window and len(window) >= K]
        if windows:
            circles[core.device] = max(windows, key=len)
    groups: list[set[str]] = []
    for name, circle in circles.items():
        joined = [group for group in groups if any(name in circles[c] or c in circle for c in group if c in circles)]
        groups = [group for group in groups if group not in joined] + [circle.union({name}, *joined)]
    return {frozenset(group) for group in groups}


@settings(max_examples=100, deadline=None)
@given(spans_of, st.data())
def test_there_are_as_many_clusters_as_the_naive_evaluation_finds(spans: list[Span], data: st.DataObject) -> None:
    outputs = _play(CLUSTER, _log(spans, data))
    change: dict[int, int] = {}
    for edges in _episodes(outputs).values():
        for edge, second, _ in edges:
            change[second] = change.get(second, 0) + {"begin": 1, "end": -1}[edge]
    for second in range(110):
        alive = sum(step for at, step in change.items() if at <= second)
        assert alive == len(_naive_clusters(_active(spans, second))), second


@settings(max_examples=100, deadline=None)
@given(spans_of, st.data())
def test_a_cluster_begins_with_its_members_and_the_key_of_one_of_them(spans: list[Span], data: st.DataObject) -> None:
    for one in _play(CLUSTER, _log(spans, data)):
        if one.body.rule == "s" and one.type is AlertEvent.RAISED:
            members = {key.split("|")[1] for key in one.body.why.conditions}
            naive = _naive_clusters(_active(spans, (one.time - T0) // SECOND))
            assert any(members <= group for group in naive)
            assert one.key.split("|")[1] in members
            assert len(members) >= K


@settings(max_examples=60, deadline=None)
@given(spans_of, st.data(), st.sampled_from([COMPOSITE, CLUSTER, COMPOSITE.replace("severity", "for: 5s, severity")]))
def test_kills_change_nothing(spans: list[Span], data: st.DataObject, rule: str) -> None:
    lines = _log(spans, data)
    kills = data.draw(st.frozensets(st.integers(0, len(lines)), max_size=4))
    assert [one.id for one in _play(rule, lines, kills)] == [one.id for one in _play(rule, lines)]


@settings(max_examples=60, deadline=None)
@given(spans_of, st.data(), st.sampled_from([COMPOSITE, CLUSTER, COMPOSITE.replace("severity", "for: 5s, severity")]))
def test_the_order_in_which_sources_tell_changes_no_outcome(spans: list[Span], data: st.DataObject, rule: str) -> None:
    assert _episodes(_play(rule, _log(spans, data))) == _episodes(_play(rule, _log(spans, data)))


# --- areas, from readings on

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


def test_the_naive_evaluations_find_something() -> None:
    """The properties above are not about nothing."""
    three = [Span("a", f"d{n}", n, 50, Severity.MAJOR) for n in range(3)]
    assert _naive_clusters(_active(three, 10)) == {frozenset({"d0", "d1", "d2"})}
    pair = [Span("a", "d0", 0, 50, Severity.MAJOR), Span("b", "d0", 10, 40, Severity.WARNING)]
    assert _naive(pair, _naive_composite) == [("begin", 10, "critical"), ("end", 40, "")]
    assert _naive_area([("d0", 1, 0, 9), ("d1", 2, 0, 9)]) == [("begin", 10, "major")]
