"""`reorder`: readings of a single-reading kind wait for a watermark of their own and go on sorted by time."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.conditions import EndReason
from pipeline.core.events import Reading
from pipeline.core.schedule import NEVER
from rules.engine.fold import Fold
from rules.engine.waiting import insert
from rules.engine.watch import Watch


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A reading that waits, with its place in the log."""

    at: int
    seq: int
    reading: Reading
    offset: int
    line: int
    evidence: str

    @property
    def order(self) -> tuple[int, int]:
        """Order within the series."""
        return (self.at, self.seq)


class ReorderState(msgspec.Struct, frozen=True, array_like=True):
    """What waits, sorted, and the state of the kind itself."""

    waiting: tuple[Waiting, ...] = ()
    inner: Any = None


class Reordered:
    """A watch whose readings come sorted: order inside the last `wait` ms of L cannot matter.

    Whether a reading is late is settled when it arrives; a late one goes to the kind at once.
    """

    any_quality = False
    takes_derived = True

    def __init__(self, inner: Watch, wait: int) -> None:
        self.inner, self.wait = inner, wait
        self.rule, self.entity, self.key = inner.rule, inner.entity, inner.key
        self.lateness = max(inner.lateness, wait)
        self.live_for: int = inner.live_for  # type: ignore[attr-defined]
        inner.live_for = NEVER  # type: ignore[attr-defined]

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Let one reading wait, unless it is late or the watermark has passed it."""
        state = fold.state(self.key) or ReorderState()
        if reading.historical or reading.at < fold.now - self.live_for:
            self._put(fold, self._apply(fold, state, replace(reading, historical=True), line))
        elif reading.at < fold.now - self.wait:
            self._put(fold, self._apply(fold, state, reading, line))
        else:
            new = Waiting(reading.at, reading.seq, reading, fold.frame.offset, line, fold.evidence)
            waiting = insert(fold, state.waiting, new)
            if waiting is not state.waiting:
                self._put(fold, replace(state, waiting=waiting))

    def _apply(self, fold: Fold, state: ReorderState, reading: Reading, line: int) -> ReorderState:
        inside = _Inside(fold, self.key, state.inner)
        self.inner.read(inside, reading, line)
        return replace(state, inner=inside.state(self.key))

    def due(self, state: ReorderState) -> int | None:
        """When the first reading goes on, in terms of the lateness of this watch; or what the kind waits for."""
        times = [state.waiting[0].at + self.wait - self.lateness] if state.waiting else []
        theirs = None if state.inner is None else self.inner.due(state.inner)
        return min((*times, theirs) if theirs is not None else times, default=None)

    def tick(self, fold: Fold, due: int) -> None:
        """Let the first reading go on; else the kind's own deadline pass."""
        state: ReorderState = fold.state(self.key)
        if state.waiting and state.waiting[0].at + self.wait - self.lateness <= due:
            first = state.waiting[0]
            frame = replace(fold.frame, offset=first.offset, lines=())
            inside = _Inside(fold, self.key, state.inner, frame, first.evidence)
            self.inner.read(inside, first.reading, first.line)
            self._put(fold, ReorderState(state.waiting[1:], inside.state(self.key)))
        elif state.inner is not None:
            inside = _Inside(fold, self.key, state.inner)
            self.inner.tick(inside, due)
            self._put(fold, replace(state, inner=inside.state(self.key)))

    def _put(self, fold: Fold, state: ReorderState) -> None:
        fold.changed[self.key] = state
        fold.arm(self.key, self.due(state), self.lateness)

    def retire(self, fold: Fold, at: int, reason: EndReason) -> None:
        """End what is active; what waits is dropped, and counted."""
        state: ReorderState = fold.state(self.key)
        fold.counts["ioc_rules_reorder_dropped_total"] += len(state.waiting)
        fold.changed[self.key] = None
        if state.inner is not None:
            inside = _Inside(fold, self.key, state.inner)
            self.inner.retire(inside, at, reason)

    def episode(self, state: ReorderState) -> int | None:
        """The newest episode of the kind's condition."""
        return None if state.inner is None else self.inner.episode(state.inner)

    def adopt(self, fold: Fold) -> None:
        """Judge on under the changed rule."""
        state: ReorderState | None = fold.state(self.key)
        if state is not None:
            inside = _Inside(fold, self.key, state.inner)
            self.inner.adopt(inside)
            self._put(fold, replace(state, inner=inside.state(self.key)))


class _Inside(Fold):
    """A fold as the kind inside sees it: its own state under the key, no timers; all else is the outer one's."""

    __slots__ = ("outer",)

    def __init__(self, outer: Fold, key: bytes, state: Any, frame: Any = None, evidence: str | None = None) -> None:
        super().__init__(outer.frame if frame is None else frame, outer.log, {}, {})
        self.evidence = outer.evidence if evidence is None else evidence
        self.now, self.outputs, self.counts, self.derived = outer.now, outer.outputs, outer.counts, outer.derived
        self.changed, self.outer = {key: state}, outer

    def state(self, key: bytes) -> Any:
        """Its own state; of other keys the outer fold's."""
        return self.changed[key] if key in self.changed else self.outer.state(key)
