"""`cluster`: k devices with active conditions of one rule near one another, begun within a time."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pipeline.core.conditions import RANK, Severity, Threshold
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.predicates import SEVERITIES
from rules.engine.settings import Rule
from rules.engine.stage2 import Item
from rules.engine.world import World
from rules.kinds.distance import read_distance
from rules.kinds.gathering import Gathering, OverConditions, check_clear, fixed
from rules.kinds.neighbourhood import Neighbourhood


class ClusterSettings(msgspec.Struct, frozen=True):
    """`radius` in m, `within` in ms; None: however long ago they began."""

    rule: str
    k: int
    radius: float
    within: int | None
    severity: Severity


class Cluster(OverConditions):
    """The kind."""

    def read(self, fields: Fields) -> ClusterSettings:
        """`rule`, `k`, `radius`, `within` and `severity`."""
        fields.require("rule", "k", "radius")
        check_clear(fields)
        name = fields.raw("severity")
        found = ClusterSettings(
            fields.text("rule"),
            fields.count("k", 2, low=2, high=1000),
            read_distance(fields, "radius") if "radius" in fields else 1.0,
            fields.duration("within", None),
            Severity(name) if name in SEVERITIES else Severity.WARNING,
        )
        fields.raw("radius")
        return found

    def members(self, rule: Rule) -> frozenset[str]:
        """The one rule."""
        return frozenset((rule.own.rule,))

    def second(self, rule: Rule, world: World) -> Gathering:
        """All clusters of one rule."""
        own: ClusterSettings = rule.own

        def rank(items: Sequence[Item]) -> int:
            return RANK[own.severity] if len({one.device for one in items}) >= own.k else 0

        grouping = Neighbourhood(own.radius, own.within, rank, world.catalogue.position)
        bound = fixed(rule, own.severity, _threshold(rule))
        return Gathering(rule, world, self.members(rule), grouping, bound)


def _threshold(rule: Rule) -> Threshold:
    own: ClusterSettings = rule.own
    predicate = {"rule": own.rule, "k": own.k, "radius": f"{own.radius:g}m"}
    if own.within is not None:
        predicate["within"] = show_duration(own.within)
    return Threshold(predicate=predicate, legal=rule.alert.legal)


KIND = STAGE2 = Cluster()
