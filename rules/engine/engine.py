"""The engine of one (topic, partition): frames in, conditions out. Pure: no I/O, no clock."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from pipeline.core.conditions import Progress
from pipeline.core.events import Case, Detection, Event, Reading
from pipeline.core.machine import CatalogueChange, Delta, LogFrame
from rules.engine import failures, generations, producers
from rules.engine.catalogue import Catalogue
from rules.engine.dumps import dump_state, load_state
from rules.engine.fold import Fold, Output
from rules.engine.news import greet, take_news
from rules.engine.watch import Watch, as_reading
from rules.engine.world import World

READINGS = "ioc.readings.v1"
PROGRESS_EVERY_MS = 500
_META = b"L"
_Timer = tuple[int, int, str, bytes]


class Meta(msgspec.Struct, frozen=True, array_like=True):
    """What the partition itself remembers: L, and L at the newest progress line."""

    log: int
    told: int


class Carry(msgspec.Struct):
    """What a delta brings to its commit."""

    fold: Fold
    world: World
    heap_new: list[_Timer]


def owns_all(_device: str) -> bool:
    """Every device belongs to this partition."""
    return True


class Engine:
    """Implements `Machine[Event, Condition | Partial | Progress]`.

    `changes`: the catalogue as of the saved offset. `state`: what `dump` gave, by key; None or empty at the
    very first start. `owns`: whether a device's records come on this partition (absence rules watch devices
    that never sent anything). `reports_producers`: whether this partition tells of silent producers; all
    partitions notice them. `counters`: totals since the start, under the names of their metrics.
    """

    def __init__(
        self,
        topic: str,
        partition: int,
        *,
        changes: Iterable[CatalogueChange] = (),
        state: Mapping[bytes, bytes] | None = None,
        owns: Callable[[str], bool] = owns_all,
        reports_producers: bool | None = None,
    ) -> None:
        self.topic, self.partition, self._owns = topic, partition, owns
        first = topic == READINGS and partition == 0
        self._reports = first if reports_producers is None else reports_producers
        saved = (state or {}).get(_META)
        self._meta = None if saved is None else msgspec.msgpack.decode(saved, type=Meta)
        self._world = World(Catalogue(self.log).with_changes(changes), {})
        self.counters: Counter[str] = Counter()
        self._states: dict[bytes, Any] = {}
        self._heap: list[_Timer] = []
        self._popped: list[_Timer] = []
        self._armed: dict[bytes, int] = {}
        self._producers: list[bytes] = []
        self._out_of_service: set[str] = set()
        self._greeted = False
        self._load(state or {})

    @property
    def log(self) -> int | None:
        """L: the newest log time seen, ms."""
        return None if self._meta is None else self._meta.log

    @property
    def world(self) -> World:
        """Rules and catalogue as of the last committed frame."""
        return self._world

    def state_keys(self) -> list[bytes]:
        """All state keys, for a first full checkpoint."""
        return [*self._states, *([_META] if self._meta is not None else [])]

    def dump(self, key: bytes) -> bytes | None:
        """The committed state under `key`, encoded; None when it is gone."""
        if key == _META:
            return None if self._meta is None else msgspec.msgpack.encode(self._meta)
        state = self._states.get(key)
        return None if state is None else dump_state(state)

    def _load(self, saved: Mapping[bytes, bytes]) -> None:
        for key, raw in saved.items():
            if key != _META:
                self._states[key] = load_state(raw)
        self._producers = sorted(key for key in self._states if key.startswith(producers.PREFIX))
        failed = (key for key in self._states if key.startswith(failures.PREFIX))
        self._out_of_service = {key[len(failures.PREFIX) :].decode() for key in failed}
        for key, state in self._states.items():
            watch = self._watch_of(key)
            due = None if watch is None else watch.due(state)
            if watch is not None and due is not None:
                self._push(key, watch, due)
        self._greeted = self._meta is not None

    def _watch_of(self, key: bytes) -> Watch | None:
        return self._world.watch(key) if key.startswith(b"c|") else None

    def _push(self, key: bytes, watch: Watch, due: int) -> None:
        self._armed[key] = due + watch.lateness
        heapq.heappush(self._heap, (due + watch.lateness, due, watch.rule.id, key))

    # --- folding

    def fold(self, frame: LogFrame[Event]) -> Delta[Output]:
        """The outputs and state changes of one frame. Changes nothing until `commit`."""
        self._restore_timers()
        log = frame.log if self._meta is None else max(self._meta.log, frame.log)
        fold = Fold(frame, log, self._states, self._armed, self._out_of_service)
        world = self._world
        if not self._greeted:
            greet(fold, world, self._owns)
        if frame.news or world.catalogue.expires(log):
            world = take_news(fold, world, frame.news, self._owns)
        producers.miss(fold, self._producers, self._reports)
        producers.hear(fold, self._reports)
        if frame.lost:
            failures.report_gap(fold)
        waiting: list[_Timer] = []
        self._run_timers(fold, world, waiting)
        self._apply_lines(fold, world, waiting)
        self._tell_progress(fold)
        return Delta(fold.outputs, {*fold.changed, _META}, Carry(fold, world, waiting), _only_time(fold))

    def commit(self, delta: Delta[Output]) -> None:
        """Make a delta of `fold` the state."""
        assert isinstance(delta.carry, Carry)
        fold, self._world = delta.carry.fold, delta.carry.world
        for key, state in fold.changed.items():
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state
        self._out_of_service = fold.out_of_service
        if fold.producers_changed:
            self._producers = sorted(key for key in self._states if key.startswith(producers.PREFIX))
        self._settle_timers(fold, delta.carry.heap_new)
        told = fold.frame.log if self._meta is None else self._meta.told
        self._meta = Meta(fold.log, fold.log if _told(fold) else told)
        self.counters.update(fold.counts)
        self._greeted = True

    def _settle_timers(self, fold: Fold, waiting: list[_Timer]) -> None:
        for timer in self._popped:
            if self._armed.get(timer[3]) == timer[0]:
                del self._armed[timer[3]]
        self._popped = []
        for timer in waiting:
            heapq.heappush(self._heap, timer)
            self._armed[timer[3]] = min(timer[0], self._armed.get(timer[3], timer[0]))

    def _restore_timers(self) -> None:
        """Put back what an earlier fold took from the heap and never committed."""
        for timer in self._popped:
            heapq.heappush(self._heap, timer)
        self._popped = []

    def _apply_lines(self, fold: Fold, world: World, waiting: list[_Timer]) -> None:
        """Each line by all its rules, then the timers that it made due: how lines are packed must not matter."""
        out_of_service = fold.out_of_service
        for line, event in fold.frame.lines:
            if generations.is_old(fold, event):
                continue
            reading: Reading | None
            if type(event) is Reading:
                reading, watches = event, world.of_reading(event)
                usable = event.usable if watches else False
            elif isinstance(event, Detection):
                reading, watches = as_reading(event), world.of_detection(event)
                usable, fold.evidence = True, event.evidence
            elif isinstance(event, Case):
                reading, watches, usable = as_reading(event), world.of_case(event), True
            else:
                continue
            assert reading is not None
            for watch in watches:
                if (usable or watch.any_quality) and watch.rule.id not in out_of_service:
                    try:
                        watch.read(fold, reading, line)
                    except Exception as error:  # noqa: BLE001 - one rule's fault must not stop the others; reported
                        failures.fail(fold, world, watch.rule, error)
            if fold.derived:
                self._apply_derived(fold, world, line)
            if fold.timers:
                self._run_timers(fold, world, waiting)

    def _apply_derived(self, fold: Fold, world: World, line: int) -> None:
        """Each derived reading by all its rules, none of which derives. Its own time is its now."""
        while fold.derived:
            reading = fold.derived.pop(0)
            fold.outputs.append(reading)
            fold.now = reading.at
            for watch in world.of_reading(reading):
                if watch.takes_derived and watch.rule.id not in fold.out_of_service:
                    try:
                        watch.read(fold, reading, line)
                    except Exception as error:  # noqa: BLE001 - one rule's fault must not stop the others; reported
                        failures.fail(fold, world, watch.rule, error)
        fold.now = fold.log

    def _run_timers(self, fold: Fold, world: World, waiting: list[_Timer]) -> None:
        """Fire what is due, by (due, rule id, key), until nothing is; the rest goes to `waiting`."""
        ready: list[tuple[int, str, bytes]] = []
        while self._heap and self._heap[0][0] < fold.log:
            timer = heapq.heappop(self._heap)
            self._popped.append(timer)
            fold.armed[timer[3]] = 2**62
            ready.append(timer[1:])
        heapq.heapify(ready)
        self._take_armed(fold, world, ready, waiting)
        while ready:
            due, _, key = heapq.heappop(ready)
            self._fire(fold, world, key, due)
            self._take_armed(fold, world, ready, waiting)

    def _take_armed(self, fold: Fold, world: World, ready: list[tuple[int, str, bytes]], waiting: list[_Timer]) -> None:
        for key, due, lateness in fold.timers:
            rule = key.decode().split("|", 2)[1]
            if due + lateness < fold.log:
                fold.armed[key] = 2**62
                heapq.heappush(ready, (due, rule, key))
            else:
                waiting.append((due + lateness, due, rule, key))
        fold.timers.clear()

    def _fire(self, fold: Fold, world: World, key: bytes, due: int) -> None:
        """Wake one watch, if its state still waits for `due`; else arm what it waits for."""
        watch, state = world.watch(key), fold.state(key)
        if watch is None or state is None or watch.rule.id in fold.out_of_service:
            return
        wants = watch.due(state)
        if wants is None:
            return
        if wants != due or due + watch.lateness >= fold.log:
            fold.arm(key, wants, watch.lateness)
            return
        try:
            watch.tick(fold, due)
            state = fold.state(key)
            if state is not None:
                fold.arm(key, watch.due(state), watch.lateness)
        except Exception as error:  # noqa: BLE001 - one rule's fault must not stop the others; reported
            failures.fail(fold, world, watch.rule, error)
        if fold.derived:
            self._apply_derived(fold, world, 0)

    def _tell_progress(self, fold: Fold) -> None:
        if self._meta is None or fold.log - self._meta.told >= PROGRESS_EVERY_MS:
            fold.outputs.append(Progress(source=f"{self.topic}/{self.partition}", log=fold.log))


def _only_time(fold: Fold) -> bool:
    return (
        not (fold.frame.lines or fold.frame.news)
        and all(key.startswith(producers.PREFIX) for key in fold.changed)
        and all(isinstance(output, Progress) for output in fold.outputs)
    )


def _told(fold: Fold) -> bool:
    return bool(fold.outputs) and isinstance(fold.outputs[-1], Progress)
