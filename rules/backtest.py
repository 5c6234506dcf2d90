"""Rules over recorded events, with the very engine that runs live: what would have been raised, and when.

Not simulated: producers, ticks between lines, and loss. Log time is each line's `log`, or its `at`.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pipeline.core.catalogue import Kind, RuleDocument
from pipeline.core.clock import parse_rfc3339
from pipeline.core.conditions import Condition, Partial
from pipeline.core.errors import BadInput
from pipeline.core.events import Case, Detection, Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from pipeline.core.misfit import misfit
from pipeline.core.quantities import QUANTITIES
from rules.alerts.stage2 import Stage2
from rules.engine.catalogue import Catalogue
from rules.engine.engine import Engine
from rules.engine.fold import Fold
from rules.engine.settings import Rule
from rules.engine.world import World

TOPICS: dict[type[Event], str] = {
    Reading: "ioc.readings.v1",
    Detection: "ioc.detections.v1",
    Case: "ioc.cases.v1",
}
_TIMES = ("at", "log", "device_at", "opened_at", "due_at")


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One recorded event with its log time (ms), partition, and place there when it is known."""

    event: Event
    log: int
    partition: int = 0
    offset: int | None = None
    line: int = 0

    @property
    def topic(self) -> str:
        """The topic that carries such events."""
        return TOPICS[type(self.event)]


def parse_input(line: dict[str, Any], where: str = "") -> Input:
    """An input line: the shape of an event, with optional `log` and `partition`. Raises BadInput."""
    data = {key: _ms(key, value, where) if key in _TIMES else value for key, value in line.items()}
    shape = _shape(data, where)
    try:
        event = msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        wrong = misfit(error)
        field = "line" if wrong.field == "document" else f"line.{wrong.field}"
        raise BadInput(field, line, wrong.said.en, where, vi=wrong.said.vi) from error
    if isinstance(event, Reading):
        event = _canonical(event, where)
    log, partition = data.get("log", event.at), data.get("partition", 0)  # type: ignore[attr-defined]
    if not isinstance(log, int) or not isinstance(partition, int):
        wanted = "log in ms and partition as whole numbers"
        raise BadInput("log", log, wanted, where, vi="log (tính bằng ms) và partition là số nguyên")
    return Input(event=event, log=log, partition=partition)


def _shape(data: dict[str, Any], where: str) -> type[Event]:
    if not isinstance(data.get("at"), int):
        raise _no_time("at", data.get("at"), where)
    if "device" in data:
        return Reading
    if "camera" in data:
        return Detection
    if "case" in data:
        return Case
    raise BadInput(
        "line",
        data,
        "a reading (device), a detection (camera) or a case (case)",
        where,
        vi="số liệu đo (device), phát hiện của camera (camera) hoặc hồ sơ (case)",
    )


def _no_time(field: str, value: object, where: str) -> BadInput:
    return BadInput(
        field,
        value,
        "ms since the epoch or an RFC 3339 time with offset",
        where,
        vi="số ms từ 1970-01-01 hoặc giờ RFC 3339 có múi giờ",
    )


def _ms(field: str, value: object, where: str) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_rfc3339(value)
    except ValueError as wrong:
        raise _no_time(field, value, where) from wrong


def _canonical(reading: Reading, where: str) -> Reading:
    """Values in the canonical unit, as the door would have made them."""
    row = QUANTITIES.get(reading.quantity)
    if row is None or reading.value is None or reading.unit == row.unit:
        return reading
    if reading.unit and reading.unit not in row.units:
        raise BadInput.one_of(f"{reading.quantity}: unit", reading.unit, row.units, where)
    value = row.canonical(reading.value, reading.unit)
    return msgspec.structs.replace(reading, value=value, unit=row.unit)


def rule_changes(rules: Iterable[Rule]) -> list[CatalogueChange]:
    """Rules as the catalogue would bring them."""
    return [
        CatalogueChange(0, Kind.RULE, rule.id, RuleDocument(id=rule.id, rule=rule.source, sha256=rule.version))
        for rule in rules
    ]


