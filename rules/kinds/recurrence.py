"""`recurrence`: conditions that begin so many times within a time, at one entity, site or area."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import RANK, Condition, ConditionEdge, Partial, Severity, Threshold
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import SEVERITIES
from rules.engine.settings import Rule
from rules.engine.stage2 import Item, item_of
from rules.engine.world import World
from rules.kinds.composite import PLACES, SamePlace, read_members
from rules.kinds.gathering import MAX_WAITING, Gathering, GatheringState, OverConditions, Step, check_clear, fixed

MAX_TIMES = 1000


class RecurrenceSettings(msgspec.Struct, frozen=True):
    """`times` begins of any of the rules in `of` within `within` ms, at one place of the sort `same`."""

    of: frozenset[str]
    times: int
    within: int
    same: str
    severity: Severity


class Begins(Gathering):
    """A gathering of begins instead of conditions: each counts for a time from its own, whenever its condition ends."""

    def __init__(self, rule: Rule, world: World) -> None:
        own: RecurrenceSettings = rule.own

        def rank(items: Sequence[Item]) -> int:
            return RANK[own.severity] if len(items) >= own.times else 0

        grouping = SamePlace(own.same, None, rank, frozenset(), world.catalogue)
        super().__init__(rule, world, own.of, grouping, fixed(rule, own.severity, _threshold(rule)))
        self.within = own.within

    def start(self, fold: Fold, state: object, active: tuple[Item, ...], floor: int) -> GatheringState:
        """Of what is active when the rule comes, begins that are not too old count from `floor` on."""
        found = GatheringState(floor)
        for item in active:
            found = self._count(fold, found, item, floor)
        return found

    def take(self, fold: Fold, state: GatheringState | None, line: Condition | Partial) -> GatheringState:
        """Let a begin wait for its time; one that comes too late counts for what is left of its time."""
        assert isinstance(line, Condition)
        state = GatheringState() if state is None else state
        if line.edge is not ConditionEdge.BEGIN:
            return state
        fold.counts["ioc_alerts_stage2_late_total"] += line.at < state.position
        return self._count(fold, state, item_of(line, line.at), state.position)

    def _count(self, fold: Fold, state: GatheringState, item: Item, floor: int) -> GatheringState:
        over = item.begin + self.within
        if over <= floor:
            return state
        if len(state.waiting) + 2 > MAX_WAITING:
            fold.counts["ioc_alerts_stage2_overflow_total"] += 1
            return state
        item = replace(item, place=self.grouping.place(item))
        waiting = list(state.waiting)
        name = f"{item.key}@{item.episode}"
        for at, edge in ((max(item.begin, floor), ConditionEdge.BEGIN), (over, ConditionEdge.END)):
            insort(waiting, Step(at, name, item.episode, item.n, edge, item))
        return replace(state, waiting=tuple(waiting))


class Recurrence(OverConditions):
    """The kind."""

    def read(self, fields: Fields) -> RecurrenceSettings:
        """`of`, `times`, `within`, `same` and `severity`."""
        fields.require("of", "times", "within")
        check_clear(fields)
        within = fields.duration("within", 0)
        if "within" in fields and within <= 0:
            fields.not_above_0("within")
        name = fields.raw("severity")
        return RecurrenceSettings(
            of=read_members(fields),
            times=fields.count("times", 2, low=2, high=MAX_TIMES),
            within=within,
            same=fields.choice("same", PLACES, PLACES[0]),
            severity=Severity(name) if name in SEVERITIES else Severity.WARNING,
        )

    def members(self, rule: Rule) -> frozenset[str]:
        """The rules in `of`."""
        own: RecurrenceSettings = rule.own
        return own.of

    def second(self, rule: Rule, world: World) -> Begins:
        """All places of one rule."""
        return Begins(rule, world)


def _threshold(rule: Rule) -> Threshold:
    own: RecurrenceSettings = rule.own
    predicate = {"of": sorted(own.of), "times": own.times, "within": show_duration(own.within), "same": own.same}
    return Threshold(predicate=predicate, legal=rule.alert.legal)


KIND = STAGE2 = Recurrence()
