"""Random conditions of member rules, told as a log of the alerts worker, and the alerts worker over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from pipeline.core.alerts import AlertEvent
from pipeline.core.conditions import Condition, ConditionEdge, ConditionLine, Progress, Severity, condition_id
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.alerts.machine import AlertsMachine
from rules.alerts.state import AlertOutput
from rules.backtest import rule_changes
from rules.catalogue_files import read_catalogue
from rules.engine.loader import load_text
from tests.property.naive_gatherings import AREA_OF, POINTS, Span
from tests.property.naive_life import Edge

T0 = 1_795_222_800_000
SECOND = 1000
LATENESS = 10
SOURCES = ("x/0", "x/1")
MEMBERS = "\n---\n".join(
    f"{{id: {name}, kind: threshold, scope: {{quantity: {quantity}}}, raise: {{above: 1}}}}"
    for name, quantity in (("a", "rain_rate"), ("b", "water_level"), ("c", "ph"), ("u", "cod"))
)
ENDS = 300
"""The second at which all sources are told to be, after everything else."""


class Told(NamedTuple):
    """One line of the log, at a second."""

    second: int
    line: ConditionLine


class News(NamedTuple):
    """Catalogue changes that come before the line of that number."""

    number: int
    changes: Sequence[CatalogueChange]


@st.composite
def spans_of(draw: st.DrawFn, rules: str, devices: Sequence[str] = tuple(POINTS), sudden: bool = False) -> list[Span]:
    """Conditions of some rules, one at a time of each rule and device; with `sudden` some end when they begin."""
    found = []
    for rule in rules:
        for device in devices:
            end, before = 0, -1
            for gap, length, first, then, rises in draw(_often if rule in "ab" else _times):
                begin, length = end + gap, max(length, 0 if sudden else 1)
                if begin > before:
                    end, before = begin + length, begin
                    risen = begin + rises if first != then and rises < length else None
                    found.append(Span(rule, device, begin, end, first, risen, then))
    return found


_severity = st.sampled_from([Severity.WARNING, Severity.MAJOR])
_time = st.tuples(
    st.sampled_from([*range(0, 31, 3), 1, 2]),
    st.sampled_from([30, 24, 18, 15, 12, 9, 5, 3, 1, 0]),
    _severity,
    _severity,
    st.sampled_from([1, 3, 6, 10]),
)
"""Gap, length (s), severity, the severity that it may change to, when. Often threes, so that times meet."""
_times, _often = st.lists(_time, max_size=2), st.lists(_time, min_size=1, max_size=3)


def edges_of(span: Span) -> list[Condition]:
    """The edges of a condition, as its rule writes them."""
    key = f"{span.rule}|{span.device}"
    episode = T0 + span.begin * SECOND
    steps = [(ConditionEdge.BEGIN, span.begin, span.severity)]
    if span.rises is not None:
        steps.append((ConditionEdge.UPDATE, span.rises, span.then))
    steps.append((ConditionEdge.END, span.end, steps[-1][2]))
    return [
        Condition(
            id=condition_id(span.rule, key, episode, n),
            rule=span.rule,
            rule_version="v",
            key=key,
            episode=episode,
            n=n,
            edge=edge,
            severity=severity,
            at=T0 + second * SECOND,
            log=T0 + second * SECOND,
            device=span.device,
        )
        for n, (edge, second, severity) in enumerate(steps)
    ]


_progress = st.tuples(
    st.one_of(st.sampled_from(range(13, 91, 3)), st.integers(0, 110)),
    st.sampled_from([SOURCES, SOURCES, SOURCES[:1], SOURCES[1:]]),
)
"""Of one source or both, often with W2 at threes, where conditions often begin and end."""


def draw_log(data: st.DataObject, spans: list[Span]) -> list[Told]:
    """The edges, each key's in order, told within the lateness, some again; and progress, now and then."""
    told: list[tuple[int, int, int, int, ConditionLine]] = []
    newest: dict[str, int] = {}
    for span in sorted(spans, key=lambda one: one.begin):
        for edge in edges_of(span):
            second = (edge.at - T0) // SECOND + data.draw(st.integers(0, LATENESS - 1))
            second = newest[edge.key] = max(newest.get(edge.key, 0), second)
            told.append((second, 1, edge.episode, edge.n, edge))
            if data.draw(st.integers(0, 9)) == 0:
                told.append((second + data.draw(st.integers(0, 30)), 2, edge.episode, edge.n, edge))
    for second, sources in data.draw(st.lists(_progress, max_size=12) | st.lists(_progress, min_size=3, max_size=12)):
        told += [(second, 0, 0, 0, Progress(source=one, log=T0 + second * SECOND)) for one in sources]
    lines = [Told(second, line) for second, *_, line in sorted(told, key=lambda one: one[:4])]
    return [*lines, *(Told(ENDS, Progress(source=source, log=T0 + ENDS * SECOND)) for source in SOURCES)]


