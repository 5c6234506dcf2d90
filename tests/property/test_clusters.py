"""`cluster`, and `composite` within a radius, against a naive evaluation: edges, keys, and which one lives on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.alerts import AlertEvent
from pipeline.core.conditions import Progress, Severity
from tests.property.naive_clusters import Cluster, Clusters, Near, cluster_of, clusters
from tests.property.naive_gatherings import Composite, Lived, Span
from tests.property.naive_life import Edge
from tests.property.stage2_logs import (
    ENDS,
    LATENESS,
    SECOND,
    SOURCES,
    T0,
    Told,
    catalogue,
    draw_log,
    edges_of,
    encoded,
    episodes,
    play,
    spans_of,
)
from tests.property.test_composites import lives

UPTO = ENDS - LATENESS


def around(radius: int, within: int | None, rise: int) -> Near:
    """A composite of two rules near one another."""
    rule = Composite({"a": 1.0, "b": 1.0}, 2.0, "all", f"{{radius: {radius}m}}", within, rise=rise)
    return Near(rule.text, radius, within, rule.reached, "ab")


_radius, _within = st.sampled_from([1200, 1700]), st.sampled_from([None, None, 9, 21])
rules = st.one_of(
    st.builds(cluster_of, st.sampled_from([2, 2, 2, 3]), _radius, _within),
    st.builds(around, _radius, _within, st.sampled_from([0, 1])),
)


@settings(max_examples=70, deadline=None)
@given(rule=rules, lived=lives, data=st.data())
def test_clusters_are_what_the_naive_evaluation_says(rule: Near, lived: Lived, data: st.DataObject) -> None:
    """Order within the lateness, repeats and kills do not matter."""
    spans = data.draw(spans_of(rule.rules, sudden=not (lived.hold or lived.clears)))
    log = draw_log(data, spans)
    kills = data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    changes = catalogue(f"{{id: s, {rule.text}, {lived.text}}}")
    outputs = play(changes, log, kills)
    naive = Clusters(rule, lived)
    naive.run(spans, 0, UPTO)
    assert episodes(outputs) == naive.edges
    begun = [one for one in outputs if one.body.rule == "s" and one.type is AlertEvent.RAISED]
    assert naive.members == {
        (one.key.partition("|")[2], (one.time - T0) // SECOND): {key.split("|")[1] for key in one.body.why.conditions}
        for one in begun
    }
    assert encoded(outputs) == encoded(play(changes, log))


def _wet(device: str, begin: int, end: int, rule: str = "a") -> Span:
    return Span(rule, device, begin, end, Severity.WARNING)


PAIR = cluster_of(2, 1200, 20)
FOUND = {
    "a cluster has the smallest device as its key, though one of that key is just over": (
        PAIR,
        [_wet("d0", 0, 10), _wet("d1", 0, 30), _wet("d0", 20, 25)],
        {"d0": [("begin", 0), ("end", 15), ("begin", 20), ("end", 30)]},
    ),
    "of sets with as many conditions the earliest counts": (
        PAIR,
        [_wet("d2", 0, 50), _wet("d1", 1, 50), _wet("d0", 21, 50)],
        {"d1": [("begin", 1), ("end", 55)]},
    ),
    "a core joins one whose set it is not in, when that one is in its own": (
        PAIR,
        [_wet("d1", 0, 60), _wet("d2", 0, 50), _wet("d0", 20, 50), _wet("d3", 40, 50)],
        {"d1": [("begin", 0), ("end", 55)]},
    ),
    "a cluster comes back to its key's device, though that has left it": (
        PAIR,
        [
            _wet("d0", 0, 10),
            _wet("d1", 0, 15),
            _wet("d2", 5, 30),
            _wet("d5", 12, 30),
            _wet("d0", 20, 40),
            _wet("d3", 21, 40),
        ],
        {"d0": [("begin", 0), ("end", 45)], "d2": [("begin", 21), ("end", 35)]},
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_what_the_properties_found_stays_mended(case: str) -> None:
    rule, spans, expected = FOUND[case]
    log = [Told(edge.at // SECOND - T0 // SECOND, edge) for span in spans for edge in edges_of(span)]
    ends = [Told(ENDS, Progress(source=source, log=T0 + ENDS * SECOND)) for source in SOURCES]
    outputs = play(catalogue(f"{{id: s, {rule.text}, clear: {{for: 5s}}}}"), [*log, *ends])
    found = {key: [(edge.edge, edge.at) for edge in edges] for key, edges in episodes(outputs).items()}
    assert found == expected


def test_the_naive_evaluation_finds_something() -> None:
    """Three in a row, each within 1200 m of the next; the fourth is too far from all."""
    row = [_wet("d0", 0, 9), _wet("d1", 0, 9), _wet("d2", 0, 9), _wet("d5", 0, 9, "b")]
    assert clusters(cluster_of(2, 1200, None), row[:3], 5) == [Cluster(frozenset({"d0", "d1", "d2"}), 4)]
    assert clusters(cluster_of(2, 1000, None), row[:3], 5) == []
    naive = Clusters(around(1200, None, 1), Lived(hold=3))
    naive.run([*row[1:3], _wet("d2", 4, 8, "b")], 0, 20)
    assert naive.edges == {"d1": [Edge("begin", 7, "minor"), Edge("end", 8, "")]}
