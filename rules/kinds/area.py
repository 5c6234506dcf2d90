"""`area`: an aggregate over the newest usable values of all series of an area or group, at each `every`.

Stage 1 sends each partition's share of pane T once its W passes T; stage 2 joins the shares and judges the
aggregate at T once W2 passes it. A share is mergeable and replaces its predecessor, so neither repeats nor the
number of partitions matter.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Condition, EndReason, Operand, Partial
from pipeline.core.conditions import Window as WindowEvidence
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind, test_of
from rules.engine.fields import Fields
from rules.engine.fold import Fold, Source
from rules.engine.judged import Judged
from rules.engine.life import Life
from rules.engine.predicates import read_predicate
from rules.engine.settings import Predicate, Rule
from rules.engine.stage2 import Item
from rules.engine.state import LifeState
from rules.engine.watch import Entity, Watch, Watching, operand, state_key
from rules.engine.world import World
from rules.kinds.aggregates import AGGREGATES, Memory

JOINED = ("mean", "sum", "min", "max", "p95", "stddev", "leq", "vector_mean")
COUNTED = ("count", "share")
MAX_WAITING = 1000
"""Panes of one series, and of one rule in stage 2, that may wait for their time; later ones are counted as lost."""
_OPERANDS = 2


class AreaSettings(msgspec.Struct, frozen=True):
    """`every` in ms. `of`: the predicate that `count` and `share` count."""

    aggregate: str
    every: int
    min_series: int
    of: Predicate | None

    def pane(self, at: int) -> int:
        """The time at which a value of `at` is first judged: the step at or after it."""
        return -(-at // self.every) * self.every


class Value(msgspec.Struct, frozen=True, array_like=True):
    """The newest reading of one pane of one series."""

    at: int
    seq: int
    operand: Operand


class AreaState(msgspec.Struct, frozen=True, array_like=True):
    """Of a series: its newest value of each open pane, and of all before. Of the whole: next pane, known devices."""

    values: tuple[Value, ...] = ()
    next: int | None = None
    members: tuple[str, ...] = ()


class SeriesWatch(Watching):
    """One series of an area rule: keeps what the panes need."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.settings: AreaSettings = rule.own
        self.whole = state_key(Entity("").alert_key(rule.id))

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Keep a usable reading when it is the newest of its pane; late and repeated ones are counted."""
        if reading.value is None or reading.quality not in self.rule.quality:
            return
        if reading.at < fold.log - self.lateness:
            fold.counts["ioc_rules_late_total"] += 1
            return
        state: AreaState = fold.state(self.key) or AreaState()
        pane = self.settings.pane(reading.at)
        same = next((one for one in state.values if self.settings.pane(one.at) == pane), None)
        if same is not None and (same.at, same.seq) >= (reading.at, reading.seq):
            fold.counts["ioc_rules_superseded_total"] += 1
        elif len(state.values) < MAX_WAITING:
            kept = [one for one in state.values if one is not same]
            new = Value(reading.at, reading.seq, operand(reading, fold, line))
            fold.changed[self.key] = AreaState(tuple(sorted([*kept, new], key=lambda one: (one.at, one.seq))))
            self._expect(fold, pane)
        else:
            fold.counts["ioc_rules_window_overflow_total"] += 1

    def _expect(self, fold: Fold, pane: int) -> None:
        whole: AreaState = fold.state(self.whole) or AreaState()
        members = whole.members
        if self.entity.device not in members:
            members = tuple(sorted((*members, self.entity.device)))
        soonest = pane if whole.next is None else min(whole.next, pane)
        if soonest != whole.next or members is not whole.members:
            fold.changed[self.whole] = AreaState((), soonest, members)
            fold.arm(self.whole, soonest, self.lateness)

    def due(self, state: AreaState) -> int | None:
        """A series waits for nothing: the whole does."""
        return None

    def tick(self, fold: Fold, due: int) -> None:
        """Never called."""

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """Forget the values."""
        fold.changed[self.key] = None

    def adopt(self, fold: Fold) -> None:
        """Keep the values."""


class WholeWatch(Watching):
    """All series of an area rule in this partition: sends their share of each pane."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.settings: AreaSettings = rule.own
        self.catalogue = catalogue
        self.aggregate = AGGREGATES.get(self.settings.aggregate, AGGREGATES["count"])

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Readings belong to series."""

    def due(self, state: AreaState) -> int | None:
        """The next pane."""
        return state.next

    def tick(self, fold: Fold, due: int) -> None:
        """Send the share of the pane that is due, and wait for the next while any value holds."""
        state: AreaState = fold.state(self.key)
        assert state.next is not None
        found = [self._value(fold, device, state.next) for device in state.members]
        values = [value for value in found if value is not None]
        if values:
            fold.outputs.append(self._share(fold, state.next, values))
        fold.changed[self.key] = AreaState((), self._following(fold, state), state.members)

    def _value(self, fold: Fold, device: str, pane: int) -> Value | None:
        """The newest value of a device at or before `pane`, if it still holds; older ones are forgotten."""
        key = self._series(device)
        state: AreaState | None = fold.state(key)
        past = [] if state is None else [one for one in state.values if one.at <= pane]
        if state is None or not past:
            return None
        if len(past) > 1:
            fold.changed[key] = AreaState((past[-1], *state.values[len(past) :]))
        return past[-1] if past[-1].at + self._holds(device) >= pane else None

    def _series(self, device: str) -> bytes:
        return state_key(Entity(device, self.rule.scope.quantity).alert_key(self.rule.id))

    def _holds(self, device: str) -> int:
        return self.catalogue.stale_after(self.rule, device)

    def _following(self, fold: Fold, state: AreaState) -> int | None:
        """The next pane in which any value holds."""
        assert state.next is not None
        following = []
        for device in state.members:
            series: AreaState | None = fold.state(self._series(device))
            for one in () if series is None else series.values:
                pane = max(self.settings.pane(one.at), state.next + self.settings.every)
                if one.at + self._holds(device) >= pane:
                    following.append(pane)
        return min(following, default=None)

    def _share(self, fold: Fold, pane: int, values: list[Value]) -> Partial:
        memory: Memory = ()
        hits = 0
        for one in values:
            value = one.operand.value
            assert value is not None
            memory = self.aggregate.add(memory, value)
            hits += self._counts(one.operand, pane)
        by_value = sorted((one.operand for one in values), key=lambda one: (one.value, one.device))
        return Partial(
            rule=self.rule.id,
            area=place_of(self.rule),
            source=f"{fold.frame.topic}/{fold.frame.partition}",
            pane=pane,
            value={
                "shape": self.rule.shape,
                "count": len(values),
                "hits": hits,
                "memory": memory,
                "operands": msgspec.to_builtins(tuple(by_value[-_OPERANDS:])),
            },
        )

    def _counts(self, operand: Operand, pane: int) -> bool:
        """Whether `count` and `share` count a value: each device has attributes of its own."""
        of = self.settings.of
        if of is None:
            return True
        return test_of(of, self.catalogue.attributes(operand.device, pane))[0](operand.value, operand.text)

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """Forget the panes."""
        fold.changed[self.key] = None

    def adopt(self, fold: Fold) -> None:
        """Go on; the lateness may have changed."""
        state: AreaState = fold.state(self.key)
        fold.arm(self.key, state.next, self.lateness)


def place_of(rule: Rule) -> str:
    """The area or group of an area rule."""
    return rule.scope.area or rule.scope.group


# --- stage 2


class Share(msgspec.Struct, frozen=True):
    """One partition's part of a pane, as it stands in a partial's value."""

    shape: str
    count: int
    hits: int
    memory: Memory
    operands: tuple[Operand, ...]


class JointState(msgspec.Struct, frozen=True):
    """`position`: the newest time judged, ms. Shares by pane and source, and the life of the condition."""

    position: int = -(2**53)
    panes: dict[int, dict[str, Share]] = {}
    life: LifeState | None = None


class AreaSecond:
    """Joins shares and judges the aggregate."""

    of: frozenset[str] = frozenset()

    def __init__(self, rule: Rule, world: World) -> None:
        self.rule, self.settings = rule, rule.own
        self.lateness = world.catalogue.lateness(rule)
        self.aggregate = AGGREGATES.get(rule.own.aggregate)
        scope, catalogue = rule.scope, world.catalogue
        self.gone = not catalogue.chain(scope.area) if scope.area else catalogue.group(scope.group) is None
        source = Source(rule.id, rule.version, Entity(place_of(rule)).alert_key(rule.id), "", rule.shadow)
        holds = max(world.catalogue.stale_after(rule, ""), rule.own.every)
        self.conditions = Life(source, bind(rule, {}, ""), holds, world.catalogue.schedule(rule))

    def start(self, fold: Fold, state: object, active: tuple[Item, ...], floor: int) -> JointState:
        """Nothing is known before the first share; what was due before `floor` is not judged any more."""
        return JointState(floor - 1)

    def take(self, fold: Fold, state: JointState | None, line: Condition | Partial) -> JointState:
        """Put a share in the place of its predecessor."""
        assert isinstance(line, Partial)
        share = msgspec.convert(line.value, Share)
        state = JointState() if state is None else state
        if line.pane <= state.position or share.shape != self.rule.shape:
            fold.counts["ioc_alerts_partials_late_total"] += 1
            return state
        if len(state.panes) >= MAX_WAITING and line.pane not in state.panes:
            fold.counts["ioc_alerts_partials_overflow_total"] += 1
            return state
        pane = {**state.panes.get(line.pane, {}), line.source: share}
        return replace(state, panes={**state.panes, line.pane: pane})

    def due(self, state: JointState) -> int | None:
        """The next pane, or what the condition waits for."""
        theirs = None if state.life is None else self.conditions.due(state.life)
        return min((*state.panes, *(() if theirs is None else (theirs,))), default=None)

    def advance(self, fold: Fold, state: JointState, until: int) -> JointState:
        """Judge panes and let deadlines pass, in order of time; a pane comes before a deadline of its time."""
        while (due := self.due(state)) is not None and due < until:
            if due in state.panes:
                state = self._judge(fold, state, due)
            else:
                assert state.life is not None
                state = replace(state, life=self.conditions.tick(fold, state.life, due))
            state = replace(state, position=max(state.position, due))  # a change may make the past due
        return state

    def _judge(self, fold: Fold, state: JointState, pane: int) -> JointState:
        shares = [share for _, share in sorted(state.panes[pane].items())]
        evidence = self._joined(shares, pane)
        life = state.life
        mark = len(fold.outputs)
        operands = _strongest([one for share in shares for one in share.operands])
        if evidence.value is not None:
            last = operands[-1] if operands else None
            life = self.conditions.judge(fold, life, Judged(pane, 0, evidence.value, None, last, evidence))
        for index in range(mark, len(fold.outputs)):
            fold.outputs[index] = _with_operands(fold.outputs[index], operands)
        return replace(state, panes={at: one for at, one in state.panes.items() if at != pane}, life=life)

    def _joined(self, shares: list[Share], pane: int) -> WindowEvidence:
        count, hits = sum(share.count for share in shares), sum(share.hits for share in shares)
        value: float | None
        if self.aggregate is None or self.settings.aggregate == "count":
            value = float(hits) if self.settings.aggregate == "count" else hits / count
        else:
            memory: Memory = ()
            for share in shares:
                memory = self.aggregate.join(memory, share.memory) if memory else share.memory
            value = self.aggregate.value(memory, count)
        insufficient = count < self.settings.min_series
        return WindowEvidence(
            type="area",
            start=pane - self.settings.every,
            end=pane,
            aggregate=self.settings.aggregate,
            value=None if insufficient else value,
            count=count,
            insufficient=insufficient,
        )

    def retire(self, fold: Fold, state: JointState, at: int, reason: EndReason) -> None:
        """End what is active."""
        if state.life is not None:
            self.conditions.close(fold, state.life, at, reason)

    def adopt(self, fold: Fold, state: JointState) -> JointState:
        """Judge on under the changed rule from the next pane."""
        return state if state.life is None else replace(state, life=self.conditions.adopt(state.life))


def _strongest(operands: list[Operand]) -> tuple[Operand, ...]:
    """The two highest values: evidence for people, not all inputs."""
    return tuple(sorted(operands, key=lambda one: (one.value, one.device))[-_OPERANDS:])


def _with_operands(output: Any, operands: tuple[Operand, ...]) -> Any:
    return replace(output, why=replace(output.why, operands=operands)) if isinstance(output, Condition) else output


class Area:
    """The kind, in both stages."""

    needs_raise = True
    needs_quantity = True
    starts = False
    single = False
    states = (AreaState,)

    def read(self, fields: Fields) -> AreaSettings:
        """`aggregate`, `of`, `every` and `min_series`."""
        fields.require("aggregate", "every")
        every = fields.duration("every", 60_000)
        if every < 1000:
            fields.below_1s("every")
        aggregate = fields.choice("aggregate", (*JOINED, *COUNTED), "mean")
        of = read_predicate(fields.inner("of")) if "of" in fields else None
        if (of is None) == (aggregate == "share") or (of is not None and aggregate not in COUNTED):
            fields.wrong(
                "of",
                "a comparison such as {above: 5} for share and count; none for other aggregates",
                "",
                vi="phép so sánh như {above: 5} với share và count; cách gộp khác thì bỏ trống",
            )
        scope = fields.data.get("scope")
        places = [name for name in ("area", "group") if isinstance(scope, dict) and scope.get(name)]
        if len(places) != 1:
            fields.wrong("scope", "one area or one group", vi="một area hoặc một group")
        if isinstance(scope, dict) and "detections" in scope:
            wanted = "a quantity: detections have no newest value"
            fields.wrong("scope", wanted, vi="một đại lượng (quantity): detections không có giá trị mới nhất")
        fields.raw("of")
        return AreaSettings(aggregate, max(every, 1000), fields.count("min_series", 1), of)

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series, or the whole where the entity names no device."""
        return (SeriesWatch if entity.device else WholeWatch)(rule, entity, catalogue)


class AreaInStage2:
    """The kind, in stage 2."""

    state = JointState

    def second(self, rule: Rule, world: World) -> AreaSecond:
        """All of one rule."""
        return AreaSecond(rule, world)

    def members(self, rule: Rule) -> frozenset[str]:
        """None: it reads partials."""
        return frozenset()


KIND = Area()
STAGE2 = AreaInStage2()
