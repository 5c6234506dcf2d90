"""How fast frames are folded: `python -m rules.engine.bench` prints readings a second as JSON.

1, 10, 100 and 1000 rules are in force, of which two thresholds match each reading; 200 devices take turns,
50 readings a frame. No reading raises anything: this is the common and cheapest case. Decoding, checkpoints and
sending are not part of it. Each figure is taken seven times, because a shared machine doubles or halves one.
"""

from __future__ import annotations

import json
import sys
from statistics import median
from time import perf_counter

from pipeline.core.events import Event, Reading
from pipeline.core.machine import LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text

DEVICES, PER_FRAME, FRAMES, RUNS = 200, 50, 1000, 7
_T0 = 1_795_222_800_000


def measure(rules: int) -> float:
    """Readings a second, fold and commit, with `rules` rules of which two match."""
    engine = Engine("ioc.readings.v1", 0, changes=rule_changes(load_text(_rules(rules)).checked()))
    frames = [_frame(number) for number in range(FRAMES)]
    begin = perf_counter()
    for frame in frames:
        engine.commit(engine.fold(frame))
    return FRAMES * PER_FRAME / (perf_counter() - begin)


def _rules(count: int) -> str:
    matching = min(count, 2)
    return "\n---\n".join(
        f"{{id: r{n:04}, kind: threshold, raise: {{above: 99}}, scope: "
        + ("{quantity: rain_rate}}" if n < matching else f"{{quantity: pm2_5, devices: [x{n}]}}}}")
        for n in range(count)
    )


def _frame(number: int) -> LogFrame[Event]:
    at = _T0 + number * 1000
    first = number * PER_FRAME
    lines = tuple(
        (
            line,
            Reading(device=f"d{(first + line) % DEVICES}", quantity="rain_rate", unit="mm/h", value=12.5, at=at),
        )
        for line in range(PER_FRAME)
    )
    return LogFrame(topic="ioc.readings.v1", partition=0, offset=number, log=at + 20, lines=lines, producer="gw")


def main() -> None:
    """Print the figures."""
    figures = {str(rules): _spread([measure(rules) for _ in range(RUNS)]) for rules in (1, 10, 100, 1000)}
    sys.stdout.write(json.dumps({"readings_per_second_by_rules": figures, "matching": "2 (1 of 1)"}) + "\n")


def _spread(rates: list[float]) -> dict[str, int]:
    return {"worst": round(min(rates)), "median": round(median(rates)), "best": round(max(rates))}


if __name__ == "__main__":
    main()
