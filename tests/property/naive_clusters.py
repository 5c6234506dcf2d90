"""A second evaluation of conditions that gather by distance, written from rules/SEMANTICS.md: second by second.

Shares nothing with the engine. At each second all sets are found anew from all active conditions; which cluster lives
on in which is then read off the sets of the second before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.property.naive_gatherings import NAMES, RANKS, Lived, Span, distance, seconds_of
from tests.property.naive_life import Edge


class Near(NamedTuple):
    """A rule over conditions near one another: metres, seconds; the rank of some together; members."""

    text: str
    radius: int
    within: int | None
    reached: Callable[[Sequence[Span], int], int]
    rules: str


class Cluster(NamedTuple):
    """Devices that are one cluster at a time, and its rank."""

    devices: frozenset[str]
    rank: int


def cluster_of(k: int, radius: int, within: int | None) -> Near:
    """A `cluster` rule over the rule `a`."""
    text = f"kind: cluster, rule: a, k: {k}, radius: {radius}m, severity: major"
    text += "" if within is None else f", within: {within}s"
    enough = lambda some, _: RANKS["major"] if len({one.device for one in some}) >= k else 0  # noqa: E731
    return Near(text, radius, within, enough, "a")


def circle(rule: Near, active: Sequence[Span], core: Span, second: int) -> tuple[list[Span], int]:
    """The set of a core and its rank: of those that began within the time, the most; of equals, the earliest."""
    near = [one for one in active if distance(core.device, one.device) <= rule.radius]
    windows = [near]
    if rule.within is not None:
        begins = sorted({one.begin for one in near})
        windows = [[one for one in near if t <= one.begin <= t + rule.within] for t in begins]
    enough = [(rule.reached(window, second), window) for window in windows if core in window]
    rank, window = max(enough, key=lambda one: (one[0], len(one[1])))
    return (window, rank) if rank else ([], 0)


def clusters(rule: Near, active: Sequence[Span], second: int) -> list[Cluster]:
    """All clusters; a device on the edge of two is in that of the smallest core, which comes first."""
    ordered = sorted(active, key=lambda one: (one.device, one.rule))
    circles = {core: circle(rule, active, core, second) for core in ordered}
    cores = [core for core in ordered if circles[core][1]]
    found, taken = [], set[Span]()
    while left := [core for core in cores if core not in taken]:
        mine = {left[0]}
        while more := {one for one in left if one not in mine and any(_linked(circles, one, core) for core in mine)}:
            mine |= more
        members = {one for core in mine for one in circles[core][0]} - taken
        found.append(Cluster(frozenset(one.device for one in members), max(circles[core][1] for core in mine)))
        taken |= members
    return found


def _linked(circles: dict[Span, tuple[list[Span], int]], a: Span, b: Span) -> bool:
    return a in circles[b][0] or b in circles[a][0]


class Living:
    """A cluster that lives: pending, active or clearing."""

    def __init__(self, since: int, now: Cluster) -> None:
        self.since, self.devices, self.rank, self.shown = since, now.devices, now.rank, 0
        self.clear: int | None = None


class Clusters:
    """All clusters of one rule, from second to second. `members`: the devices of each, by key and second of begin."""

    def __init__(self, rule: Near, lived: Lived) -> None:
        self.rule, self.lived = rule, lived
        self.alive: dict[str, Living] = {}
        self.edges: dict[str, list[Edge]] = {}
        self.members: dict[tuple[str, int], set[str]] = {}

    def run(self, spans: Sequence[Span], since: int, upto: int) -> None:
        """Go from a second on to before another."""
        members = [one for one in spans if one.counts < upto]
        judged = set(seconds_of(members))
        for second in range(since, upto):
            if not self.lived.schedule[1](second):
                self._close(second)
                continue
            if second in judged:
                now = [one for one in members if one.counts <= second < one.end]
                sudden = [one for one in members if one.begin == second == one.end]
                self._judge(clusters(self.rule, [*now, *sudden], second), second)
                self._judge(clusters(self.rule, now, second), second)
            self._deadlines(second)

    def _tell(self, key: str, edge: str, second: int, rank: int = 0, reason: str = "") -> None:
        self.edges.setdefault(key, []).append(Edge(edge, second, NAMES.get(rank, ""), reason=reason))

    def _judge(self, found: list[Cluster], second: int) -> None:
        left = list(found)
        now: dict[str, Cluster] = {}
        for key, living in sorted(self.alive.items(), key=lambda one: (one[1].since, one[0])):
            shared = [one for one in left if one.devices & {key, *living.devices}]
            if shared:
                heir = max(shared, key=lambda one: (key in one.devices, len(one.devices & living.devices)))
                left.remove(heir)
                now[key] = heir
        for cluster in left:
            if free := {name for name in cluster.devices if name not in now and name not in self.alive}:
                now[min(free)] = cluster
        for key in sorted({*self.alive, *now}):
            self._live(key, now.get(key), second)

    def _live(self, key: str, cluster: Cluster | None, second: int) -> None:
        living = self.alive.get(key)
        if cluster is None:
            assert living is not None
            if not living.shown:
                del self.alive[key]
            elif living.clear is None:
                living.clear = second
                self._ended(key, second)
            return
        if living is None:
            living = self.alive[key] = Living(second, cluster)
        living.devices, living.rank, living.clear = cluster.devices, cluster.rank, None
        if living.shown and cluster.rank != living.shown:
            self._tell(key, "update", second, cluster.rank)
            living.shown = cluster.rank
        self._begun(key, second)

    def _begun(self, key: str, second: int) -> None:
        living = self.alive[key]
        if not living.shown and living.since + self.lived.hold <= second:
            living.shown = living.rank
            self._tell(key, "begin", living.since + self.lived.hold, living.rank)
            self.members[key, living.since + self.lived.hold] = set(living.devices)

    def _ended(self, key: str, second: int) -> None:
        living = self.alive[key]
        if living.clear is not None and living.clear + self.lived.clears <= second:
            self._tell(key, "end", max(living.clear + self.lived.clears, self.edges[key][-1].at))
            del self.alive[key]

    def _deadlines(self, second: int) -> None:
        for key in sorted(self.alive):
            living = self.alive[key]
            if not living.shown:
                self._begun(key, second)
            else:
                self._ended(key, second)

    def _close(self, second: int) -> None:
        for key in sorted(self.alive):
            self._ended(key, second)
        self.end(second, "schedule")

    def change(self, lived: Lived, second: int) -> None:
        """Other durations: what they make due before a second happens at its own time."""
        self.lived = lived
        self._deadlines(second - 1)

    def end(self, second: int, reason: str) -> None:
        """End what lives."""
        for key, living in self.alive.items():
            if living.shown:
                self._tell(key, "end", second, reason=reason)
        self.alive = {}
