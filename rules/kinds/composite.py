"""`composite`: a condition over other rules' active conditions of one entity, site, area or neighbourhood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from pipeline.core.conditions import RANK, Severity, Threshold
from pipeline.core.errors import with_comma
from rules.engine.catalogue import Catalogue
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.predicates import SEVERITIES
from rules.engine.settings import Rule
from rules.engine.stage2 import Item
from rules.engine.world import World
from rules.kinds.distance import read_distance
from rules.kinds.gathering import (
    Found,
    Gathering,
    Group,
    Grouping,
    OverConditions,
    Ranking,
    check_clear,
    fixed,
    rising,
    strongest,
)
from rules.kinds.neighbourhood import Neighbourhood

MAX_MEMBERS = 100
PLACES = ("entity", "site", "area")
"""What conditions can have in common, when it is not that they are near one another."""


class CompositeSettings(msgspec.Struct, frozen=True):
    """`weights`: points of each rule; together they must reach `needed`. `rise`: steps above the highest member.

    `unless`: rules that forbid it while one of them has an active condition of the same entity, site or area.
    """

    weights: dict[str, float]
    needed: float
    same: str
    radius: float
    within: int | None
    severity: Severity
    rise: int
    unless: frozenset[str] = frozenset()

    def rank(self, items: Sequence[Item]) -> int:
        """The rank of the severity of these conditions; 0 when they do not reach what is needed."""
        rules = {one.rule for one in items}
        if not rules or sum(self.weights[rule] for rule in sorted(rules)) < self.needed:
            return 0
        if not self.rise:
            return RANK[self.severity]
        return min(max(RANK[one.severity] for one in items) + self.rise, RANK[Severity.CRITICAL])


class SamePlace(Grouping):
    """Groups of one entity, site or area."""

    def __init__(
        self, same: str, within: int | None, rank: Ranking, unless: frozenset[str], catalogue: Catalogue
    ) -> None:
        self.same, self.within, self.rank, self.unless, self.catalogue = same, within, rank, unless, catalogue

    def place(self, item: Item) -> str:
        """The device, or what the rule watches where there is none; its site; its innermost area.

        A camera's zones and lines are one entity with it: it sees a stop in one place and slow traffic in another.
        """
        entity = item.device or item.key.partition("|")[2]
        found = self.catalogue.device(item.device)
        if self.same == "entity":
            return entity if found is None else found.id
        if self.same == "site":
            return "" if found is None else found.site
        return next(iter(self.catalogue.areas_of(item.device)), "") if item.device else entity

    def find(self, items: Iterable[Item], groups: dict[str, Group]) -> dict[str, Found]:
        """The groups whose conditions are enough; conditions outside all sites or areas are in none."""
        places: dict[str, list[Item]] = {}
        forbidden: set[str] = set()
        for item in sorted(items, key=lambda one: (one.begin, one.key)):
            if item.rule in self.unless:
                forbidden.add(item.place)
            else:
                places.setdefault(item.place, []).append(item)
        found = {}
        for place, members in places.items():
            if place in forbidden:
                continue
            best = strongest(members, self.within, self.rank)
            if place and best.rank:
                devices = {one.device for one in best.items}
                known = place in devices or self.catalogue.device(place) is not None
                alone = self.same == "entity" and known
                found[place] = Found(best.rank, best.items, place if alone else "")
        return found


class Composite(OverConditions):
    """The kind."""

    def read(self, fields: Fields) -> CompositeSettings:
        """`of`, `match`, `same`, `within`, `severity` and `unless`."""
        fields.require("of")
        check_clear(fields)
        weights, needed = _match(fields, dict.fromkeys(sorted(read_members(fields)), 1.0))
        same, radius = _same(fields)
        severity, rise = _severity(fields)
        within, unless = fields.duration("within", None), _unless(fields, weights, radius)
        return CompositeSettings(weights, needed, same, radius, within, severity, rise, unless)

    def members(self, rule: Rule) -> frozenset[str]:
        """The rules in `of` and `unless`."""
        own: CompositeSettings = rule.own
        return own.unless.union(own.weights)

    def second(self, rule: Rule, world: World) -> Gathering:
        """All groups of one rule."""
        own: CompositeSettings = rule.own
        threshold = _threshold(rule)
        bound = rising(rule, threshold) if own.rise else fixed(rule, own.severity, threshold)
        grouping: Grouping = SamePlace(own.same, own.within, own.rank, own.unless, world.catalogue)
        if own.radius:
            grouping = Neighbourhood(own.radius, own.within, own.rank, world.catalogue.position)
        return Gathering(rule, world, self.members(rule), grouping, bound)


def read_members(fields: Fields) -> frozenset[str]:
    """The rule ids in `of`."""
    rules = frozenset(fields.texts("of"))
    if "of" in fields and not 1 <= len(rules) <= MAX_MEMBERS:
        fields.wrong("of", f"a list of 1 to {MAX_MEMBERS} rule ids", vi=f"danh sách từ 1 đến {MAX_MEMBERS} mã quy tắc")
    return rules


def _match(fields: Fields, even: dict[str, float]) -> tuple[dict[str, float], float]:
    """Points of each rule and how many are needed: `all`, `any`, {at_least: k} or {score: x, weights: {..}}."""
    value = fields.raw("match")
    if value is None or value == "all":
        return even, float(len(even))
    if value == "any":
        return even, 1.0
    inner = fields.inner("match") if isinstance(value, dict) else None
    if inner is not None and set(value) == {"at_least"}:
        return even, float(inner.count("at_least", 1, high=max(len(even), 1)))
    if inner is not None and set(value) == {"score", "weights"}:
        return _weights(inner, even), inner.number("score") or 0.0
    fields.wrong(
        "match",
        "all, any, {at_least: k} or {score: x, weights: {rule: points}}",
        vi="all, any, {at_least: k} hoặc {score: x, weights: {quy tắc: điểm}}",
    )
    return even, 1.0


def _weights(inner: Fields, even: dict[str, float]) -> dict[str, float]:
    given = inner.inner("weights")
    found = {rule: given.number(rule) or 0.0 for rule in even}
    given.no_more()
    if (inner.number("score") or 0.0) <= 0 or min(found.values(), default=0.0) < 0:
        wanted = "a number above 0, of points that are not negative"
        inner.wrong("score", wanted, vi="số lớn hơn 0, với các điểm không âm")
    elif sum(found.values()) < (inner.number("score") or 0.0):
        most = sum(found.values())
        inner.wrong(
            "score",
            f"at most {most:g}: all rules together have no more",
            vi=f"tối đa {with_comma(most)}: mọi quy tắc cộng lại chỉ có bấy nhiêu điểm",
        )
    return found


def _same(fields: Fields) -> tuple[str, float]:
    value = fields.raw("same")
    if value is None or value in PLACES:
        return value or PLACES[0], 0.0
    if isinstance(value, dict) and set(value) == {"radius"}:
        return "radius", read_distance(fields.inner("same"), "radius")
    fields.wrong("same", "entity, site, area or {radius: 3km}", vi="entity, site, area hoặc {radius: 3km}")
    return PLACES[0], 0.0


def _unless(fields: Fields, weights: dict[str, float], radius: float) -> frozenset[str]:
    unless = frozenset(fields.texts("unless"))
    if len(unless) > MAX_MEMBERS or unless & weights.keys():
        fields.wrong(
            "unless",
            f"at most {MAX_MEMBERS} rule ids, none of them in `of`",
            vi=f"tối đa {MAX_MEMBERS} mã quy tắc, không mã nào nằm trong `of`",
        )
    elif unless and radius:
        fields.wrong(
            "unless",
            "nothing beside `same: {radius: ..}`: only an entity, a site or an area can be forbidden",
            vi="bỏ trống khi có `same: {radius: ..}`: chỉ loại trừ được theo entity, site hoặc area",
        )
    return unless


def _severity(fields: Fields) -> tuple[Severity, int]:
    """A severity, or `+1`: so many steps above the highest member."""
    value = fields.raw("severity")
    if value is None:
        return Severity.WARNING, 0
    if value in SEVERITIES:
        return Severity(value), 0
    if str(value) in ("1", "+1", "2", "+2"):
        return Severity.WARNING, int(value)
    names = ", ".join(SEVERITIES)
    fields.wrong(
        "severity",
        f"one of {names}, or +1 or +2 above the highest member",
        vi=f"một trong {names}, hoặc +1, +2 so với mức cao nhất của các thành phần",
    )
    return Severity.WARNING, 0


def _threshold(rule: Rule) -> Threshold:
    own: CompositeSettings = rule.own
    predicate = {"of": sorted(own.weights), "needed": own.needed, "same": own.same}
    if own.radius:
        predicate["same"] = f"{own.radius:g}m"
    if own.unless:
        predicate["unless"] = sorted(own.unless)
    if own.within is not None:
        predicate["within"] = show_duration(own.within)
    return Threshold(predicate=predicate, legal=rule.alert.legal)


KIND = STAGE2 = Composite()
