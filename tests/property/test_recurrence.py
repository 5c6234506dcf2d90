"""`recurrence` against a second, naive evaluation written from the page of semantics."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Kind
from pipeline.core.conditions import Progress, Severity
from pipeline.core.machine import CatalogueChange
from tests.property.naive_gatherings import AREA_OF, POINTS, RANKS, Lived, Span, group_life
from tests.property.naive_life import Edge
from tests.property.stage2_logs import (
    ENDS,
    LATENESS,
    SECOND,
    SOURCES,
    T0,
    News,
    Told,
    catalogue,
    draw_log,
    edges_of,
    encoded,
    episodes,
    play,
    spans_of,
)
from tests.property.test_composites import PLACES, lives
from tests.property.test_stage2_changes import Version, cut, ended, joined

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
        """By the begins in (t - within, t], of those that count at all by then."""
        enough = sum(one.counts <= second < one.begin + self.within for one in spans) >= self.times
        return RANKS[self.severity] if enough else 0

    def seconds(self, spans: list[Span]) -> list[int]:
        """When it judges: whenever the count of any place can change, all places."""
        times = [(one.counts, one.begin + self.within) for one in spans]
        return sorted({at for begin, end in times if begin < end for at in (begin, end)})


recurrences = st.builds(
    Recurrence,
    st.sampled_from(["a", "ab", "abc"]),
    st.integers(2, 4),
    st.sampled_from([3, 9, 15, 20, 30]),
    st.sampled_from(["entity", "site", "area"]),
    st.sampled_from(["warning", "critical"]),
)


def naive(
    rule: Recurrence, lived: Lived, spans: list[Span], upto: int = UPTO, change: tuple[int, Lived] | None = None
) -> dict[str, list[Edge]]:
    """The edges of every place before `upto`; `change`: from when on it lives otherwise, and how."""
    found = {}
    counted = [one for one in spans if one.rule in rule.of]
    for place in sorted({rule.place(name) for name in POINTS} - {""}):
        mine = [one for one in counted if rule.place(one.device) == place]
        judged = {second: [rule.rank(mine, second)] for second in rule.seconds(counted)}
        if edges := group_life(judged, lived, upto, change):
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


@settings(max_examples=40, deadline=None)
@given(rule=recurrences, lives_=st.tuples(lives, lives), data=st.data())
def test_a_recurrence_keeps_what_lives_when_durations_or_hours_change(
    rule: Recurrence, lives_: tuple[Lived, Lived], data: st.DataObject
) -> None:
    (old, new), spans = lives_, data.draw(spans_of("abc", PLACES))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    news = [News(at.number, Version(rule, new).news())]
    expected = naive(rule, new, spans) if at.w2 is None else naive(rule, old, spans, change=(at.w2, new))
    assert episodes(play(catalogue(Version(rule, old).text()), log, kills, news)) == expected


@settings(max_examples=60, deadline=None)
@given(old=st.none() | st.tuples(recurrences, lives), new=st.none() | st.tuples(recurrences, lives), data=st.data())
def test_a_recurrence_that_comes_goes_or_loses_its_state_counts_the_begins_of_what_is_active(
    old: tuple[Recurrence, Lived] | None, new: tuple[Recurrence, Lived] | None, data: st.DataObject
) -> None:
    if old is not None and new is not None and old[0] == new[0]:
        new = new[0]._replace(within=new[0].within + 1), new[1]
    spans = data.draw(spans_of("abc", PLACES))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    changes = catalogue("" if old is None else Version(*old).text())
    gone = [CatalogueChange(1, Kind.RULE, "s", None)]
    news = [News(at.number, gone if new is None else Version(*new).news())]
    first: dict[str, list[Edge]] = {}
    if old is not None and at.w2 is not None:
        reason = "rule_removed" if new is None else "rule_changed"
        first = {key: ended(edges, at, reason) for key, edges in naive(*old, spans, at.w2).items()}
    then = {} if new is None else naive(*new, at.active(spans, at.w2))
    assert episodes(play(changes, log, kills, news)) == joined(first, then)


def coming_at(w2: int, rule: Recurrence, *spans: Span) -> dict[str, list[Edge]]:
    """What a rule finds that comes when W2 is `w2`; all begins are told by then, no end."""
    edges = [(edges_of(span)[0], edges_of(span)[-1]) for span in spans]
    log = [Told(1, begin) for begin, _ in edges]
    log += [Told(w2 + LATENESS, Progress(source=one, log=T0 + (w2 + LATENESS) * SECOND)) for one in SOURCES]
    news = [News(len(log), Version(rule, Lived()).news())]
    log += [Told(w2 + LATENESS, end) for _, end in edges]
    log += [Told(ENDS, Progress(source=one, log=T0 + ENDS * SECOND)) for one in SOURCES]
    return episodes(play(catalogue(""), log, news=news))


def test_a_rule_that_comes_counts_older_begins_from_then_on_and_for_what_is_left_of_their_time() -> None:
    two = [Span(name, "d0", begin, 100, Severity.MAJOR) for name, begin in (("a", 3), ("b", 5))]
    rule = Recurrence("ab", 2, 30, "entity", "major")
    assert coming_at(13, rule, *two) == {"d0": [Edge("begin", 13, "major"), Edge("end", 33, "")]}


@pytest.mark.parametrize("within", [8, 10])
def test_a_rule_that_comes_does_not_count_begins_that_are_too_old(within: int) -> None:
    two = [Span(name, "d0", 3, 100, Severity.MAJOR) for name in ("a", "b")]
    assert coming_at(13, Recurrence("ab", 2, within, "entity", "major"), *two) == {}


def test_the_naive_evaluation_finds_something() -> None:
    rule = Recurrence("a", 3, 25, "area", "major")
    three = [Span("a", device, 5 * n, 50, Severity.MAJOR) for n, device in enumerate(("d0", "d1", "d0"))]
    assert naive(rule, Lived(), three) == {"ward1": [Edge("begin", 10, "major"), Edge("end", 25, "")]}
