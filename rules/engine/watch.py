"""Running logic: a watch judges one entity by one rule. What a kind of rule must offer."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import EndReason, Operand
from pipeline.core.events import Case, Detection, Edge, Event, Reading
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import Bound, bounds_of
from rules.engine.fields import Fields
from rules.engine.fold import Fold, Source
from rules.engine.judged import Judged
from rules.engine.life import Life
from rules.engine.settings import Rule
from rules.engine.state import IDLE, LifeState

STATE_PREFIX = "c|"


class Entity(msgspec.Struct, frozen=True):
    """What a rule watches: a series, a zone of a camera, or a device."""

    device: str
    part: str = ""
    """Quantity or zone; empty when the whole device is watched."""

    def alert_key(self, rule: str) -> str:
        """The alert key: rule id and the entity's ids."""
        return "|".join((rule, self.device, self.part) if self.part else (rule, self.device))


def state_key(alert_key: str) -> bytes:
    """Where the state of an alert key is kept."""
    return (STATE_PREFIX + alert_key).encode()


def parse_state_key(key: bytes) -> tuple[str, Entity]:
    """Rule id and entity of a state key."""
    rule, device, part = (key.decode()[len(STATE_PREFIX) :] + "||").split("|")[:3]
    return rule, Entity(device, part)


class Watch(Protocol):
    """Judges one entity by one rule. Reads and writes state through the fold only.

    `any_quality`, `takes_derived`: whether it reads what is not usable, and what rules derive.
    """

    rule: Rule
    entity: Entity
    key: bytes
    lateness: int
    any_quality: bool
    takes_derived: bool

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Apply one reading, usable unless `any_quality`."""

    def tick(self, fold: Fold, due: int) -> None:
        """The state's due time has come."""

    def due(self, state: Any) -> int | None:
        """What the state waits for."""

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """End what is active, for `reason`, and forget it."""

    def adopt(self, fold: Fold) -> None:
        """Take over the state after a change of the rule or catalogue that lets state be kept."""

    def episode(self, state: Any) -> int | None:
        """The key's newest episode, where a later one may begin before it."""


class RuleKind(Protocol):
    """A kind: which fields it has, how it watches.

    `starts`: it watches entities that never sent anything. `single`: it acts at once, reading by reading.
    """

    needs_raise: bool
    needs_quantity: bool
    starts: bool
    single: bool
    states: tuple[type, ...]

    def read(self, fields: Fields) -> Any:
        """The kind's own settings from the rule's fields; mistakes are noted there."""

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """The running logic for one entity."""


class Watching:
    """What watches of all kinds share."""

    any_quality = False
    takes_derived = True

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.rule, self.entity = rule, entity
        alert_key = entity.alert_key(rule.id)
        self.key = state_key(alert_key)
        self.source = Source(rule.id, rule.version, alert_key, entity.device, rule.shadow)
        self.lateness = catalogue.lateness(rule)
        self.stale_ms = catalogue.stale_after(rule, entity.device)
        self.live_for = catalogue.live_for(rule, entity.device)
        self.schedule = catalogue.schedule(rule)

    def episode(self, state: Any) -> int | None:
        """No condition of its own."""
        return None

    def life(self, rule: Rule, catalogue: Catalogue, stale_ms: int, bound: Bound | None = None) -> Life:
        """The life of this entity's condition; with the kind's own `bound`, else by the rule's levels over all time."""
        if bound is not None:
            return Life(self.source, bound, stale_ms, self.schedule)
        bounds = bounds_of(rule, catalogue, self.entity.device)
        return Life(self.source, bounds[0][1], stale_ms, self.schedule, bounds)


class Remembering(Watching):
    """A watch whose state holds the kind's own memory beside `life`, the state of its condition."""

    conditions: Life

    def due(self, state: Any) -> int | None:
        """What the condition waits for."""
        return None if state.life is None else self.conditions.due(state.life)

    def tick(self, fold: Fold, due: int) -> None:
        """Let the condition's deadline pass."""
        state = fold.state(self.key)
        if state.life is not None:
            self.put(fold, replace(state, life=self.conditions.tick(fold, state.life, due)))

    def put(self, fold: Fold, state: Any) -> None:
        """Keep a new state and arm what it waits for."""
        fold.changed[self.key] = state
        due = self.due(state)
        if due is not None:
            fold.arm(self.key, due, self.lateness)

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """End what is active and forget the rest."""
        state = fold.state(self.key)
        if state.life is not None:
            self.conditions.close(fold, state.life, at, reason)
        fold.changed[self.key] = None

    def adopt(self, fold: Fold) -> None:
        """Judge on under the changed rule."""
        state = fold.state(self.key)
        if state is not None:
            life = state.life
            if life is not None:
                life = self.conditions.settle(fold, self.conditions.adopt(life))
            self.put(fold, replace(state, life=life))

    def episode(self, state: Any) -> int | None:
        """The newest episode of its condition."""
        return None if state.life is None else state.life.episode


class SingleReading(Watching):
    """Acts at once on a series' usable readings, in log order. A kind says in `judge` what one means."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.conditions = self.life(rule, catalogue, self.stale_ms)
        self.narrowed = rule.quality

    def due(self, state: LifeState) -> int | None:
        """What the state waits for."""
        return self.conditions.due(state)

    def tick(self, fold: Fold, due: int) -> None:
        """Let the condition's deadline pass."""
        state = fold.state(self.key)
        self.put(fold, self.conditions.tick(fold, state, due))

    def put(self, fold: Fold, state: LifeState) -> None:
        """Keep a new state and arm what it waits for."""
        fold.changed[self.key] = state
        if state.phase != IDLE:
            fold.arm(self.key, self.conditions.due(state), self.lateness)

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """End what is active and forget the rest."""
        self.conditions.close(fold, fold.state(self.key), at, reason)
        fold.changed[self.key] = None

    def adopt(self, fold: Fold) -> None:
        """Judge on under the changed rule from the next reading."""
        state = fold.state(self.key)
        if state is not None:
            self.put(fold, self.conditions.settle(fold, self.conditions.adopt(state)))

    def episode(self, state: LifeState) -> int | None:
        """The newest episode of its condition."""
        return state.episode


def judged(reading: Reading, fold: Fold, line: int) -> Judged:
    """A reading as a value to be judged, with its place in the log."""
    return Judged(reading.at, reading.seq, reading.value, reading.text, operand(reading, fold, line))


def operand(reading: Reading, fold: Fold, line: int) -> Operand:
    """A reading as evidence."""
    return Operand(
        device=reading.device,
        quantity=reading.quantity,
        value=reading.value,
        text=reading.text,
        unit=reading.unit,
        quality=reading.quality,
        at=reading.at,
        seq=reading.seq,
        topic=fold.frame.topic,
        partition=fold.frame.partition,
        offset=fold.frame.offset,
        line=line,
        evidence=fold.evidence,
    )


def as_reading(event: Event) -> Reading | None:
    """A detection as a reading: 1 while it lasts or happens, 0 at its end; its state or kind as text.

    A case as one: its due time (ms), when it has one, and its state as text.
    """
    if isinstance(event, Case):
        due = None if event.due_at is None else float(event.due_at)
        return Reading(device=event.case, quantity=event.kind.value, at=event.at, value=due, text=event.state.value)
    if not isinstance(event, Detection):
        return None
    return Reading(
        device=event.camera,
        quantity=event.event.value,
        at=event.at,
        value=0.0 if event.edge is Edge.END else 1.0,
        text=event.state or event.kind or event.label or None,
        point=event.foot,
    )
