"""`derive`: a quantity computed from others, by a named formula. Rules on it are judged in the same fold.

Behind W, like a window: at each moment that has readings, or at the end of each hour or local day.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.events import Reading
from pipeline.core.quantities import QUANTITIES
from rules.engine.arrivals import Arrival, ArrivalState, ArrivalWatch
from rules.engine.catalogue import Catalogue
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch
from rules.formulas import FORMULAS, derived_quantities
from rules.formulas.formula import Hour, Known
from rules.kinds.aggregates import Memory, grown
from rules.kinds.grid import DAY_MS, Grid, read_zone

HOUR_MS = 3_600_000
DEFAULT_COVERAGE = 0.75
"""Of the readings of an hour, by the declared period (as for QCVN 05:2023/BTNMT)."""


class DeriveSettings(msgspec.Struct, frozen=True):
    """`inputs`: the quantity that serves as each of the formula's inputs, in its order."""

    formula: str
    inputs: tuple[str, ...]
    min_coverage: float
    zone: str


class HourPane(msgspec.Struct, frozen=True, array_like=True):
    """The readings of one input in the hour from `start` on: how many, and their exact sum."""

    start: int
    code: int
    count: int
    memory: Memory


class DeriveState(ArrivalState, frozen=True, array_like=True):
    """`newest`: time and value of each input. `panes`: hours. `next`: end of the next hour or day, None when idle."""

    newest: tuple[tuple[int, float] | None, ...] = ()
    panes: tuple[HourPane, ...] = ()
    next: int | None = None
    previous: float | None = None


