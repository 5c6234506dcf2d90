"""`composite` against a naive evaluation: every form, `for`, `clear`, hours; order, repeats and kills do not matter."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.naive_gatherings import AREA_OF, POINTS, Composite, Lived, Span, group_life, ranks_at, seconds_of
from tests.property.naive_life import Edge
from tests.property.stage2_logs import ENDS, LATENESS, catalogue, draw_log, encoded, episodes, play, spans_of
from tests.property.test_life import minutes

UPTO = ENDS - LATENESS
_matches = st.sampled_from(
    [
        Composite({"a": 1.0, "b": 1.0}, 2.0, "all"),
        Composite({"a": 1.0, "b": 1.0, "c": 1.0}, 3.0, "all"),
        Composite({"a": 1.0, "b": 1.0}, 1.0, "any"),
        Composite({"a": 1.0, "b": 1.0, "c": 1.0}, 2.0, "{at_least: 2}"),
        Composite({"a": 2.0, "b": 1.0, "c": 1.5}, 3.0, "{score: 3, weights: {a: 2, b: 1, c: 1.5}}"),
    ]
)
composites = st.builds(
    lambda match, same, within, severity, rise, unless: match._replace(
        same=same, within=within, severity=severity, rise=rise, unless=unless
    ),
    _matches,
    st.sampled_from(["entity", "area"]),
    st.sampled_from([None, None, 6, 15]),
    st.sampled_from(["minor", "major"]),
    st.integers(0, 2),
    st.sampled_from(["", "", "u"]),
)
PLACES = ("d0", "d1", "d2", "d5")
"""Two of one ward, one of another, one outside all areas."""
lives = st.builds(Lived, st.sampled_from([0, 0, 5, 12]), st.sampled_from([0, 0, 5, 12]), minutes())


def naive(rule: Composite, lived: Lived, spans: list[Span]) -> dict[str, list[Edge]]:
    """The edges of every place."""
    counted = [one for one in spans if one.rule in rule.points or one.rule in rule.unless]
    found = {}
    for place in sorted({rule.place(name, AREA_OF) for name in POINTS} - {""}):
        mine = [one for one in counted if rule.place(one.device, AREA_OF) == place]
        judged = {second: ranks_at(mine, second, rule.rank) for second in seconds_of(counted)}
        if edges := group_life(judged, lived, UPTO):
            found[place] = edges
    return found


@settings(max_examples=60, deadline=None)
@given(rule=composites, lived=lives, data=st.data())
def test_a_composite_is_what_the_naive_evaluation_says(rule: Composite, lived: Lived, data: st.DataObject) -> None:
    spans = data.draw(spans_of("abcu", PLACES, sudden=not (lived.hold or lived.clears)))
    log = draw_log(data, spans)
    kills = data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    changes = catalogue(f"{{id: s, {rule.text}, {lived.text}}}")
    outputs = play(changes, log, kills)
    assert episodes(outputs) == naive(rule, lived, spans)
    assert encoded(outputs) == encoded(play(changes, log))
