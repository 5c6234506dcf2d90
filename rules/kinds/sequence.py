"""`sequence`: one thing, then another, within a time, and nothing forbidden between them. In event time, behind W."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Severity
from pipeline.core.events import DetectionEvent, Reading
from pipeline.core.quantities import QUANTITIES
from pipeline.core.schedule import NEVER
from rules.engine.arrivals import Arrival, ArrivalState, ArrivalWatch
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one, never, test_of
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.predicates import OPERATORS, read_predicate, read_severity
from rules.engine.settings import Number, Operator, Predicate, Rule
from rules.engine.watch import Entity, Watch

MAX_FIRSTS = 100
"""How many first readings wait for their second; beyond it the oldest is cut, and counted."""
FIRST, THEN, BETWEEN = 1, 2, 4
_BITS = {"first": FIRST, "then": THEN, "not_between": BETWEEN}
_HAPPENS = Predicate(Operator.ABOVE, (Number(0.0),))


class Step(msgspec.Struct, frozen=True):
    """A predicate on a quantity, or on a kind of detection with an optional label."""

    what: str
    label: str
    predicate: Predicate


class SequenceSettings(msgspec.Struct, frozen=True):
    """`steps` by their bit. `inputs`: the quantities that they read. Times in ms; `hold` 0: begin and end at once."""

    steps: dict[int, Step]
    inputs: tuple[str, ...]
    within: int
    restart: bool
    hold: int
    severity: Severity


class SequenceState(ArrivalState, frozen=True, array_like=True):
    """First readings that wait, oldest first, and until when the condition is held."""

    firsts: tuple[Arrival, ...] = ()
    until: int | None = None


class SequenceWatch(ArrivalWatch):
    """One device, or one zone of a camera."""

    empty = SequenceState()

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.settings: SequenceSettings = rule.own
        attributes = catalogue.attributes(entity.device)
        steps = self.settings.steps
        self.tests = [
            (bit, step.what, step.label, test_of(step.predicate, attributes)[0]) for bit, step in steps.items()
        ]
        shown = {"first": steps[FIRST].what, "then": steps[THEN].what, "within": show_duration(self.settings.within)}
        bound = bind_one(rule, self.settings.severity, never, shown, attributes)
        super().__init__(rule, entity, catalogue, NEVER, bound)

    def code(self, reading: Reading) -> int | None:
        """Which quantity it is, so that the first of two readings of one identity wins, whatever it meets.

        Of detections, of which several may happen at once, the steps that one meets; None when it meets none.
        """
        if self.settings.inputs:
            return self.settings.inputs.index(reading.quantity)
        return self._met(reading.quantity, reading.value, reading.text) or None

    def _met(self, quantity: str, value: float | None, text: str | None) -> int:
        """The steps that are met, as bits."""
        met = 0
        for bit, what, label, test in self.tests:
            if what == quantity and (not label or label == text) and test(value, text):
                met |= bit
        return met

    def take(self, fold: Fold, state: SequenceState, arrived: tuple[Arrival, ...]) -> SequenceState:
        """Seconds first, then what must not be between, then firsts: nothing is before what has its own time."""
        at = arrived[0].at
        firsts = tuple(first for first in state.firsts if at - first.at <= self.settings.within)
        unused: list[Arrival] = []
        between = False
        for one in arrived:
            met = self._met(one.operand.quantity, one.operand.value, one.operand.text)
            between = between or bool(met & BETWEEN)
            if met & THEN and firsts:
                state = self._pair(fold, state, firsts[0], one)
                firsts = firsts[1:]
            elif met & FIRST:
                unused.append(one)
        if between:
            firsts = ()
        return replace(state, firsts=self._waiting(fold, firsts, unused))

    def _waiting(self, fold: Fold, firsts: tuple[Arrival, ...], more: list[Arrival]) -> tuple[Arrival, ...]:
        if self.settings.restart and more:
            return (more[-1],)
        found = (*firsts, *more)
        if len(found) > MAX_FIRSTS:
            fold.counts["ioc_rules_samples_cut_total"] += len(found) - MAX_FIRSTS
        return found[-MAX_FIRSTS:]

    def _pair(self, fold: Fold, state: SequenceState, first: Arrival, then: Arrival) -> SequenceState:
        detail = f"{then.at - first.at} ms after the first"
        judged = Judged(then.at, then.seq, None, None, then.operand, truths=[True], first=first.operand, detail=detail)
        state = replace(state, life=self.conditions.judge(fold, state.life, judged))
        if self.settings.hold:
            return replace(state, until=then.at + self.settings.hold)
        return self._over(fold, state, then.at)

    def _over(self, fold: Fold, state: SequenceState, at: int) -> SequenceState:
        assert state.life is not None
        judged = Judged(at, 0, None, None, state.life.last, truths=[False], detail=state.life.detail)
        return replace(state, life=self.conditions.judge(fold, state.life, judged), until=None)

    def leaves(self, state: SequenceState) -> int | None:
        """When the hold is over."""
        return state.until

    def leave(self, fold: Fold, state: SequenceState, at: int) -> SequenceState:
        """End after the hold."""
        return self._over(fold, state, at)


class Sequence:
    """The kind."""

    needs_raise = False
    needs_quantity = False
    starts = False
    single = False
    states = (SequenceState,)

    def read(self, fields: Fields) -> SequenceSettings:
        """`first`, `then`, `not_between`, `within`, `restart`, `hold`, `severity`."""
        fields.require("first", "then", "within")
        steps = {bit: _step(fields, name) for name, bit in _BITS.items() if name in fields}
        fields.raw("not_between")
        for name in ("for", "clear"):
            if name in fields:
                fields.unwanted(
                    name,
                    "a sequence begins with its second reading and ends after its hold",
                    vi="chuỗi bắt đầu ở số liệu thứ hai và kết thúc sau hold",
                )
        within = fields.duration("within", 1)
        if within <= 0:
            fields.not_above_0("within")
        inputs = () if _of_detections(fields) else tuple(sorted({step.what for step in steps.values()}))
        return SequenceSettings(
            steps, inputs, within, fields.flag("restart"), fields.duration("hold", 0), read_severity(fields)
        )

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One device, or one zone of a camera, under one rule."""
        return SequenceWatch(rule, entity, catalogue)


def _scope(fields: Fields) -> dict[str, Any]:
    scope = fields.data.get("scope")
    return scope if isinstance(scope, dict) else {}


def _of_detections(fields: Fields) -> bool:
    return _scope(fields).get("detections") is not None


def _step(fields: Fields, name: str) -> Step:
    """One step: its scope must lie on the topic of the rule's own scope."""
    inner = fields.inner(name)
    if _of_detections(fields):
        inner.require("event")
        what = inner.choice("event", [event.value for event in DetectionEvent], "")
        found = Step(what, inner.text("label"), read_predicate(inner) or _HAPPENS)
    else:
        what = inner.text("quantity", str(_scope(fields).get("quantity") or ""))
        if what not in QUANTITIES:
            inner.no_quantity("quantity", what)
        elif _scope(fields).get("quantity") not in (None, what):
            inner.wrong(
                "quantity",
                "the quantity of the scope; leave that out when the steps read several",
                vi="đại lượng ghi ở scope; nếu các bước đọc nhiều đại lượng thì bỏ quantity ở scope",
            )
        predicate = read_predicate(inner)
        if predicate is None:
            operators = ", ".join(OPERATORS)
            inner.bare(f"a comparison: one of {operators}", vi=f"một phép so sánh: một trong {operators}")
        found = Step(what, "", predicate or _HAPPENS)
    inner.no_more()
    return found


KIND = Sequence()