def backtest(
    rules: Sequence[Rule],
    inputs: Iterable[Input],
    *,
    catalogue: Sequence[CatalogueChange] = (),
    until: int | None = None,
) -> list[Condition]:
    """The conditions of `rules` over `inputs`, in order of log time, rule id, key, n.

    Each input line is a frame; lines are taken in the order given within their topic and partition. `until`
    (ms): each partition's L runs on to there after its last line; without it L stays at the last one.
    """
    return Backtest(rules, catalogue).run(inputs, until)


class Backtest:
    """Engines for every (topic, partition) that the input speaks of, and stage 2 over what they write."""

    def __init__(self, rules: Sequence[Rule], catalogue: Sequence[CatalogueChange]) -> None:
        self._changes = [*catalogue, *rule_changes(rules)]
        self._engines: dict[tuple[str, int], Engine] = {}
        self._offsets: dict[tuple[str, int], int] = {}
        self._second: Stage2 | None = None
        self._second_states: dict[bytes, Any] = {}
        self._log: dict[str, int] = {}
        self.counters: Counter[str] = Counter()
        self.derived: list[Reading] = []

    def run(self, inputs: Iterable[Input], until: int | None) -> list[Condition]:
        """See `backtest`."""
        lines = list(inputs)
        self._open(lines)
        found: list[Condition] = []
        for one in lines:
            found += self._fold((one.topic, one.partition), one.log, ((one.line, one.event),), one.offset)
        for place in list(self._engines):
            if until is not None:
                found += self._fold(place, until, ())
        for engine in self._engines.values():
            self.counters.update(engine.counters)
        return sorted(found, key=lambda one: (one.log, one.rule, one.key, one.n, one.episode))

    def _open(self, lines: list[Input]) -> None:
        homes = {one.event.device: (one.topic, one.partition) for one in lines if not isinstance(one.event, Case)}  # type: ignore[attr-defined]
        places = {(one.topic, one.partition) for one in lines} or {(TOPICS[Reading], 0)}
        first = min(places)
        for place in sorted(places):
            self._engines[place] = Engine(*place, changes=self._changes, owns=_owner(place, first, homes))
            self._offsets[place] = 0
        world = World(Catalogue().with_changes(self._changes), {})
        self._second = Stage2(world, [f"{topic}/{partition}" for topic, partition in self._engines])

    def _fold(
        self, place: tuple[str, int], log: int, lines: tuple[tuple[int, Event], ...], offset: int | None = None
    ) -> list[Condition]:
        engine = self._engines[place]
        known = self._offsets[place] if offset is None else offset
        frame = LogFrame(topic=place[0], partition=place[1], offset=known, log=log, lines=lines)
        self._offsets[place] += 1
        delta = engine.fold(frame)
        engine.commit(delta)
        self.derived += [output for output in delta.outputs if isinstance(output, Reading)]
        found = [output for output in delta.outputs if isinstance(output, Condition)]
        partials = [output for output in delta.outputs if isinstance(output, Partial)]
        return [*found, *self._judge([*found, *partials], frame, engine.log or log)]

    def _judge(self, lines: list[Condition | Partial], frame: LogFrame[Event], log: int) -> list[Condition]:
        """What stage 2 makes of what one frame gave, and then of the L that it brought."""
        assert self._second is not None
        if not self._second.seconds:
            return []
        fold = Fold(frame, max([log, *self._log.values()]), self._second_states, {})
        if self._second.world.catalogue.expires(fold.log):
            self._second = self._second.after(fold, (), self._log)
        for line in lines:
            self._second.take(fold, line)
        self._log[f"{frame.topic}/{frame.partition}"] = log
        self._second.advance(fold, self._log)
        self._second_states.update(fold.changed)
        self.counters.update(fold.counts)
        return [output for output in fold.outputs if isinstance(output, Condition)]


def _owner(place: tuple[str, int], first: tuple[str, int], homes: dict[str, tuple[str, int]]) -> Any:
    def owns(device: str) -> bool:
        return homes.get(device, first) == place

    return owns


def partition_of(device: str, partitions: int) -> int:
    """The partition of a device's records: crc32 of its id, modulo the number of partitions."""
    return zlib.crc32(device.encode()) % partitions
