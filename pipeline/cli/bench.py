"""`ioc bench`: how fast the hot paths are, as ratios to a limit or a peer in the same run."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pipeline.cli.output import AsJson, show

group = typer.Typer(no_args_is_help=True)


@group.command()
def worker(
    frames_of: Annotated[int, typer.Option(help="Readings a frame.")] = 50,
    readings: Annotated[int, typer.Option(help="Readings for the framed consumers.")] = 1_000_000,
    single: Annotated[int, typer.Option(help="Readings for idiomatic Faust.")] = 60_000,
    as_json: AsJson = False,
) -> None:
    """The rules worker against a bare consumer and against Faust as its manual teaches it."""
    from pipeline.bench.worker import run

    tell(run(frames_of, readings, single), as_json=as_json)


@group.command()
def path(
    rate: Annotated[float, typer.Option(help="Messages a second.")] = 1000,
    seconds: Annotated[float, typer.Option("--for", help="Seconds.")] = 30,
    as_json: AsJson = False,
) -> None:
    """The whole path: latency from device to alert topic, and whether anything is lost."""
    from pipeline.bench.path import run

    tell(run(rate, seconds), as_json=as_json)


@group.command()
def gateway(
    messages: Annotated[int, typer.Option(min=1000, help="Messages queued for both.")] = 20_000,
    as_json: AsJson = False,
) -> None:
    """The MQTT gateway against a bare subscriber on the same queue."""
    from pipeline.bench.gateway import measure
    from pipeline.core.telemetry import configure_logs

    configure_logs("bench")
    tell(measure(messages), as_json=as_json)


@group.command()
def engine(as_json: AsJson = False) -> None:
    """The rule engine alone: evaluations a second, and what a reading costs with more and more rules."""
    from rules.engine.bench import run

    tell(run(), as_json=as_json)


@group.command()
def month(as_json: AsJson = False) -> None:
    """All packs over one simulated month of 200 series: how long the backtest takes, and what it raises."""
    from pipeline.bench.month import run

    tell(run(), as_json=as_json)


@group.command()
def cameras(
    frames: Annotated[int, typer.Option(min=10, help="Frames of each film.")] = 50,
    as_json: AsJson = False,
) -> None:
    """What cameras cost: decoding by size and codec, and how many quiet ones a core can have."""
    from pipeline.bench.cameras import run
    from pipeline.core.telemetry import configure_logs

    configure_logs("bench")
    found = run(frames)
    if as_json:
        tell(found, as_json=True)
        return
    print(found["cpu"])
    show([{"film": name, **row} for name, row in found["decode"].items()], ["film", *_DECODING], as_json=False)
    show([{"4CIF at 5 fps": name, **found[name]} for name in _CAMERAS], ["4CIF at 5 fps", *_READING], as_json=False)


_DECODING = ("full_ms", "key_ms", "key_to_full", "streams_a_core", "streams_a_core_key")
_READING = ("decode_ms", "reader_ms", "reader_to_decode", "look_ms", "looked_at", "whole_ms", "cameras_a_core")
_CAMERAS = ("quiet", "busy")


@group.command("all")
def all_(as_json: AsJson = False) -> None:
    """Every benchmark with its default load."""
    for benchmark in (engine, month, cameras, worker, path, gateway):
        print(f"--- {benchmark.__name__}")
        benchmark(as_json=as_json)


def tell(found: dict[str, Any], *, as_json: bool) -> None:
    """Print what was measured."""
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        shown = ", ".join(f"{k} {v:,.0f}" for k, v in value.items()) if isinstance(value, dict) else str(value)
        print(f"{name:18} {shown}")


@group.callback()
def _group() -> None:
    """Benchmarks."""
