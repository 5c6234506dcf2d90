"""Rules of stage 2 that come, change or go in mid-stream, and members and devices that do, against the naive ones."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Device, Kind
from pipeline.core.conditions import Condition, Progress, Severity
from pipeline.core.machine import CatalogueChange
from tests.property.naive_clusters import Clusters
from tests.property.naive_gatherings import (
    ALWAYS,
    AREA_OF,
    POINTS,
    Composite,
    Lived,
    Span,
    group_life,
    ranks_at,
    seconds_of,
)
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
    rules_of,
    spans_of,
    w2_of,
)
from tests.property.test_clusters import rules
from tests.property.test_composites import PLACES, composites, lives

LATER = 25
"""The lateness of a rule that has its own, s."""
UPTO = ENDS - LATER


class Version(NamedTuple):
    """A version of a rule."""

    rule: Any
    lived: Lived
    more: str = ""

    def text(self) -> str:
        """The rule as written."""
        return f"{{id: s, {self.rule.text}, {self.lived.text}{self.more}}}"

    def news(self) -> list[CatalogueChange]:
        """The rule as the catalogue brings it."""
        return list(rules_of(self.text()))


class Cut(NamedTuple):
    """Where a change comes: before the line of that number. W2 and L (s) then; the lines told by then."""

    number: int
    w2: int | None
    log: int
    known: frozenset[tuple[str, int, int]]

    def told(self, span: Span) -> int:
        """How many edges of a condition have been told."""
        return sum((edge.key, edge.episode, edge.n) in self.known for edge in edges_of(span))

    def active(self, spans: list[Span], w2: int | None) -> list[Span]:
        """What a rule counts that comes now: what is not known to have ended, and all that is yet to come."""
        found = []
        for span in spans:
            edges = self.told(span)
            if edges > 1 and span.rises is not None:  # it is known as what it is now
                span = span._replace(severity=span.then, rises=None)
                edges -= 1
            if edges < 2:
                found.append(span if not edges or w2 is None else span._replace(since=w2))
        return found


def cut(log: list[Told], data: st.DataObject) -> Cut:
    """A place in a log."""
    judging = [number for number in range(len(log) - 1) if w2_of(log[:number]) is not None]
    number = data.draw(st.sampled_from(judging) if judging else st.integers(0, len(log) - 2))
    before = log[:number]
    lines = frozenset((one.line.key, one.line.episode, one.line.n) for one in before if isinstance(one.line, Condition))
    return Cut(number, w2_of(before), before[-1].second if before else log[0].second, lines)


def gone(log: list[Told], spans: list[Span], at: Cut, name: str) -> tuple[list[Told], list[Span]]:
    """A log in which stage 1 ends the conditions of a rule or device, as it does when that goes; and the conditions."""
    mine = [span for span in spans if name in (span.rule, span.device)]
    kept, ends = [span for span in spans if span not in mine], []
    for span in mine:
        edges = at.told(span)
        if edges == len(edges_of(span)):
            kept.append(span)
        elif edges:
            kept.append(span._replace(end=at.log, rises=span.rises if edges > 1 else None))
            ends.append(Told(at.log, edges_of(kept[-1])[-1]))
    after = [
        one for one in log[at.number :] if not isinstance(one.line, Condition) or name not in one.line.key.split("|")
    ]
    return [*log[: at.number], *ends, *after], kept


def ended(edges: list[Edge], at: Cut, reason: str) -> list[Edge]:
    """The edges up to a change that ends what lives."""
    open_ = bool(edges) and edges[-1].edge != "end"
    return [*edges, Edge("end", max(at.log, edges[-1].at), "", reason=reason)] if open_ else edges


def lives_of(
    version: Version,
    spans: list[Span],
    upto: int,
    change: tuple[int, Lived] | None = None,
    moved: dict[Span, str] | None = None,
) -> dict[str, list[Edge]]:
    """The edges of every place by one version of a composite."""
    rule: Composite = version.rule
    counted = [one for one in spans if one.rule in rule.points or one.rule in rule.unless]
    places = {one: rule.place((moved or {}).get(one, one.device), AREA_OF) for one in counted}
    found = {}
    for place in sorted({*places.values()} - {""}):
        mine = [one for one in counted if places[one] == place]
        judged = {second: ranks_at(mine, second, rule.rank) for second in seconds_of(counted)}
        found[place] = group_life(judged, version.lived, upto, change)
    return found


def joined(*parts: dict[str, list[Edge]]) -> dict[str, list[Edge]]:
    """Edges of one time after another."""
    keys = sorted({key for part in parts for key in part})
    found = {key: [edge for part in parts for edge in part.get(key, [])] for key in keys}
    return {key: edges for key, edges in found.items() if edges}


def after_change(before: Version | None, after: Version | None, spans: list[Span], at: Cut) -> dict[str, list[Edge]]:
    """When what lives ends at the change, and what is active is counted anew."""
    first: dict[str, list[Edge]] = {}
    if before is not None and at.w2 is not None:
        reason = "rule_removed" if after is None else "rule_changed"
        first = {key: ended(edges, at, reason) for key, edges in lives_of(before, spans, at.w2).items()}
    w2 = at.w2 if before is not None or at.w2 is None else at.w2 + LATENESS - LATER
    return joined(first, {} if after is None else lives_of(after, at.active(spans, w2), UPTO))


_version = st.builds(Version, composites, lives, st.just(""))
_free = st.sampled_from(["", ", title: x", ", shadow: false"])


def check(found: list[Any], again: list[Any], expected: dict[str, list[Edge]]) -> None:
    assert episodes(found) == expected
    assert encoded(found) == encoded(again)


@settings(max_examples=25, deadline=None)
@given(old=_version, lived=lives, more=_free, data=st.data())
def test_a_composite_keeps_what_lives_when_durations_hours_or_texts_change(
    old: Version, lived: Lived, more: str, data: st.DataObject
) -> None:
    spans = data.draw(spans_of("abcu", PLACES))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    new = Version(old.rule, lived, more)
    news = [News(at.number, new.news())]
    if at.w2 is None:
        expected = lives_of(new, spans, ENDS - LATENESS)
    else:
        expected = lives_of(old, spans, ENDS - LATENESS, (at.w2, lived))
    changes = catalogue(old.text())
    check(play(changes, log, kills, news), play(changes, log, news=news), joined(expected))


@settings(max_examples=40, deadline=None)
@given(versions=st.tuples(st.none() | _version, st.none() | _version), data=st.data())
def test_a_composite_that_comes_goes_or_loses_its_state_counts_what_is_active(
    versions: tuple[Version | None, Version | None], data: st.DataObject
) -> None:
    old, new = versions
    if new is not None:  # a lateness of its own is a change that costs the state, too
        new = data.draw(st.sampled_from([new, old or new]))._replace(more=f", lateness: {LATER}s")
    spans = data.draw(spans_of("abcu", PLACES))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    news = [News(at.number, [CatalogueChange(1, Kind.RULE, "s", None)] if new is None else new.news())]
    changes = catalogue(old.text()) if old is not None else catalogue("")
    check(play(changes, log, kills, news), play(changes, log, news=news), after_change(old, new, spans, at))


def _gone(name: str) -> CatalogueChange:
    if len(name) == 1:
        return CatalogueChange(1, Kind.RULE, name, None)
    return CatalogueChange(
        1, Kind.DEVICE, name, Device(id=name, type="t", site=f"at-{name}", point=POINTS[name], retired_at=1)
    )


@settings(max_examples=25, deadline=None)
@given(version=_version, name=st.sampled_from(["a", "b", "d0", "d1"]), data=st.data())
def test_a_composite_goes_on_without_a_rule_or_device_that_goes(
    version: Version, name: str, data: st.DataObject
) -> None:
    spans = data.draw(spans_of("abcu", PLACES))
    log = draw_log(data, spans)
    at = cut(log, data)
    log, spans = gone(log, spans, at, name)
    kills = data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    changes, news = catalogue(version.text()), [News(at.number, [_gone(name)])]
    check(play(changes, log, kills, news), play(changes, log, news=news), joined(lives_of(version, spans, UPTO)))


@settings(max_examples=25, deadline=None)
@given(version=_version, data=st.data())
def test_a_condition_counts_in_the_area_in_which_its_device_was_when_it_began(
    version: Version, data: st.DataObject
) -> None:
    """d0 moves from one ward to the other, to where d2 is."""
    version = version._replace(rule=version.rule._replace(same="area"))
    spans = data.draw(spans_of("abcu", PLACES))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    moved = {span: "d2" for span in spans if span.device == "d0" and not at.told(span)}
    news = [News(at.number, [CatalogueChange(1, Kind.DEVICE, "d0", Device(id="d0", type="t", site="at-d2"))])]
    changes, expected = catalogue(version.text()), lives_of(version, spans, UPTO, moved=moved)
    check(play(changes, log, kills, news), play(changes, log, news=news), joined(expected))


_cluster = st.builds(Version, rules, lives.map(lambda one: one._replace(schedule=ALWAYS)), st.just(""))


@settings(max_examples=25, deadline=None)
@given(old=_cluster, lived=lives, data=st.data())
def test_a_cluster_keeps_what_lives_when_durations_change(old: Version, lived: Lived, data: st.DataObject) -> None:
    spans = data.draw(spans_of("ab"))
    log = draw_log(data, spans)
    at, kills = cut(log, data), data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    lived = lived._replace(schedule=ALWAYS)
    naive, since = Clusters(old.rule, old.lived if at.w2 is not None else lived), at.w2 or 0
    counted = [one for one in spans if one.rule in old.rule.rules]
    naive.run(counted, 0, since)
    naive.change(lived, since)
    naive.run(counted, since, UPTO)
    changes, news = catalogue(old.text()), [News(at.number, Version(old.rule, lived).news())]
    check(play(changes, log, kills, news), play(changes, log, news=news), naive.edges)


@settings(max_examples=40, deadline=None)
@given(old=_cluster, new=st.none() | _cluster, name=st.sampled_from(["", "a", "d1"]), data=st.data())
def test_a_cluster_that_goes_or_loses_its_state_counts_what_is_active(
    old: Version, new: Version | None, name: str, data: st.DataObject
) -> None:
    """With a member rule or a device that goes at the same time, or not."""
    if new is not None:
        new = data.draw(st.sampled_from([new, old]))._replace(more=f", lateness: {LATER}s")
    spans = data.draw(spans_of("ab"))
    log = draw_log(data, spans)
    at = cut(log, data)
    log, spans = gone(log, spans, at, name) if name else (log, spans)
    kills = data.draw(st.frozensets(st.integers(0, len(log)), max_size=3))
    first = Clusters(old.rule, old.lived)
    if at.w2 is not None:
        first.run([one for one in spans if one.rule in old.rule.rules], 0, at.w2)
        first.end(at.log, "rule_removed" if new is None else "rule_changed")
    second = {}
    if new is not None:
        after = Clusters(new.rule, new.lived)
        active = at.active(spans, at.w2)
        after.run([one for one in active if one.rule in new.rule.rules], at.w2 or 0, UPTO)
        second = after.edges
    news = [CatalogueChange(1, Kind.RULE, "s", None)] if new is None else new.news()
    brought = [News(at.number, [*news, *([_gone(name)] if name else [])])]
    changes = catalogue(old.text())
    check(play(changes, log, kills, brought), play(changes, log, news=brought), joined(first.edges, second))


def _a_condition(until: int, *w2s: int) -> tuple[Composite, list[Told]]:
    """A rule over any condition; one that begins at 3 s, W2 then, its end, told 10 s later."""
    span = Span("a", "d0", 3, until, Severity.MAJOR)
    begin, end = edges_of(span)
    log = [Told(3, begin)]
    for second in (*(w2 + LATENESS for w2 in w2s), ENDS):
        if second == ENDS:
            log.append(Told(until + LATENESS, end))
        log += [Told(second, Progress(source=one, log=T0 + second * SECOND)) for one in SOURCES]
    return Composite({"a": 1.0}, 1.0, "any"), log


def test_a_condition_that_ends_at_w2_is_not_active_for_a_rule_that_comes() -> None:
    rule, log = _a_condition(13, 13)
    news = [News(3, Version(rule, Lived()).news())]
    assert episodes(play(catalogue(""), log, news=news)) == {}


def test_a_rule_whose_lateness_grows_tells_what_is_active_again() -> None:
    """It had judged up to 4 s; by its new lateness it would tell the begin at 3 s once more, as a repeat."""
    rule, log = _a_condition(60, 4)
    news = [News(3, Version(rule, Lived(), f", lateness: {LATER}s").news())]
    found = episodes(play(catalogue(Version(rule, Lived()).text()), log, news=news))["d0"]
    assert [(edge.edge, edge.at, edge.reason) for edge in found] == [
        ("begin", 3, ""),
        ("end", 14, "rule_changed"),
        ("begin", 4, ""),
        ("end", 60, ""),
    ]


def test_what_a_change_makes_due_in_the_past_takes_no_judged_time_back() -> None:
    """Judged up to 12 s; `for` falls to 2 s, so that d0 begins at 2 s; what is late acts at 12 s all the same."""
    rule = Composite({"a": 1.0, "b": 1.0, "c": 1.0}, 1.0, "any")
    begins = (("a", "d0", 0), ("b", "d1", 12), ("c", "d2", 5))
    first, second, late = (Span(name, device, at, 200, Severity.WARNING) for name, device, at in begins)
    known = [Told(0, edges_of(first)[0]), Told(12, edges_of(second)[0])]
    upto = {at: [Told(at, Progress(source=one, log=T0 + at * SECOND)) for one in SOURCES] for at in (23, 24, 100)}
    log = [*known, *upto[23], *upto[24], Told(24, edges_of(late)[0]), *upto[100]]
    news = [News(4, Version(rule, Lived(hold=2)).news())]
    found = episodes(play(catalogue(Version(rule, Lived(hold=20)).text()), log, news=news))
    told = {key: [(edge.edge, edge.at) for edge in edges] for key, edges in found.items()}
    assert told == {"d0": [("begin", 2)], "d1": [("begin", 14)], "d2": [("begin", 14)]}
