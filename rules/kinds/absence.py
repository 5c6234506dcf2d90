"""`absence`: nothing has come from a series, or a device, for too long. The one kind that goes by log time."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import ConditionEdge, EndReason, Severity, Threshold, Why, next_episode
from pipeline.core.events import Reading
from rules.engine.catalogue import Catalogue
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_severity
from rules.engine.producers import held_until
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch, Watching


class AbsenceSettings(msgspec.Struct, frozen=True):
    """After how many ms of silence, at least so many declared periods of the device; and how bad that is."""

    after_ms: int
    periods: float
    severity: Severity


class AbsenceState(msgspec.Struct, frozen=True, array_like=True):
    """`last`: log time of the newest record, or from when on one was expected. `heard`: any came.

    `passed`: this silence became too long outside the hours.
    """

    last: int
    producer: str = ""
    heard: bool = False
    active: bool = False
    episode: int | None = None
    passed: bool = False


class AbsenceWatch(Watching):
    """One series or device. Schedules let it begin only inside the hours, by the time of the begin."""

    any_quality = True

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        super().__init__(rule, entity, catalogue)
        self.lateness = 0
        self.takes_derived = bool(entity.part)  # what a rule makes of a device's readings is no sign of its life
        period = catalogue.period(entity.device) or 0
        self.after: int = max(rule.own.after_ms, round(rule.own.periods * period))
        self.severity: Severity = rule.own.severity
        device = catalogue.device(entity.device)
        self.active_from = 0 if device is None else device.active_from

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Any record of any quality shows that the device lives."""
        old: AbsenceState | None = fold.state(self.key)
        episode = None if old is None else old.episode
        if old is not None and old.active:
            self._emit(fold, old, ConditionEdge.END, fold.log, "")
        self.put(fold, AbsenceState(fold.log, fold.frame.producer, True, False, episode))

    def start(self, fold: Fold, since: int) -> None:
        """Begin to expect a device that was never heard: from its `active_from`, not before `since`, else from L."""
        self.put(fold, AbsenceState(max(self.active_from, since) or fold.log))

    def put(self, fold: Fold, state: AbsenceState) -> None:
        """Keep a new state and arm what it waits for."""
        fold.changed[self.key] = state
        fold.arm(self.key, self.due(state), self.lateness)

    def due(self, state: AbsenceState) -> int | None:
        """When the silence is too long."""
        return None if state.active or state.passed else state.last + self.after

    def tick(self, fold: Fold, due: int) -> None:
        """The silence is too long, unless it is the producer's."""
        state: AbsenceState = fold.state(self.key)
        again = held_until(fold, state.producer, state.last, due)
        if again is not None:
            self.put(fold, msgspec.structs.replace(state, last=again))
            return
        if self.schedule is not None and self.schedule.open_until(due) is None:
            self.put(fold, msgspec.structs.replace(state, passed=True))
            return
        new = msgspec.structs.replace(state, active=True, episode=next_episode(due, state.episode))
        self._emit(fold, new, ConditionEdge.BEGIN, due, "" if state.heard else "never heard")
        self.put(fold, new)

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """End what is active and forget the device."""
        state: AbsenceState = fold.state(self.key)
        if state.active:
            self._emit(fold, state, ConditionEdge.END, at, "", reason)
        fold.changed[self.key] = None

    def adopt(self, fold: Fold) -> None:
        """Expect on under the changed rule."""
        state = fold.state(self.key)
        if state is not None:
            self.put(fold, state)

    def _emit(
        self,
        fold: Fold,
        state: AbsenceState,
        edge: ConditionEdge,
        at: int,
        detail: str,
        reason: EndReason | None = None,
    ) -> None:
        assert state.episode is not None
        why = Why(
            threshold=Threshold(predicate={"after": show_duration(self.after)}, legal=self.rule.alert.legal),
            held_for_ms=at - state.last,
            watermark=fold.log,
            detail=detail,
        )
        n = 0 if edge is ConditionEdge.BEGIN else 1
        self.source.emit(
            fold,
            edge,
            episode=state.episode,
            n=n,
            severity=self.severity,
            at=max(at, state.episode),
            why=why,
            reason=reason,
        )


class Absence:
    """The kind."""

    needs_raise = False
    needs_quantity = False
    single = False
    starts = True
    states = (AbsenceState,)

    def read(self, fields: Fields) -> AbsenceSettings:
        """`after`, `periods` and `severity`."""
        fields.require("after")
        after = fields.duration("after", 600_000)
        if after <= 0:
            fields.not_above_0("after")
        periods = fields.number("periods", 0.0) or 0.0
        if periods < 0:
            fields.wrong("periods", "a number of declared periods, 0 or more", vi="số chu kỳ đã khai báo, từ 0 trở lên")
        return AbsenceSettings(after, periods, read_severity(fields))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One series or device under one rule."""
        return AbsenceWatch(rule, entity, catalogue)


KIND = Absence()
