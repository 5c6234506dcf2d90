"""What `cluster`, `composite` and `recurrence` share: episodes of groups of active conditions, in order of event time.

Edges wait until W2 passes them, so the order in which partitions tell them changes nothing. At one time: ends of
what was active, then begins, then a judgement, then ends of what has just begun, and a judgement of those.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import RANK, Condition, ConditionEdge, EndReason, Partial, Severity, Threshold
from pipeline.core.schedule import NEVER
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import Bound, BoundClear, BoundLevel
from rules.engine.fields import Fields
from rules.engine.fold import Fold, Source
from rules.engine.judged import Judged
from rules.engine.life import Life
from rules.engine.settings import Rule
from rules.engine.stage2 import Item, item_of
from rules.engine.state import IDLE, LifeState
from rules.engine.watch import Entity, Watch
from rules.engine.world import World

SHOWN = 16
"""Operands in the evidence; more members are counted and named, not shown."""
MAX_WAITING = 50_000
Ranking = Callable[[Sequence[Item]], int]
"""The rank of the severity that some conditions together have; 0 when they are not enough."""


class Step(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One edge of a member's condition, to be applied when W2 passes `at`."""

    at: int
    key: str
    episode: int
    n: int
    edge: ConditionEdge
    item: Item


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Conditions that count together: since when, the newest that were enough, and the life of their condition."""

    since: int
    device: str
    matched: tuple[Item, ...]
    life: LifeState


class GatheringState(msgspec.Struct, frozen=True):
    """`position`: the newest time judged, ms. `waiting`: edges after it. `items`: what is active there."""

    position: int = -(2**53)
    waiting: tuple[Step, ...] = ()
    items: dict[str, Item] = {}
    groups: dict[str, Group] = {}


class Found(msgspec.Struct, frozen=True):
    """What was found of one group at one time. `rank` 0: not enough."""

    rank: int
    items: tuple[Item, ...]
    device: str = ""


class Grouping:
    """How active conditions form groups."""

    def place(self, item: Item) -> str:
        """What an item is grouped by, as of its begin; it is kept while the condition lives."""
        raise NotImplementedError

    def find(self, items: Iterable[Item], groups: dict[str, Group]) -> dict[str, Found]:
        """All groups that are enough, and their keys. `groups`: those that live."""
        raise NotImplementedError


class OverConditions:
    """What the kinds share that watch conditions: no reading goes to them."""

    needs_raise = False
    needs_quantity = False
    starts = False
    single = False
    states: tuple[type, ...] = ()
    state = GatheringState

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """Never called: stage 1 has nothing to do."""
        raise NotImplementedError


class Gathering:
    """All groups of one rule."""

    gone = False

    def __init__(self, rule: Rule, world: World, of: frozenset[str], grouping: Grouping, levels: Bound) -> None:
        self.rule, self.of, self.grouping, self.bound = rule, of, grouping, levels
        self.lateness = world.second_lateness(rule)
        self.schedule = world.catalogue.schedule(rule)

    def _life(self, key: str, device: str) -> Life:
        source = Source(self.rule.id, self.rule.version, f"{self.rule.id}|{key}", device, self.rule.shadow)
        return Life(source, self.bound, NEVER, self.schedule)

    # --- edges come in

    def start(self, fold: Fold, state: object, active: tuple[Item, ...], floor: int) -> GatheringState:
        """What is active when the rule comes counts from `floor` on: no moment before it is judged any more."""
        steps = [
            self._step(
                item, ConditionEdge.UPDATE if item.begin < floor else ConditionEdge.BEGIN, max(item.begin, floor)
            )
            for item in active
        ]
        items = {step.key: step.item for step in steps if step.edge is ConditionEdge.UPDATE}
        return GatheringState(floor, tuple(sorted(steps)), items)

    def take(self, fold: Fold, state: GatheringState | None, line: Condition | Partial) -> GatheringState:
        """Let an edge wait for its time; one that comes too late acts at once, and is counted."""
        assert isinstance(line, Condition)
        state = GatheringState() if state is None else state
        if len(state.waiting) >= MAX_WAITING:
            fold.counts["ioc_alerts_stage2_overflow_total"] += 1
            return state
        fold.counts["ioc_alerts_stage2_late_total"] += line.at < state.position
        waiting = list(state.waiting)
        insort(waiting, self._step(item_of(line, line.at), line.edge, max(line.at, state.position)))
        return replace(state, waiting=tuple(waiting))

    def _step(self, item: Item, edge: ConditionEdge, at: int) -> Step:
        item = replace(item, place=self.grouping.place(item))
        return Step(at, item.key, item.episode, item.n, edge, item)

    # --- time

    def due(self, state: GatheringState) -> int | None:
        """The next edge, or what a group waits for."""
        found = [state.waiting[0].at] if state.waiting else []
        found += [due for key, group in state.groups.items() if (due := self._due(key, group)) is not None]
        return min(found, default=None)

    def _due(self, key: str, group: Group) -> int | None:
        return self._life(key, group.device).due(group.life)

    def advance(self, fold: Fold, state: GatheringState, until: int) -> GatheringState:
        """Apply edges and deadlines in order of time; edges come before deadlines of their time."""
        while (due := self.due(state)) is not None and due < until:
            if state.waiting and state.waiting[0].at == due:
                state = self._apply(fold, state, due)
            else:
                state = self._tick(fold, state, due)
        return state

    def _apply(self, fold: Fold, state: GatheringState, at: int) -> GatheringState:
        steps = [step for step in state.waiting if step.at == at]
        items = dict(state.items)
        later = [step for step in steps if step.edge is not ConditionEdge.BEGIN and not _put(items, step)]
        for step in steps:
            if step.edge is ConditionEdge.BEGIN:
                items[step.key] = step.item
        state = replace(state, position=at, waiting=state.waiting[len(steps) :], items=items)
        state = self._judge(fold, state, at)
        remaining = dict(items)
        if [step for step in later if _put(remaining, step)]:
            state = self._judge(fold, replace(state, items=remaining), at)
        return state

    def _judge(self, fold: Fold, state: GatheringState, at: int) -> GatheringState:
        found = self.grouping.find(state.items.values(), state.groups)
        groups: dict[str, Group] = {}
        for key in sorted({*state.groups, *found}):
            group = self._group(fold, key, state.groups.get(key), found.get(key), at)
            if group.life.phase != IDLE or (group.life.episode or 0) >= at:
                groups[key] = group
        return replace(state, groups=groups)

    def _group(self, fold: Fold, key: str, group: Group | None, found: Found | None, at: int) -> Group:
        matched = group.matched if group is not None else ()
        device = group.device if group is not None else ""
        if found is not None:
            matched, device = found.items, found.device
        since = at if group is None or group.life.phase == IDLE else group.since
        mark = len(fold.outputs)
        rank = 0 if found is None else found.rank
        life = self._life(key, device).judge(fold, None if group is None else group.life, Judged(at, 0, float(rank)))
        _explain(fold, mark, matched)
        return Group(since, device, matched, life)

    def _tick(self, fold: Fold, state: GatheringState, due: int) -> GatheringState:
        groups = dict(state.groups)
        for key, group in sorted(groups.items()):
            if self._due(key, group) == due:
                mark = len(fold.outputs)
                life = self._life(key, group.device).tick(fold, group.life, due)
                _explain(fold, mark, group.matched)
                groups[key] = replace(group, life=life)
        return replace(state, groups=groups, position=max(state.position, due))  # a change may make the past due

    # --- changes

    def retire(self, fold: Fold, state: GatheringState, at: int, reason: EndReason) -> None:
        """End what is active."""
        for key, group in sorted(state.groups.items()):
            mark = len(fold.outputs)
            self._life(key, group.device).close(fold, group.life, at, reason)
            _explain(fold, mark, group.matched)

    def adopt(self, fold: Fold, state: GatheringState) -> GatheringState:
        """Judge on under the changed rule from the next edge."""
        groups = {
            key: replace(group, life=self._life(key, group.device).adopt(group.life))
            for key, group in state.groups.items()
        }
        return replace(state, groups=groups)


def _put(items: dict[str, Item], step: Step) -> bool:
    """Apply an end or an update to what is active; False when it is not (yet) there."""
    known = items.get(step.key)
    if known is None or known.episode != step.episode:
        return False
    if step.edge is ConditionEdge.END:
        del items[step.key]
    else:
        items[step.key] = replace(known, n=step.n, severity=step.item.severity, operand=step.item.operand)
    return True


def _explain(fold: Fold, mark: int, matched: tuple[Item, ...]) -> None:
    """Put the members into the evidence of what was written since `mark`."""
    for index in range(mark, len(fold.outputs)):
        output = fold.outputs[index]
        assert isinstance(output, Condition)
        why = replace(
            output.why,
            operands=tuple(item.operand for item in matched if item.operand is not None)[:SHOWN],
            conditions=tuple(item.key for item in matched),
            count=len(matched),
            min=None,
            max=None,
            last=None,
        )
        fold.outputs[index] = replace(output, why=why)


def fixed(rule: Rule, severity: Severity, threshold: Threshold) -> Bound:
    """One level of one severity."""
    return _bound(rule, (severity,), threshold)


def rising(rule: Rule, threshold: Threshold) -> Bound:
    """Every severity: that of the members decides."""
    return _bound(rule, [one for one in sorted(RANK, key=RANK.__getitem__) if RANK[one]], threshold)


def _bound(rule: Rule, severities: Iterable[Severity], threshold: Threshold) -> Bound:
    levels = tuple(_level(one, threshold) for one in severities)
    return Bound(levels, BoundClear(None, rule.clear.hold_ms), rule.hold_ms, 0.0, 0.0)


def _level(severity: Severity, threshold: Threshold) -> BoundLevel:
    rank = RANK[severity]
    return BoundLevel(severity, lambda value, _: value is not None and value >= rank, None, None, threshold)


def strongest(items: Sequence[Item], within: int | None, rank: Ranking, around: Item | None = None) -> Found:
    """The highest rank of items begun within `within` ms of one another, those with `around` only when given.

    Of equal ranks the most items, then the earliest.
    """
    begins = [one.begin for one in items]
    if within is None or max(begins, default=0) - min(begins, default=0) <= within:
        return Found(rank(items), tuple(items))
    best = Found(0, ())
    for first in sorted(items, key=lambda one: one.begin):
        window = [one for one in items if first.begin <= one.begin <= first.begin + within]
        if around is not None and around not in window:
            continue
        found = rank(window)
        if found and (found, len(window)) > (best.rank, len(best.items)):
            best = Found(found, tuple(window))
    return best


def check_clear(fields: Fields) -> None:
    """What conditions amount to is no number: `clear` may only have a duration."""
    clear = fields.data.get("clear")
    if isinstance(clear, dict) and set(clear) - {"for"}:
        fields.wrong(
            "clear",
            "only {for: ..}: a rule over conditions is clear when its match no longer holds",
            vi="chỉ {for: ..}: quy tắc trên các cảnh báo hết khi điều kiện gộp không còn đúng",
        )
