"""A second evaluation of `composite` and `cluster`, written from rules/SEMANTICS.md: every second, from all spans.

Shares nothing with the engine. A span is a condition of a member rule. What a rule makes of the spans that are active
is a rank of severity for each group (0: not enough); what becomes of that is the life of a condition, naive_life.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pipeline.core.conditions import Severity
from tests.property.naive_life import Change, Clear, Edge, Level, Moment, Terms, life

POINTS = {
    "d0": (0.0, 0.0),
    "d1": (0.01, 0.0),
    "d2": (0.02, 0.0),
    "d3": (0.0, 0.01),
    "d4": (0.02, 0.01),
    "d5": (0.03, 0.0),
}
"""Degrees; 0.01 of them are 1112 m on the equator."""
AREA_OF = {"d0": "ward1", "d1": "ward1", "d2": "ward2", "d3": "ward2", "d4": "city", "d5": ""}
RANKS = {"indeterminate": 1, "warning": 2, "minor": 3, "major": 4, "critical": 5}
"""ITU-T X.733, 8.1.2.3."""
NAMES = {rank: name for name, rank in RANKS.items()}


class Span(NamedTuple):
    """A condition of a member: active from begin until before end, in seconds; from `rises` on of severity `then`.

    `since`: from when on a rule counts it, when that is not its begin.
    """

    rule: str
    device: str
    begin: int
    end: int
    severity: Severity
    rises: int | None = None
    then: Severity = Severity.WARNING
    since: int | None = None

    @property
    def counts(self) -> int:
        """From when on it counts."""
        return self.begin if self.since is None else max(self.begin, self.since)

    def rank(self, second: int) -> int:
        """The rank of its severity at a second."""
        risen = self.rises is not None and self.rises <= second
        return RANKS[(self.then if risen else self.severity).value]


class Composite(NamedTuple):
    """A composite rule: the points of each rule and how many are needed. `rise`: steps above the highest member."""

    points: dict[str, float]
    needed: float
    match: str  # as the rule writes it
    same: str = "entity"
    within: int | None = None
    severity: str = "major"
    rise: int = 0
    unless: str = ""

    @property
    def text(self) -> str:
        """Its own fields, as a rule writes them."""
        found = f"kind: composite, of: [{', '.join(self.points)}], match: {self.match}, same: {self.same}"
        found += f", severity: {f'+{self.rise}' if self.rise else self.severity}"
        found += "" if self.within is None else f", within: {self.within}s"
        return found + (f", unless: [{', '.join(self.unless)}]" if self.unless else "")

    def reached(self, some: Sequence[Span], second: int) -> int:
        """The rank of some conditions together."""
        if not some or sum(self.points[rule] for rule in {one.rule for one in some}) < self.needed:
            return 0
        return min(max(one.rank(second) for one in some) + self.rise, 5) if self.rise else RANKS[self.severity]

    def best(self, some: Sequence[Span], second: int) -> int:
        """The highest rank of those that began within `within` of one another."""
        if self.within is None:
            return self.reached(some, second)
        windows = [[one for one in some if t <= one.begin <= t + self.within] for t in {one.begin for one in some}]
        return max((self.reached(window, second) for window in windows), default=0)

    def place(self, device: str, areas: dict[str, str]) -> str:
        """What a condition is grouped by."""
        return device if self.same == "entity" else areas[device]

    def rank(self, active: Sequence[Span], second: int) -> int:
        """The rank of the active conditions of one place."""
        if any(one.rule in self.unless for one in active):
            return 0
        return self.best([one for one in active if one.rule in self.points], second)


def ranks_at(spans: Sequence[Span], second: int, rank: Callable[[Sequence[Span], int], int]) -> list[int]:
    """The judgements of one second: with what begins there; then, if anything ends as it begins, without that."""
    now = [one for one in spans if one.counts <= second < one.end]
    sudden = [one for one in spans if one.begin == second == one.end]
    return [rank([*now, *sudden], second), *([rank(now, second)] if sudden else [])]


def seconds_of(spans: Sequence[Span]) -> list[int]:
    """When a rule over these conditions judges: whenever one begins, changes or ends."""
    times = (second for one in spans for second in (one.counts, one.rises, one.end) if second is not None)
    return sorted(set(times))


ALWAYS: tuple[str, Callable[[int], bool]] = ("", lambda _: True)
"""No schedule, and that every second lies in it."""


class Lived(NamedTuple):
    """`for`, `clear: {for: ..}` (seconds) and hours of a rule of stage 2."""

    hold: int = 0
    clears: int = 0
    schedule: tuple[str, Callable[[int], bool]] = ALWAYS

    @property
    def text(self) -> str:
        """As a rule writes them."""
        return f"for: {self.hold}s, clear: {{for: {self.clears}s}}{self.schedule[0]}"

    def terms(self) -> Terms:
        """As terms of the naive life, which goes in half seconds: the second judgement of a second is the odd one."""
        levels = tuple(Level(name) for name in RANKS)
        opened = self.schedule[1]
        return Terms(levels, 2 * self.hold, Clear(None, 2 * self.clears), opened=lambda half: opened(half // 2))


def told(edges: Iterable[Edge]) -> list[Edge]:
    """In seconds; an end has no severity."""
    return [edge._replace(at=edge.at // 2, severity="" if edge.edge == "end" else edge.severity) for edge in edges]


def group_life(
    judged: dict[int, list[int]], lived: Lived, upto: int, change: tuple[int, Lived] | None = None
) -> list[Edge]:
    """The edges of one group before second `upto`, from its ranks at every second at which it is judged.

    `change`: the second before which everything is judged by `lived`, and what the rule says from then on.
    """
    moments = [
        Moment(2 * second + half, tuple(rank >= one for one in RANKS.values()), None)
        for second, ranks in sorted(judged.items())
        for half, rank in enumerate(ranks)
    ]
    changed = None if change is None else Change(2 * change[0], change[1].terms())
    return told(life(moments, lived.terms(), 2 * upto, changed))


def distance(a: str, b: str) -> float:
    """Metres between two devices near the equator, as on a plane."""
    (x1, y1), (x2, y2) = POINTS[a], POINTS[b]
    return 111_195 * math.hypot(x1 - x2, y1 - y2)
