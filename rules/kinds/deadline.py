"""`deadline`: a case that is due soon, overdue, or so late that it goes to the next level."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import Operand, Severity, Threshold
from pipeline.core.events import CaseState, Reading
from pipeline.core.schedule import NEVER
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import Bound, BoundClear, BoundLevel, never
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.judged import Judged
from rules.engine.predicates import SEVERITIES
from rules.engine.series import SeriesState, SeriesWatch
from rules.engine.settings import DEFAULT_LATENESS_MS, Rule
from rules.engine.watch import Entity, Watch, operand
from rules.engine.working_time import add_working_time

KEPT_MS = 7 * 86_400_000
"""How long a case that is over is remembered, so that an older state of it does not open it again."""
OVER = frozenset({CaseState.DONE.value, CaseState.CANCELLED.value})
WorkingTime = Callable[[int, int], int]
"""From a time (ms), so many ms of working time on; back when negative."""


def plain(at: int, ms: int) -> int:
    """Every hour counts."""
    return at + ms


class Stage(msgspec.Struct, frozen=True):
    """`offset` ms after the due time (before it when negative) the case is at this severity."""

    name: str
    offset: int
    severity: Severity


class DeadlineSettings(msgspec.Struct, frozen=True):
    """Stages in the order of their times."""

    stages: tuple[Stage, ...]
    calendar: str


class DeadlineState(SeriesState, frozen=True, array_like=True):
    """`times` of the stages, `reached`: the newest time judged. `over`: the case is done or cancelled."""

    times: tuple[int, ...] = ()
    reached: int = 0
    over: bool = False
    newest: Operand | None = None


class DeadlineWatch(SeriesWatch):
    """One case. Its newest state holds until the next one: a case is never late and never unknown."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue, later: WorkingTime = plain) -> None:
        self.settings: DeadlineSettings = rule.own
        self.later = later
        super().__init__(rule, entity, catalogue, self._bound(rule), NEVER)
        self.live_for = NEVER
        self.lateness = DEFAULT_LATENESS_MS if rule.lateness_ms is None else rule.lateness_ms

    def _bound(self, rule: Rule) -> Bound:
        levels = tuple(
            BoundLevel(stage.severity, never, None, None, _threshold(stage, rule.alert.legal))
            for stage in self.settings.stages
        )
        return Bound(levels, BoundClear(None, 0), 0, 0.0, 0.0)

    def take(self, fold: Fold, state: DeadlineState | None, reading: Reading, line: int) -> DeadlineState:
        """The case as it is now, after the stages that it passed before."""
        if state is None:
            state = DeadlineState(reading.at)
        while (due := self._stage(state)) is not None and due < reading.at:
            state = self._pass(fold, state, due)
        over = reading.text in OVER
        times: tuple[int, ...] = ()
        if reading.value is not None and not over:
            times = tuple(self.later(int(reading.value), stage.offset) for stage in self.settings.stages)
        new = DeadlineState(
            reading.at, reading.seq, state.life, times, state.reached, over, operand(reading, fold, line)
        )
        return self._pass(fold, new, max(reading.at, state.reached))

    def _pass(self, fold: Fold, state: DeadlineState, at: int) -> DeadlineState:
        truths = [time <= at for time in state.times] or [False] * len(self.settings.stages)
        judged = Judged(at, 0, None, None, state.newest, truths=truths)
        return replace(state, life=self.conditions.judge(fold, state.life, judged), reached=at)

    def _stage(self, state: DeadlineState) -> int | None:
        return min((time for time in state.times if time > state.reached), default=None)

    def due(self, state: DeadlineState) -> int | None:
        """The next stage; what the condition waits for; for a case that is over, when it is forgotten."""
        times = [state.at + KEPT_MS] if state.over else []
        times += [due for due in (self._stage(state), super().due(state)) if due is not None]
        return min(times, default=None)

    def tick(self, fold: Fold, due: int) -> None:
        """The next stage is reached, the case is forgotten, or the condition's deadline passes."""
        state: DeadlineState = fold.state(self.key)
        stage = self._stage(state)
        if stage is not None and stage <= due:
            self.put(fold, self._pass(fold, state, stage))
        elif state.over and state.at + KEPT_MS <= due:
            fold.changed[self.key] = None
        else:
            super().tick(fold, due)


def _working_time(calendar: str, catalogue: Catalogue) -> WorkingTime:
    """Every hour without a calendar; one that the catalogue does not have counts as `vn`."""
    if not calendar:
        return plain
    days = catalogue.calendar(calendar) or catalogue.calendar("vn")
    assert days is not None, "vn needs no document"
    return partial(add_working_time, calendar=days)


def _threshold(stage: Stage, legal: str) -> Threshold:
    offset = show_duration(abs(stage.offset))
    return Threshold(predicate={stage.name: offset}, legal=legal)


class Deadline:
    """The kind."""

    needs_raise = False
    needs_quantity = False
    starts = False
    single = True
    states = (DeadlineState,)

    def read(self, fields: Fields) -> DeadlineSettings:
        """`due_soon` (before), `overdue`, `escalate` (after), each with a severity; `calendar`."""
        for name in ("for", "clear", "severity"):
            if name in fields:
                fields.unwanted(
                    name, "stages have times and severities of their own", vi="mỗi giai đoạn có thời gian và mức riêng"
                )
        fields.raw("severity")
        stages = [
            _stage(fields, "due_soon", "before", -1),
            _stage(fields, "overdue", "", 0),
            _stage(fields, "escalate", "after", 1),
        ]
        found = tuple(stage for stage in stages if stage is not None)
        if not found:
            stages_ = "due_soon, overdue, escalate"
            fields.wrong("overdue", f"at least one of {stages_}", "nothing", vi=f"ít nhất một trong {stages_}")
        return DeadlineSettings(found, fields.text("calendar"))

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One case under one rule."""
        return DeadlineWatch(rule, entity, catalogue, _working_time(rule.own.calendar, catalogue))


_DEFAULTS = {"due_soon": Severity.WARNING, "overdue": Severity.MAJOR, "escalate": Severity.CRITICAL}


def _stage(fields: Fields, name: str, span: str, sign: int) -> Stage | None:
    """A stage: its span alone, or with a severity; `overdue: true` or `overdue: {severity: ..}`."""
    value = fields.raw(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        offset = fields.duration(name, 0) if span else 0
        if not span and value is not True:
            fields.wrong(name, "true, or {severity: major}", vi="true, hoặc {severity: major}")
        return Stage(name, sign * offset, _DEFAULTS[name])
    inner = fields.inner(name)
    offset = inner.duration(span, 0) if span else 0
    if span:
        inner.require(span)
    severity = inner.choice("severity", list(SEVERITIES), _DEFAULTS[name].value)
    inner.no_more()
    return Stage(name, sign * offset, Severity(severity))


KIND = Deadline()