def w2_of(told: Iterable[Told], lateness: int = LATENESS) -> int | None:
    """W2 in seconds after some lines; None before every source has told its progress."""
    newest: dict[str, int] = {}
    for _, line in told:
        if isinstance(line, Progress):
            newest[line.source] = max(newest.get(line.source, 0), (line.log - T0) // SECOND)
    return min(newest.values()) - lateness if len(newest) == len(SOURCES) else None


def catalogue(rules: str, area_of: dict[str, str] = AREA_OF) -> list[CatalogueChange]:
    """The devices, each at a site of its own, in two wards of a city, in the city, or nowhere; all rules."""
    documents: list[dict[str, Any]] = [
        {"kind": "area", "id": "city"},
        {"kind": "area", "id": "ward1", "parent": "city"},
        {"kind": "area", "id": "ward2", "parent": "city"},
    ]
    for name, point in POINTS.items():
        documents.append({"kind": "site", "id": f"at-{name}", "area": area_of[name]})
        documents.append({"kind": "device", "id": name, "type": "t", "site": f"at-{name}", "point": point})
    return [*read_catalogue(documents), *rules_of(MEMBERS), *rules_of(rules)]


@cache
def rules_of(text: str) -> tuple[CatalogueChange, ...]:
    """Rules as the catalogue brings them."""
    return tuple(rule_changes(load_text(text).checked()))


def play(
    changes: Sequence[CatalogueChange],
    told: Sequence[Told],
    kills: frozenset[int] = frozenset(),
    news: Sequence[News] = (),
    expected: Sequence[str] = SOURCES,
) -> list[AlertOutput]:
    """What the alerts worker makes of a log; killed before the lines numbered in `kills`, built anew from its dumps."""
    known = list(changes)
    machine = AlertsMachine(changes=known, expected=expected)
    outputs: list[AlertOutput] = []
    for number, (second, line) in enumerate(told):
        if number in kills:
            saved = {key: raw for key in machine.state_keys() if (raw := machine.dump(key)) is not None}
            machine = AlertsMachine(changes=known, state=saved, expected=expected)
        brought = [one for each in news if each.number == number for one in each.changes]
        known += brought
        for lines, changes_ in (((), tuple(brought)), (((0, line),), ())):
            if not (lines or changes_):
                continue
            log = T0 + (second if lines or not number else told[number - 1].second) * SECOND
            frame = LogFrame[ConditionLine](
                topic="c", partition=0, offset=2 * number + len(lines), log=log, lines=lines, news=changes_
            )
            machine.fold(frame)
            delta = machine.fold(frame)
            machine.commit(delta)
            outputs += delta.outputs
    return outputs


_TYPES = {AlertEvent.RAISED: "begin", AlertEvent.UPDATED: "update", AlertEvent.CLEARED: "end"}


def episodes(outputs: Iterable[AlertOutput], rule: str = "s") -> dict[str, list[Edge]]:
    """Edges of the conditions of a rule of stage 2, by what its key says beside the rule."""
    found: dict[str, list[Edge]] = {}
    for one in outputs:
        if one.body.rule == rule and one.type in _TYPES:
            second, rest = divmod(one.time - T0, SECOND)
            assert not rest
            edge, severity = _TYPES[one.type], one.body.severity.value
            edge_ = Edge(
                edge, second, "" if edge == "end" else severity, reason=one.body.reason if edge == "end" else ""
            )
            found.setdefault(one.key.partition("|")[2], []).append(edge_)
    return found


def encoded(outputs: Iterable[AlertOutput]) -> list[bytes]:
    """Outputs to the last byte."""
    return [msgspec.json.encode(one) for one in outputs]
