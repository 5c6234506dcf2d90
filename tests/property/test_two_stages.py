"""From readings through stage 1 on 1 to 3 partitions and the alerts worker: clusters and composites."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Condition, Progress, Severity
from pipeline.core.events import Event, Reading
from pipeline.core.machine import LogFrame
from rules.engine.engine import Engine
from tests.property.naive_clusters import Clusters, Near
from tests.property.naive_gatherings import POINTS, Composite, Lived, Span
from tests.property.stage2_logs import ENDS, LATENESS, SECOND, T0, Told, catalogue, episodes, play
from tests.property.test_clusters import rules
from tests.property.test_composites import composites, lives, naive

TOPIC = "ioc.readings.v1"
QUANTITIES = {"a": "rain_rate", "b": "water_level"}
STILL = 10**6
"""The end of a condition that does not end."""


class Given(NamedTuple):
    """A reading: the second at which it is told, that of its time."""

    second: int
    rule: str
    device: str
    at: int
    value: int


_reading = st.builds(
    lambda rule, device, at, delay, value: Given(at + delay, rule, device, at, value),
    st.sampled_from("ab"),
    st.sampled_from(["d0", "d1", "d2", "d3"]),
    st.integers(0, 60),
    st.integers(0, LATENESS - 1),
    st.sampled_from([0, 2, 2, 2]),
)
readings = st.lists(_reading, min_size=12, max_size=40).map(lambda raw: sorted(raw, key=lambda one: one.second))


def spans(told: list[Given]) -> list[Span]:
    """What the members raise: above 1, by each reading that is newer than all before it in the log."""
    found = []
    for rule, device in sorted({(one.rule, one.device) for one in told}):
        newest, begin = -1, -1
        for one in (one for one in told if (one.rule, one.device) == (rule, device)):
            if one.at > newest:
                newest = one.at
                if one.value > 1 and begin < 0:
                    begin = one.at
                elif one.value <= 1 and begin >= 0:
                    found.append(Span(rule, device, begin, one.at, Severity.WARNING))
                    begin = -1
        if begin >= 0:
            found.append(Span(rule, device, begin, STILL, Severity.WARNING))
    return found


def _stage1(text: str, told: list[Given], partition: int, partitions: int) -> list[Told]:
    """What the engine of one partition says."""
    engine = Engine(TOPIC, partition, changes=catalogue(text))
    mine = [one for one in told if sorted(POINTS).index(one.device) % partitions == partition]
    found = []
    for offset, one in enumerate([*mine, None]):
        second = ENDS if one is None else one.second
        lines: tuple[tuple[int, Event], ...] = ()
        if one is not None:
            at, quantity = T0 + one.at * SECOND, QUANTITIES[one.rule]
            lines = ((0, Reading(device=one.device, quantity=quantity, at=at, value=float(one.value))),)
        log = T0 + second * SECOND
        frame = LogFrame[Event](topic=TOPIC, partition=partition, offset=offset, log=log, lines=lines)
        delta = engine.fold(frame)
        engine.commit(delta)
        found += [Told(second, line) for line in delta.outputs if isinstance(line, Condition | Progress)]
    return found


def two_stages(text: str, told: list[Given], partitions: int, data: st.DataObject) -> list[Told]:
    """The log of conditions: the partitions' lines, of which one may lag behind; some conditions again."""
    parts = [_stage1(text, told, number, partitions) for number in range(partitions)]
    mixed = []
    for part in data.draw(st.permutations(parts)):
        lag = data.draw(st.sampled_from([0, 0, 20, 60]))
        for one in part:
            one = one._replace(second=one.second + lag)
            mixed.append(one)
            if isinstance(one.line, Condition) and data.draw(st.integers(0, 4)) == 0:
                mixed.append(one._replace(second=one.second + data.draw(st.integers(0, 20))))
    return sorted(mixed, key=lambda one: one.second)


@settings(max_examples=40, deadline=None)
@given(
    rule=rules | composites.filter(lambda one: "c" not in one.points),
    lived=lives,
    told=readings,
    partitions=st.integers(1, 3),
    data=st.data(),
)
def test_a_replay_over_any_number_of_partitions_is_what_the_naive_evaluation_says(
    rule: Near | Composite, lived: Lived, told: list[Given], partitions: int, data: st.DataObject
) -> None:
    text = f"{{id: s, {rule.text}, {lived.text}}}"
    log = two_stages(text, told, partitions, data)
    outputs = play(catalogue(text), log, expected=[f"{TOPIC}/{number}" for number in range(partitions)])
    if isinstance(rule, Composite):
        expected = naive(rule, lived, spans(told))
    else:
        clusters = Clusters(rule, lived)
        clusters.run([one for one in spans(told) if one.rule in rule.rules], 0, ENDS - LATENESS)
        expected = clusters.edges
    assert episodes(outputs) == expected
