"""`ioc config`: check and show the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.output import AsJson, Sets, show

group = typer.Typer(no_args_is_help=True)

ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file instead of ioc.toml.")]


@group.command()
def check(sets: Sets = [], config: ConfigFile = None) -> None:  # noqa: B006  (typer copies it)
    """Read the settings and say whether they are right."""
    from pipeline.config import load

    load(sets, config)
    print("settings are right")


@group.command("show")
def show_all(sets: Sets = [], config: ConfigFile = None, as_json: AsJson = False) -> None:  # noqa: B006
    """Every setting with its origin; secrets are hidden."""
    from pipeline.config import explained, layers, validated

    found = layers(sets, config)
    rows = [setting._asdict() for setting in explained(validated(found), found)]
    show(rows, ("path", "value", "origin"), as_json=as_json)
