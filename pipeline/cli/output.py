"""How commands print lists: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Sets = Annotated[list[str], typer.Option("--set", help="section.key=value, stronger than files and environment.")]


def show(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], *, as_json: bool) -> None:
    """Print `rows`: as one JSON array, or as columns under their names."""
    if as_json:
        print(json.dumps(list(rows), ensure_ascii=False, indent=2))
        return
    names = list(columns)
    table = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(names))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else str(value)
