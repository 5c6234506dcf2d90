"""The command line `ioc`: one row a command; its module is imported only when it is asked for.

Exit codes: 0 done, 1 found faults, 2 wrong usage or settings, 3 a service is missing.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import NamedTuple

import typer

from pipeline.core.errors import IocError


class Row(NamedTuple):
    """`target` is `module:attribute`: a function is a command, a typer application is a group."""

    target: str
    help: str


COMMANDS = {
    "up": Row("pipeline.cli.stack:up", "Start the local stack."),
    "down": Row("pipeline.cli.stack:down", "Stop the local stack, and whatever was left of one."),
    "status": Row("pipeline.cli.stack:status", "Show what runs in the local stack."),
    "doctor": Row("pipeline.cli.stack:doctor", "Check this machine and the stack, with a remedy for each fault."),
    "run": Row("pipeline.cli.run:group", "Run one of the long-running parts."),
    "topics": Row("pipeline.cli.topics:topics", "Create and check the Kafka topics."),
    "db": Row("pipeline.cli.topics:database", "Migrate the database."),
    "prepare": Row("pipeline.cli.topics:prepare", "Make topics and tables, once before the parts run."),
    "catalogue": Row("pipeline.cli.catalogue:group", "Areas, sites, types, devices and cameras from files."),
    "device": Row("pipeline.cli.device:group", "Register, list, show and retire devices."),
    "area": Row("pipeline.cli.area:group", "Register areas with their validity, show the tree."),
    "calendar": Row("pipeline.cli.calendar:group", "Working days: a centre's own days, public holidays, deadlines."),
    "camera": Row("pipeline.cli.camera:group", "Register and list cameras."),
    "vision": Row("pipeline.cli.vision:group", "Measure detectors and tracking against truth."),
    "deadletter": Row("pipeline.cli.deadletter:group", "List, show and retry what could not be used."),
    "person": Row("pipeline.cli.person:group", "Who may log in to the console."),
    "rule": Row("pipeline.cli.rule:app", "Check, test, backtest and apply rules."),
    "demo": Row("pipeline.cli.demo:demo", "Start everything and play a storm over 40 simulated devices."),
    "bench": Row("pipeline.cli.bench:group", "Measure the hot paths against a limit or a peer."),
    "config": Row("pipeline.cli.config:group", "Check and show the settings."),
}


def main() -> None:
    """Run one command; an error of ours is one sentence on standard error and an exit code."""
    _quiet_libraries()
    try:
        application(sys.argv[1:])()
    except IocError as error:
        print(f"ioc: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _quiet_libraries() -> None:
    """What aiokafka says of a missing broker we say in one sentence; IOC_LOG_LEVEL=DEBUG lets it speak."""
    if os.environ.get("IOC_LOG_LEVEL", "").upper() != "DEBUG":
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def application(arguments: list[str]) -> typer.Typer:
    """The typer application, with only the command that `arguments` name imported."""
    asked = next((word for word in arguments if not word.startswith("-")), None)
    app = typer.Typer(
        name="ioc",
        help=__doc__.partition("\n")[0].partition(":")[0] + ".",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for name, row in COMMANDS.items():
        _add(app, name, row, load=name == asked)
    return app


def _root() -> None:
    """Streaming event pipeline of an Intelligent Operations Centre."""


def _add(app: typer.Typer, name: str, row: Row, *, load: bool) -> None:
    if not load:
        app.command(name, help=row.help)(_root)  # only its name and help are shown
        return
    module, _, attribute = row.target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=name, help=row.help)
    else:
        app.command(name, help=row.help)(target)
