"""`recurrence` against a second, naive evaluation written from the page of semantics."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.conditions import Severity
from tests.property.naive_gatherings import AREA_OF, POINTS, RANKS, Lived, Span, group_life
from tests.property.naive_life import Edge
from tests.property.stage2_logs import ENDS, LATENESS, catalogue, draw_log, encoded, episodes, play, spans_of
from tests.property.test_composites import PLACES, lives

UPTO = ENDS - LATENESS


class Recurrence(NamedTuple):
    """A recurrence rule; `of`: its members, a letter each."""

    of: str
    times: int
    within: int
    same: str
    severity: str

    @property
    def text(self) -> str:
        """Its own fields, as a rule writes them."""
        members = ", ".join(self.of)
        return (
            f"kind: recurrence, of: [{members}], times: {self.times}, within: {self.within}s, "
            f"same: {self.same}, severity: {self.severity}"
        )

    def place(self, device: str) -> str:
        """Each device is at a site of its own, at-<device>."""
        return {"entity": device, "site": f"at-{device}", "area": AREA_OF[device]}[self.same]

    def rank(self, spans: list[Span], second: int) -> int:
        """By the begins in (t - within, t]."""
        enough = sum(second - self.within < one.begin <= second for one in spans) >= self.times
        return RANKS[self.severity] if enough else 0

    def judged(self, spans: list[Span]) -> dict[int, list[int]]:
        """Ranks at the seconds at which the count of a place can change."""
        seconds = {at for one in spans for at in (one.begin, one.begin + self.within)}
        return {second: [self.rank(spans, second)] for second in sorted(seconds)}


recurrences = st.builds(
    Recurrence,
    st.sampled_from(["a", "ab", "abc"]),
    st.integers(2, 4),
    st.sampled_from([3, 9, 15, 20, 30]),
    st.sampled_from(["entity", "site", "area"]),
    st.sampled_from(["warning", "critical"]),
)


def naive(rule: Recurrence, lived: Lived, spans: list[Span]) -> dict[str, list[Edge]]:
    """The edges of every place."""
    found = {}
    for place in sorted({rule.place(name) for name in POINTS} - {""}):
        mine = [one for one in spans if one.rule in rule.of and rule.place(one.device) == place]
        if edges := group_life(rule.judged(mine), lived, UPTO):
            found[place] = edges
    return found


@settings(max_examples=60, deadline=None)
@given(rule=recurrences, lived=lives, data=st.data())
def test_a_recurrence_is_what_the_naive_evaluation_says(rule: Recurrence, lived: Lived, data: st.DataObject) -> None:
    spans = data.draw(spans_of("abc", PLACES, sudden=True))
    log = draw_log(data, spans)
    kills = data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    changes = catalogue(f"{{id: s, {rule.text}, {lived.text}}}")
    outputs = play(changes, log, kills)
    assert episodes(outputs) == naive(rule, lived, spans)
    assert encoded(outputs) == encoded(play(changes, log))


def test_the_naive_evaluation_finds_something() -> None:
    rule = Recurrence("a", 3, 25, "area", "major")
    three = [Span("a", device, 5 * n, 50, Severity.MAJOR) for n, device in enumerate(("d0", "d1", "d0"))]
    assert naive(rule, Lived(), three) == {"ward1": [Edge("begin", 10, "major"), Edge("end", 25, "")]}