class DeriveWatch(ArrivalWatch):
    """One device."""

    empty = DeriveState()

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue, 0)
        self.settings: DeriveSettings = rule.own
        self.formula = FORMULAS[self.settings.formula]
        self.unit = QUANTITIES[self.formula.output].unit
        self.codes = {quantity: code for code, quantity in enumerate(self.settings.inputs)}
        self.grid = Grid(DAY_MS if self.formula.every == "day" else HOUR_MS, self.settings.zone)
        self.attributes = catalogue.attributes(entity.device)
        self.period = catalogue.period(entity.device)

    def code(self, reading: Reading) -> int | None:
        """Which input a reading is."""
        return None if reading.value is None else self.codes.get(reading.quantity)

    def take(self, fold: Fold, state: DeriveState, arrived: tuple[Arrival, ...]) -> DeriveState:
        """The readings of one moment: evaluate, or put them into their hours."""
        if self.formula.every == "moment":
            return self._moment(fold, state, arrived)
        panes = {(pane.start, pane.code): pane for pane in state.panes}
        for one in arrived:
            key = (one.at // HOUR_MS * HOUR_MS, one.code)
            old = panes.get(key, HourPane(*key, 0, ()))
            panes[key] = HourPane(*key, old.count + 1, grown(old.memory, one.value))
        end = self.grid.end(self.grid.start(arrived[0].at))
        return replace(state, panes=tuple(panes.values()), next=end if state.next is None else state.next)

    def _moment(self, fold: Fold, state: DeriveState, arrived: tuple[Arrival, ...]) -> DeriveState:
        at = arrived[0].at
        newest = list(state.newest) or [None] * len(self.settings.inputs)
        for one in arrived:
            newest[one.code] = (at, one.value)
        values = {
            name: known[1]
            for name, known in zip(self.formula.inputs, newest, strict=True)
            if known is not None and known[0] >= at - self.stale_ms
        }
        self._emit(fold, at, Known(values=values, attributes=self.attributes))
        return replace(state, newest=tuple(newest))

    def leaves(self, state: DeriveState) -> int | None:
        """The end of the hour or day; it is final at W >= end."""
        return None if state.next is None else state.next - 1

    def leave(self, fold: Fold, state: DeriveState, at: int) -> DeriveState:
        """Evaluate the hour or day that is final; without any hour left, wait for the next reading."""
        end = at + 1
        hours = {name: self._hours(state, code, end) for code, name in enumerate(self.formula.inputs)}
        known = Known(hours=hours, attributes=self.attributes, previous=state.previous)
        value = self._emit(fold, end, known)
        following = self.grid.end(end)
        panes = tuple(pane for pane in state.panes if pane.start >= following - self.formula.hours * HOUR_MS)
        previous = value if isinstance(value, float) else state.previous
        return replace(state, panes=panes, next=following if panes else None, previous=previous)

    def _hours(self, state: DeriveState, code: int, end: int) -> tuple[Hour | None, ...]:
        panes = {pane.start: pane for pane in state.panes if pane.code == code}
        return tuple(self._hour(panes.get(end - number * HOUR_MS)) for number in range(1, self.formula.hours + 1))

    def _hour(self, pane: HourPane | None) -> Hour | None:
        if pane is None:
            return None
        if self.period is not None and pane.count * self.period < self.settings.min_coverage * HOUR_MS:
            return None
        total = math.fsum(pane.memory)
        return Hour(total / pane.count, total)

    def _emit(self, fold: Fold, at: int, known: Known) -> float | str | None:
        found = self.formula.evaluate(known)
        if found is not None:
            value, text = (None, found) if isinstance(found, str) else (found, None)
            quantity = self.formula.output
            fold.derived.append(
                Reading(device=self.entity.device, quantity=quantity, at=at, unit=self.unit, value=value, text=text)
            )
        return found


class Derive:
    """The kind."""

    needs_raise = False
    needs_quantity = False
    starts = False
    single = False
    states = (DeriveState,)

    def read(self, fields: Fields) -> DeriveSettings:
        """`formula`, `inputs`, `min_coverage`, `timezone`."""
        fields.require("formula")
        name = fields.choice("formula", sorted(FORMULAS), "heat_index")
        for unused in ("for", "clear", "severity", "schedule"):
            if unused in fields:
                output = FORMULAS[name].output
                fields.unwanted(
                    unused,
                    f"derive makes readings; rules on {output} raise",
                    vi=f"derive chỉ tính ra số liệu; quy tắc trên {output} mới phát cảnh báo",
                )
        scope: Any = fields.data.get("scope")
        if isinstance(scope, dict) and (scope.get("quantity") or scope.get("detections")):
            fields.wrong(
                "scope",
                "devices only: what is read stands in inputs",
                "quantity or detections",
                vi="chỉ thiết bị: đại lượng cần đọc ghi ở inputs",
            )
        coverage = fields.number("min_coverage", DEFAULT_COVERAGE)
        if coverage is None or not 0 <= coverage <= 1:
            fields.wrong("min_coverage", "a share from 0 to 1", vi="tỷ lệ từ 0 đến 1")
        return DeriveSettings(name, _inputs(fields, name), coverage or 0.0, read_zone(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One device under one rule."""
        return DeriveWatch(rule, entity, catalogue)


def _inputs(fields: Fields, name: str) -> tuple[str, ...]:
    """The quantity for each input: its own name, or the one that `inputs` puts in its place."""
    formula = FORMULAS[name]
    if "inputs" not in fields:
        fields.raw("inputs")
        return formula.inputs
    inner = fields.inner("inputs")
    derived = derived_quantities()
    found = tuple(inner.text(one, one) for one in formula.inputs)
    for one, quantity in zip(formula.inputs, found, strict=True):
        if quantity not in QUANTITIES:
            inner.no_quantity(one, quantity)
        elif quantity in derived:
            inner.wrong(
                one,
                "a measured quantity: a formula reads no derived one, so none can read itself",
                vi="đại lượng đo trực tiếp: công thức không đọc đại lượng tính ra",
            )
    if len(set(found)) < len(found):
        fields.wrong("inputs", "a quantity of its own for each input", vi="mỗi đầu vào một đại lượng riêng")
    inner.no_more()
    return found


KIND = Derive()
