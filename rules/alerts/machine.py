"""Folds conditions and verbs into alert events: one state machine per alert key. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from pipeline.core.conditions import Condition, ConditionLine, Partial, Progress, Verb
from pipeline.core.machine import CatalogueChange, Delta, LogFrame
from rules.alerts.body import Describer
from rules.alerts.conditions import apply_condition
from rules.alerts.desk import Desk
from rules.alerts.state import AlertOutput, KeyState
from rules.alerts.verbs import apply_verb
from rules.engine.catalogue import Catalogue

MAX_CLOSED = 200_000
"""How many closed keys keep their sequence; of more, those closed longest ago begin again at 1."""
_META = b"L"
_SOURCES = b"U"


class Carry(msgspec.Struct):
    """What a delta brings to its commit."""

    desk: Desk
    log: int
    sources: dict[str, int]
    catalogue: Catalogue | None
    evicted: list[str]


class AlertsMachine:
    """Implements `Machine[ConditionLine, AlertOutput]`. State keys are alert keys.

    `changes`: the catalogue as of the saved offset. `state`: what `dump` gave, by key.
    """

    def __init__(self, *, changes: Iterable[CatalogueChange] = (), state: Mapping[bytes, bytes] | None = None) -> None:
        self._catalogue = Catalogue().with_changes(changes)
        self._describer = Describer(self._catalogue)
        self._states: dict[str, KeyState] = {}
        self._closed: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self._log: int | None = None
        self.counters: Counter[str] = Counter()
        self._load(state or {})

    def _load(self, saved: Mapping[bytes, bytes]) -> None:
        for key, raw in saved.items():
            if key == _META:
                self._log = msgspec.msgpack.decode(raw, type=int)
            elif key == _SOURCES:
                self._sources = msgspec.msgpack.decode(raw, type=dict[str, int])
            else:
                self._states[key.decode()] = msgspec.msgpack.decode(raw, type=KeyState)
        closed = [(state.closed_at, key) for key, state in self._states.items() if state.alert is None]
        self._closed = {key: at for at, key in sorted(closed)}

    def upto(self) -> int | None:
        """Everything that the broker took before this time has been judged: the least L of all sources and its own."""
        if self._log is None:
            return None
        return min([self._log, *self._sources.values()])

    @property
    def sources(self) -> dict[str, int]:
        """L of every source partition that has told its progress."""
        return dict(self._sources)

    @property
    def log(self) -> int | None:
        """L of the conditions partition."""
        return self._log

    def open_alerts(self) -> dict[str, KeyState]:
        """The keys that have an open alert."""
        return {key: state for key, state in self._states.items() if state.alert is not None}

    def state_keys(self) -> list[bytes]:
        """All state keys, for a first full checkpoint."""
        return [*(key.encode() for key in self._states), _META, _SOURCES]

    def dump(self, key: bytes) -> bytes | None:
        """The committed state under `key`, encoded; None when it is gone."""
        if key == _META:
            return None if self._log is None else msgspec.msgpack.encode(self._log)
        if key == _SOURCES:
            return msgspec.msgpack.encode(self._sources)
        state = self._states.get(key.decode())
        return None if state is None else msgspec.msgpack.encode(state)

    def fold(self, frame: LogFrame[ConditionLine]) -> Delta[AlertOutput]:
        """The alert events of one frame. Changes nothing until `commit`."""
        log = frame.log if self._log is None else max(self._log, frame.log)
        catalogue = self._catalogue.with_changes(frame.news) if frame.news else None
        describer = self._describer if catalogue is None else Describer(catalogue)
        desk = Desk(self._states, log, describer)
        sources: dict[str, int] = {}
        for _, line in frame.lines:
            self._apply(desk, line, sources)
        evicted = self._evict(desk)
        changed = {key.encode() for key in (*desk.changed, *evicted)} | {_META}
        if sources:
            changed.add(_SOURCES)
        only_time = catalogue is None and all(isinstance(line, Progress) for _, line in frame.lines)
        return Delta(desk.outputs, changed, Carry(desk, log, sources, catalogue, evicted), only_time)

    def _apply(self, desk: Desk, line: ConditionLine, sources: dict[str, int]) -> None:
        if isinstance(line, Condition):
            apply_condition(desk, line)
        elif isinstance(line, Verb):
            apply_verb(desk, line)
        elif isinstance(line, Progress):
            newest = max(sources.get(line.source, 0), self._sources.get(line.source, 0))
            sources[line.source] = max(newest, line.log)
        elif isinstance(line, Partial):
            desk.counts["ioc_alerts_partials_total"] += 1

    def _evict(self, desk: Desk) -> list[str]:
        """Closed keys beyond the limit, longest closed first."""
        newly = sum(1 for key, state in desk.changed.items() if state.alert is None and key not in self._closed)
        over = len(self._closed) + newly - MAX_CLOSED
        if over <= 0:
            return []
        oldest = [key for key in self._closed if key not in desk.changed]
        return oldest[:over]

    def commit(self, delta: Delta[AlertOutput]) -> None:
        """Make a delta of `fold` the state."""
        assert isinstance(delta.carry, Carry)
        carry = delta.carry
        self._log = carry.log
        self._sources.update(carry.sources)
        if carry.catalogue is not None:
            self._catalogue, self._describer = carry.catalogue, Describer(carry.catalogue)
        for key, state in carry.desk.changed.items():
            self._states[key] = state
            self._closed.pop(key, None)
            if state.alert is None:
                self._closed[key] = state.closed_at
        for key in carry.evicted:
            self._states.pop(key, None)
            self._closed.pop(key, None)
        self.counters.update(carry.desk.counts)
