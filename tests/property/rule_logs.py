"""Random logs of frames, and running engines over them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st

from pipeline.core.catalogue import Device, DeviceType, Document, Kind
from pipeline.core.conditions import Condition, Progress
from pipeline.core.events import Event, Quality, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text

T0 = 1_795_222_800_000
RULES = """
id: r.for
kind: threshold
scope: {quantity: air_temperature}
raise: {minor: {above: 5}, major: {above: 8, for: 20s, clear: {below: 6, for: 10s}}}
for: 15s
clear: {below: 4, for: 10s}
---
id: r.now
kind: threshold
scope: {quantity: air_temperature}
raise: {warning: {above: 5}, critical: {outside: [1, 8]}}
---
id: r.hours
kind: threshold
scope: {quantity: air_temperature}
raise: {above: 5}
for: 5s
schedule: {when: "daily 08:01-08:02; daily 08:03-08:05"}
---
id: r.gone
kind: absence
scope: {quantity: air_temperature}
after: 40s
---
id: r.mean
kind: window
scope: {quantity: air_temperature}
window: {size: 20s, aggregate: mean}
raise: {warning: {above: 4}, major: {above: 7}}
for: 20s
---
id: r.count
kind: window
scope: {quantity: air_temperature}
window: {type: hopping, size: 30s, every: 10s, aggregate: count}
raise: {above: 3}
clear: {below: 2}
"""
CATALOGUE: list[Document] = [
    DeviceType(id="fast", period_s=20, delay_s=8),
    *(Device(id=name, type="fast", site="s", active_from=T0) for name in ("d1", "d2")),
]
_KINDS: dict[type[Document], Kind] = {DeviceType: Kind.TYPE, Device: Kind.DEVICE}


def changes() -> list[CatalogueChange]:
    """The catalogue and rules of these tests."""
    documents = [CatalogueChange(0, _KINDS[type(one)], one.id, one) for one in CATALOGUE]
    return [*documents, *rule_changes(load_text(RULES).checked())]


_reading = st.builds(
    lambda device, value, age, seq, quality, historical: (device, value, age, seq, quality, historical),
    st.sampled_from(["d1", "d2"]),
    st.integers(0, 10),
    st.one_of(st.just(0), st.integers(0, 12_000), st.integers(0, 90_000)),
    st.integers(0, 1),
    st.sampled_from([Quality.GOOD] * 6 + [Quality.BAD]),
    st.sampled_from([False] * 9 + [True]),
)
_frame = st.tuples(st.integers(0, 30_000), st.lists(_reading, max_size=3), st.sampled_from(["gw", "gw", "cam"]))


def _build(raw: list[Any]) -> list[LogFrame[Event]]:
    log, frames = T0, []
    for offset, (step, readings, producer) in enumerate(raw):
        log += step
        lines = tuple((index, _event(one, log)) for index, one in enumerate(readings))
        frames.append(
            LogFrame[Event](
                topic="ioc.readings.v1", partition=0, offset=offset, log=log, lines=lines, producer=producer
            )
        )
    return frames


def _event(raw: tuple[str, int, int, int, Quality, bool], log: int) -> Event:
    device, value, age, seq, quality, historical = raw
    return Reading(
        device=device,
        quantity="air_temperature",
        value=float(value),
        at=log - age,
        seq=seq,
        quality=quality,
        historical=historical,
    )


logs: st.SearchStrategy[list[LogFrame[Event]]] = st.lists(_frame, min_size=1, max_size=25).map(_build)
"""Logs of up to 25 frames over some minutes: late, repeated, bad and historical readings among them."""


def tick(log: int, producer: str = "") -> LogFrame[Event]:
    """A frame without lines."""
    return LogFrame(topic="ioc.readings.v1", partition=0, offset=0, log=log, producer=producer)


def run(frames: Iterable[LogFrame[Event]], between: Callable[[Engine], Engine] = lambda same: same) -> list[Condition]:
    """The conditions of a log; `between` may swap the engine after each frame."""
    engine = Engine("ioc.readings.v1", 0, changes=changes())
    found: list[Condition] = []
    for frame in frames:
        delta = engine.fold(frame)
        engine.commit(delta)
        found += [output for output in delta.outputs if not isinstance(output, Progress)]  # type: ignore[misc]
        engine = between(engine)
    return found


def outcome(conditions: Iterable[Condition]) -> list[tuple[Any, ...]]:
    """What a log led to, without when it was told."""
    return sorted(
        (one.key, one.episode, one.n, one.edge, one.severity, one.at, one.reason or "", one.late, one.id)
        for one in conditions
    )
