"""`ioc bench`: throughput, latency and accuracy, measured on a stack of their own."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.cli.output import AsJson
from pipeline.core.errors import BadInput

_ALL = "all"


def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A benchmark, or `all`.")],
    as_json: AsJson = False,
) -> None:
    """Run a benchmark and print its figures."""
    from pipeline.bench import BENCHMARKS
    from pipeline.core.telemetry import configure_logs

    if name not in (*BENCHMARKS, _ALL):
        raise BadInput("NAME", name, "one of " + ", ".join((*BENCHMARKS, _ALL)))
    configure_logs("bench")
    figures = {chosen: dict(BENCHMARKS[chosen]()) for chosen in (BENCHMARKS if name == _ALL else [name])}
    if as_json:
        print(json.dumps(figures if name == _ALL else figures[name]))
        return
    for chosen, found in figures.items():
        for figure, value in found.items():
            print(f"{chosen}  {figure:20} {value:,.2f}")
