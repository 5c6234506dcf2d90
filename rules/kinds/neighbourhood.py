"""Groups by distance: density-connected sets of conditions, with keys that outlive joining and leaving.

A condition is a *core* when those within the radius of it, begun within `within` of one another and itself among
them, are enough. A group is what cores connect, with all that lies around them (Ester, Kriegel, Sander, Xu,
"A density-based algorithm for discovering clusters", 1996).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from pipeline.core.events import Position
from pipeline.core.places import EARTH_RADIUS_M, distance_m
from rules.engine.stage2 import Item
from rules.kinds.gathering import Found, Group, Grouping, Ranking, strongest


class Neighbourhood(Grouping):
    """Groups within `radius` m. `where`: the position of a device; conditions without one are in no group."""

    def __init__(self, radius: float, within: int | None, rank: Ranking, where: dict[str, Position]) -> None:
        self.radius, self.within, self.rank, self.where = radius, within, rank, where

    def place(self, item: Item) -> str:
        """Nothing: where it is decides."""
        return ""

    def find(self, items: Iterable[Item], groups: dict[str, Group]) -> dict[str, Found]:
        """Groups with the keys that they had, or their smallest device id. Of merged ones the older key lives on."""
        components = self._components([one for one in items if self._point(one) is not None])
        found: dict[str, Found] = {}
        for key, group in sorted(groups.items(), key=lambda pair: (pair[1].since, pair[0])):
            heir = _heir(key, group, components)
            if heir is not None and group.life.phase:
                components.remove(heir)
                found[key] = self._found(heir, group.device)
        for component in components:
            names = sorted({_name(one) for one in component})
            key = next((name for name in names if name not in found and name not in groups), names[0])
            if key not in found:
                found[key] = self._found(component, next(one.device for one in component if _name(one) == key))
        return found

    def _found(self, component: tuple[Item, ...], device: str) -> Found:
        ranks = [self._around(one, component).rank for one in component]
        return Found(max(ranks), component, device)

    def _components(self, items: list[Item]) -> list[tuple[Item, ...]]:
        """The groups, by smallest device id; what lies between two cores of different groups belongs to the first."""
        items = sorted(items, key=lambda one: (_name(one), one.key))
        around = {one.key: self._around(one, items) for one in items}
        left = {one.key: one for one in items if around[one.key].rank}
        taken: set[str] = set()
        found = []
        while left:
            members = _connected(next(iter(left.values())), left, around)
            component = tuple(one for one in items if one.key in members and one.key not in taken)
            taken |= members
            found.append(component)
        return found

    def _around(self, core: Item, items: Iterable[Item]) -> Found:
        near = [one for one in items if self._near(core, one)]
        return strongest(near, self.within, self.rank, core)

    def _near(self, a: Item, b: Item) -> bool:
        here, there = self._point(a), self._point(b)
        assert here is not None
        assert there is not None
        if abs(here[1] - there[1]) > math.degrees(self.radius / EARTH_RADIUS_M) + 1e-9:
            return False
        return distance_m(here, there) <= self.radius

    def _point(self, item: Item) -> Position | None:
        return item.point if item.point is not None else self.where.get(item.device)


def _connected(start: Item, left: dict[str, Item], around: dict[str, Found]) -> set[str]:
    """Keys of all that is reached from a core through cores; takes those cores out of `left`."""
    members: set[str] = set()
    waiting = [start]
    while waiting:
        core = waiting.pop()
        if left.pop(core.key, None) is None:
            continue
        near = {one.key for one in around[core.key].items}
        members |= near
        waiting += [left[key] for key in sorted(near) if key in left]
    return members


def _heir(key: str, group: Group, components: list[tuple[Item, ...]]) -> tuple[Item, ...] | None:
    """The component in which a group lives on: the one with its key's device, else with most of its members."""
    known = {_name(one) for one in group.matched}
    shared = [(len(known & {_name(one) for one in each}), each) for each in components]
    sharing = [(key in {_name(one) for one in each}, count, each) for count, each in shared if count]
    if not sharing:
        return None
    return max(sharing, key=lambda one: (one[0], one[1]))[2]


def _name(item: Item) -> str:
    """The device, or what the rule watches where there is none."""
    return item.device or item.key.partition("|")[2]
