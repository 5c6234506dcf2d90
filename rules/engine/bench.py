"""How fast frames are folded, in plain scalar code on one core: fold and commit, 50 readings a frame.

Two figures. *Matching*: 1,000 rules of mixed kinds (thresholds with levels, for, clear and attributes; range, jump,
repeat, rate, flatline, window) over 10,000 series, ten of which match each reading: evaluations a second. *Not
matching*: cost of a reading with 1 to 10,000 rules in force of which two match; it should be flat. Values come near the
bounds and cross them now and then. Decoding, checkpoints and sending are not part of it. Seconds are the processor's:
what else runs on the machine is not counted. Rates are medians, costs the least: noise only adds.
"""

from __future__ import annotations

from statistics import median
from time import process_time

import msgspec

from pipeline.core.catalogue import Device, Kind
from pipeline.core.conditions import Condition
from pipeline.core.events import Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text

BAR = 200_000
"""Matching evaluations a second on one core that this engine must reach."""
PER_FRAME = 50
SERIES, QUANTITIES, MIXED = 10_000, 10, 1000
COUNTS = (1, 10, 100, 1000, 10_000)
_T0 = 1_795_222_800_000
_NAMES = (
    "rain_rate",
    "air_temperature",
    "relative_humidity",
    "pm2_5",
    "water_level",
    "wind_speed",
    "noise_level",
    "turbidity",
    "battery_level",
    "mean_speed",
)


class Matching(msgspec.Struct, frozen=True):
    """Figures of the mixed rules. `share_raising`: conditions written per evaluation."""

    rules: int
    series: int
    matching_per_reading: float
    evaluations_per_second: int
    readings_per_second: int
    share_raising: float
    bar: int = BAR


def matching(frames: int = 400, runs: int = 3) -> Matching:
    """Evaluations a second of 1,000 mixed rules, a hundred for each of ten quantities, ten of which match a reading."""
    engine_changes = [*_devices(), *rule_changes(load_text(_mixed()).checked())]
    rates, raised, evaluations = [], 0, 0
    for _ in range(runs):
        engine = Engine("ioc.readings.v1", 0, changes=engine_changes)
        warm = SERIES // PER_FRAME
        for number in range(warm):
            engine.commit(engine.fold(_frame(number)))
        work = [_frame(number) for number in range(warm, warm + frames)]
        begin = process_time()
        for frame in work:
            delta = engine.fold(frame)
            engine.commit(delta)
            raised += len([output for output in delta.outputs if isinstance(output, Condition)])
        rates.append(frames * PER_FRAME / (process_time() - begin))
        readings = (line for frame in work for _, line in frame.lines if isinstance(line, Reading))
        evaluations += sum(len(engine.world.of_reading(line)) for line in readings)
    each = evaluations / (runs * frames * PER_FRAME)
    return Matching(
        MIXED, SERIES, each, round(median(rates) * each), round(median(rates)), round(raised / evaluations, 5)
    )


def _mixed() -> str:
    """A hundred rules for each quantity: those of one tenth of the devices, by tag."""
    return "\n---\n".join(_rule(number) for number in range(MIXED))


def _rule(number: int) -> str:
    quantity, tenth = _NAMES[number % QUANTITIES], number // QUANTITIES % 10
    scope = f"{{quantity: {quantity}, tags: [t{tenth}]}}"
    return f"{{id: r{number:04}, scope: {scope}, kind: {_KINDS[number // 100]}}}"


_KINDS = (
    "threshold, raise: {above: 99}",
    "threshold, raise: {minor: {above: 98}, major: {above: 99, for: 10m}}, for: 5m",
    "threshold, raise: {above: {attribute: limit}}, clear: {below: 90, for: 2m}",
    'threshold, raise: {above: 98.5}, schedule: {when: "daily 06:00-22:00"}',
    "range, range: [-50, 99], severity: major",
    "jump, limit: 60, within: 10m",
    "repeat, raise: {above: 98}, times: 2, of: 5",
    "rate, per: 1h, readings: 3, raise: {above: 5000}",
    "flatline, n: 6, over: 1h, eps: 0",
    "window, window: {size: 10m, aggregate: mean}, raise: {above: 99}",
)
"""One for each of the ten rules that match a reading: four thresholds and six other kinds."""


def _devices() -> list[CatalogueChange]:
    documents = (
        Device(id=f"d{n}", type="t", site="s", attributes={"limit": 98.0}, tags=(f"t{n % 10}",))
        for n in range(SERIES // QUANTITIES)
    )
    return [CatalogueChange(0, Kind.DEVICE, one.id, one) for one in documents]


def _frame(number: int) -> LogFrame[Event]:
    """Fifty readings; each series has one in every 200 frames. One value in a thousand is above the bounds."""
    at = _T0 + number * 1000
    lines = tuple((line, _reading(number * PER_FRAME + line, at)) for line in range(PER_FRAME))
    return LogFrame(topic="ioc.readings.v1", partition=0, offset=number, log=at + 20, lines=lines, producer="gw")


def _reading(count: int, at: int) -> Reading:
    series = count % SERIES
    value = 99.5 if count % 997 == 0 else 40.0 + count % 50
    return Reading(device=f"d{series // QUANTITIES}", quantity=_NAMES[series % QUANTITIES], value=value, at=at)


def costs(frames: int = 600, runs: int = 5) -> dict[str, float]:
    """Microseconds a reading by the number of rules in force, of which two match: the least of all runs."""
    return {str(count): round(min(_cost(count, frames) for _ in range(runs)), 2) for count in COUNTS}


def _cost(rules: int, frames: int) -> float:
    engine = Engine("ioc.readings.v1", 0, changes=_prepared(rules))
    work = [_alike(number) for number in range(frames + 4)]
    for frame in work[:4]:
        engine.commit(engine.fold(frame))
    begin = process_time()
    for frame in work[4:]:
        engine.commit(engine.fold(frame))
    return (process_time() - begin) / (frames * PER_FRAME) * 1e6


def _prepared(rules: int) -> list[CatalogueChange]:
    if rules not in _PREPARED:
        _PREPARED[rules] = rule_changes(load_text(text).checked()[0] for text in _few(rules))
    return _PREPARED[rules]


_PREPARED: dict[int, list[CatalogueChange]] = {}


def _few(count: int) -> list[str]:
    scopes = ["{quantity: rain_rate}"] * min(count, 2) + [
        f"{{quantity: pm2_5, devices: [x{n}]}}" for n in range(2, count)
    ]
    return [f"{{id: r{n:05}, kind: threshold, raise: {{above: 99}}, scope: {scope}}}" for n, scope in enumerate(scopes)]


def _alike(number: int) -> LogFrame[Event]:
    at, first = _T0 + number * 1000, number * PER_FRAME
    lines = tuple(
        (line, Reading(device=f"d{(first + line) % 200}", quantity="rain_rate", unit="mm/h", value=12.5, at=at))
        for line in range(PER_FRAME)
    )
    return LogFrame(topic="ioc.readings.v1", partition=0, offset=number, log=at + 20, lines=lines, producer="gw")


def run() -> dict[str, object]:
    """Both figures."""
    return {"matching": msgspec.to_builtins(matching()), "microseconds_a_reading_by_rules": costs()}
