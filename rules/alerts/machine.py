"""Folds conditions and verbs into alert events: one state machine per alert key. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pipeline.core.conditions import Condition, ConditionLine, Progress, Verb
from pipeline.core.machine import CatalogueChange, Delta, LogFrame
from pipeline.core.topics import INPUTS, TOPICS
from rules.alerts.body import Describer
from rules.alerts.conditions import apply_condition
from rules.alerts.desk import Desk
from rules.alerts.stage2 import Stage2, load_second
from rules.alerts.state import AlertOutput, KeyState
from rules.alerts.verbs import apply_verb
from rules.engine import failures
from rules.engine.catalogue import Catalogue
from rules.engine.fold import Fold
from rules.engine.world import World

MAX_CLOSED = 200_000
"""How many closed keys keep their sequence; of more, those closed longest ago begin again at 1."""
_META = b"L"
_SOURCES = b"U"
_SECOND = b"*"
"""State keys of stage 2 begin with it; those of alerts never do."""
ALL_SOURCES = frozenset(f"{topic}/{number}" for topic in INPUTS for number in range(TOPICS[topic].partitions))


class Carry(msgspec.Struct):
    """What a delta brings to its commit."""

    desk: Desk
    fold: Fold
    sources: dict[str, int]
    second: Stage2
    evicted: list[str]


class AlertsMachine:
    """Implements `Machine[ConditionLine, AlertOutput]`. State keys are alert keys, and those of stage 2.

    `changes`: the catalogue as of the saved offset. `state`: what `dump` gave, by key. `expected`: the source
    partitions whose progress stage 2 waits for.
    """

    def __init__(
        self,
        *,
        changes: Iterable[CatalogueChange] = (),
        state: Mapping[bytes, bytes] | None = None,
        expected: Iterable[str] = ALL_SOURCES,
    ) -> None:
        saved = (state or {}).get(_META)
        self._log: int | None = None if saved is None else msgspec.msgpack.decode(saved, type=int)
        self._second = Stage2(World(Catalogue(self._log).with_changes(changes), {}), expected)
        self._describer = Describer(self._second.world.catalogue)
        self._second_states: dict[bytes, Any] = {}
        self._out_of_service: set[str] = set()
        self._states: dict[str, KeyState] = {}
        self._closed: dict[str, int] = {}
        self._sources: dict[str, int] = {}
        self.counters: Counter[str] = Counter()
        self._load(state or {})

    def _load(self, saved: Mapping[bytes, bytes]) -> None:
        for key, raw in saved.items():
            if key == _META:
                continue
            if key == _SOURCES:
                self._sources = msgspec.msgpack.decode(raw, type=dict[str, int])
            elif key.startswith(_SECOND):
                self._second_states[key[1:]] = load_second(key[1:], raw, self._second.world)
            else:
                self._states[key.decode()] = msgspec.msgpack.decode(raw, type=KeyState)
        failed = (key for key in self._second_states if key.startswith(failures.PREFIX))
        self._out_of_service = {key[len(failures.PREFIX) :].decode() for key in failed}
        closed = [(state.closed_at, key) for key, state in self._states.items() if state.alert is None]
        self._closed = {key: at for at, key in sorted(closed)}

    def upto(self) -> int | None:
        """Everything that the broker took before this time has been judged: the least L of all sources and its own."""
        if self._log is None:
            return None
        return min([self._log, *self._sources.values()])

    @property
    def second(self) -> Stage2:
        """Stage 2 as of the last committed frame."""
        return self._second

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
        return [
            *(key.encode() for key in self._states),
            *(_SECOND + key for key in self._second_states),
            _META,
            _SOURCES,
        ]

    def dump(self, key: bytes) -> bytes | None:
        """The committed state under `key`, encoded; None when it is gone."""
        if key == _META:
            return None if self._log is None else msgspec.msgpack.encode(self._log)
        if key == _SOURCES:
            return msgspec.msgpack.encode(self._sources)
        if key.startswith(_SECOND):
            found = self._second_states.get(key[1:])
            return None if found is None else msgspec.msgpack.encode(found)
        state = self._states.get(key.decode())
        return None if state is None else msgspec.msgpack.encode(state)

    def fold(self, frame: LogFrame[ConditionLine]) -> Delta[AlertOutput]:
        """The alert events of one frame. Changes nothing until `commit`."""
        log = frame.log if self._log is None else max(self._log, frame.log)
        fold = Fold(frame, log, self._second_states, {}, self._out_of_service)
        second, describer = self._second, self._describer
        if self._log is None:
            second.greet(fold)
        if frame.news or second.world.catalogue.expires(log):
            second = second.after(fold, frame.news, self._sources)
            describer = Describer(second.world.catalogue)
        desk = Desk(self._states, log, describer)
        self._raise_all(desk, fold)
        sources: dict[str, int] = {}
        for _, line in frame.lines:
            self._apply(desk, fold, second, line, sources)
        evicted = self._evict(desk)
        changed = {key.encode() for key in (*desk.changed, *evicted)} | {_META}
        changed |= {_SECOND + key for key in fold.changed}
        if sources:
            changed.add(_SOURCES)
        only_time = second is self._second and not (fold.changed or desk.changed or evicted)
        only_time = only_time and all(isinstance(line, Progress) for _, line in frame.lines)
        return Delta(desk.outputs, changed, Carry(desk, fold, sources, second, evicted), only_time)

    def _apply(self, desk: Desk, fold: Fold, second: Stage2, line: ConditionLine, sources: dict[str, int]) -> None:
        if isinstance(line, Condition):
            if apply_condition(desk, line):
                second.take(fold, line)
        elif isinstance(line, Verb):
            apply_verb(desk, line)
        elif isinstance(line, Progress):
            newest = max(sources.get(line.source, 0), self._sources.get(line.source, 0))
            sources[line.source] = max(newest, line.log)
            second.advance(fold, {**self._sources, **sources})
        else:
            desk.counts["ioc_alerts_partials_total"] += 1
            second.take(fold, line)
        self._raise_all(desk, fold)

    def _raise_all(self, desk: Desk, fold: Fold) -> None:
        """Conditions that stage 2 made become alerts like all others."""
        for output in fold.outputs:
            assert isinstance(output, Condition)
            apply_condition(desk, output)
        fold.outputs.clear()

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
        self._log = carry.fold.log
        self._sources.update(carry.sources)
        if carry.second is not self._second:
            self._second, self._describer = carry.second, carry.desk.describer
        self._out_of_service = carry.fold.out_of_service
        for second_key, found in carry.fold.changed.items():
            if found is None:
                self._second_states.pop(second_key, None)
            else:
                self._second_states[second_key] = found
        for key, state in carry.desk.changed.items():
            self._states[key] = state
            self._closed.pop(key, None)
            if state.alert is None:
                self._closed[key] = state.closed_at
        for key in carry.evicted:
            self._states.pop(key, None)
            self._closed.pop(key, None)
        self.counters.update(carry.desk.counts)
        self.counters.update(carry.fold.counts)
