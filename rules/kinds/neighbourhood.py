"""Groups by distance: density-connected sets of conditions, with keys that outlive joining and leaving.

A condition is a *core* when those within the radius of it, begun within `within` of one another and itself among
them, are enough. A group is what cores connect, with all that lies around them (Ester, Kriegel, Sander, Xu,
"A density-based algorithm for discovering clusters", 1996).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache

from pipeline.core.events import Position
from pipeline.core.places import EARTH_RADIUS_M, distance_m
from rules.engine.stage2 import Item
from rules.engine.state import IDLE
from rules.kinds.gathering import Found, Group, Grouping, Ranking, strongest


class Neighbourhood(Grouping):
    """Groups within `radius` m. `where`: the position of a device; conditions without one are in no group."""

    def __init__(
        self, radius: float, within: int | None, rank: Ranking, where: Callable[[str], Position | None]
    ) -> None:
        self.radius, self.within, self.rank, self.where = radius, within, rank, cache(where)
        self._items: dict[str, Item] = {}
        self._near: dict[str, dict[str, Item]] = {}
        self._around: dict[str, Found] = {}

    def place(self, item: Item) -> str:
        """Nothing: where it is decides."""
        return ""

    def find(self, items: Iterable[Item], groups: dict[str, Group]) -> dict[str, Found]:
        """Groups with the keys that they had, or their smallest device id. Of merged ones the older key lives on."""
        self._follow({one.key: one for one in items if self._point(one) is not None})
        components = self._components()
        found: dict[str, Found] = {}
        living = {key: group for key, group in groups.items() if group.life.phase != IDLE}
        for key, group in sorted(living.items(), key=lambda pair: (pair[1].since, pair[0])):
            heir = _heir(key, group, components)
            if heir is not None:
                components.remove(heir)
                found[key] = self._found(heir, group.device)
        for component in components:
            names = sorted({_name(one) for one in component})
            key = next((name for name in names if name not in found and name not in living), names[0])
            if key not in found:
                found[key] = self._found(component, next(one.device for one in component if _name(one) == key))
        return found

    def _found(self, component: tuple[Item, ...], device: str) -> Found:
        return Found(max(self._around[one.key].rank for one in component), component, device)

    def _components(self) -> list[tuple[Item, ...]]:
        """The groups, by smallest device id; what lies between two cores of different groups belongs to the first."""
        items = sorted(self._items.values(), key=lambda one: (_name(one), one.key))
        cores = {one.key: self._around[one.key] for one in items if self._around[one.key].rank}
        links = _links(cores)
        left, taken = set(cores), set[str]()
        found = []
        for core in cores:
            if core in left:
                joined = _connected(core, links, left)
                members = {one.key for key in joined for one in cores[key].items}
                found.append(tuple(one for one in items if one.key in members and one.key not in taken))
                taken |= members
        return found

    def _follow(self, items: dict[str, Item]) -> None:
        """Look anew only at what differs from the last call, and at what is near it: this is a memo, no state."""
        stale: set[str] = set()
        for key in [key for key, one in self._items.items() if items.get(key) != one]:
            stale |= self._near.pop(key).keys()
            for other in stale & self._near.keys():
                self._near[other].pop(key, None)
            del self._items[key]
        for key in sorted(items.keys() - self._items.keys()):
            self._items[key] = items[key]
            self._near[key] = {name: one for name, one in self._items.items() if self._is_near(items[key], one)}
            for other in self._near[key]:
                self._near[other][key] = items[key]
            stale |= self._near[key].keys()
        for key in stale:
            if key in self._items:
                self._around[key] = self._look_around(key)
            else:
                self._around.pop(key, None)

    def _look_around(self, key: str) -> Found:
        near = sorted(self._near[key].values(), key=lambda one: (_name(one), one.key))
        return strongest(near, self.within, self.rank, self._items[key])

    def _is_near(self, a: Item, b: Item) -> bool:
        here, there = self._point(a), self._point(b)
        assert here is not None
        assert there is not None
        if abs(here[1] - there[1]) > math.degrees(self.radius / EARTH_RADIUS_M) + 1e-9:
            return False
        return distance_m(here, there) <= self.radius

    def _point(self, item: Item) -> Position | None:
        return item.point if item.point is not None else self.where(item.device)


def _links(cores: dict[str, Found]) -> dict[str, set[str]]:
    """Of each core the cores in its set, and those whose set it is in: with `within` the two may differ."""
    links: dict[str, set[str]] = {key: set() for key in cores}
    for key, around in cores.items():
        for one in around.items:
            if one.key in cores:
                links[key].add(one.key)
                links[one.key].add(key)
    return links


def _connected(start: str, links: dict[str, set[str]], left: set[str]) -> set[str]:
    """All cores that are reached from one; takes them out of `left`."""
    joined: set[str] = set()
    waiting = {start}
    while waiting:
        joined |= waiting
        left -= waiting
        waiting = {near for key in waiting for near in links[key]} & left
    return joined


def _heir(key: str, group: Group, components: list[tuple[Item, ...]]) -> tuple[Item, ...] | None:
    """The component in which a group lives on: the one with its key's device, else with most of its members."""
    known = {_name(one) for one in group.matched}
    names = [{_name(one) for one in each} for each in components]
    sharing = [
        (key in mine, len(known & mine), each)
        for mine, each in zip(names, components, strict=True)
        if key in mine or known & mine
    ]
    return max(sharing, key=lambda one: one[:2])[2] if sharing else None


def _name(item: Item) -> str:
    """The device, or what the rule watches where there is none."""
    return item.device or item.key.partition("|")[2]
