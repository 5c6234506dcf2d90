"""`ioc area`: register areas with their validity, and show the tree."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import moment, registry, settings
from pipeline.core.catalogue import Area, Kind
from pipeline.core.clock import rfc3339

group = typer.Typer(no_args_is_help=True)


@group.command()
def add(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    parent: Annotated[str, typer.Option(help="The area around it.")] = "",
    vi: Annotated[str, typer.Option(help="Name in Vietnamese.")] = "",
    en: Annotated[str, typer.Option(help="Name in English.")] = "",
    since: Annotated[str, typer.Option("--from", help="Exists from this time, RFC 3339.")] = "",
    until: Annotated[str, typer.Option("--to", help="Exists until before this time.")] = "",
    sets: Sets = [],  # noqa: B006
) -> None:
    """Register an area, or change it; its polygon comes with `ioc catalogue apply`."""
    from devices.registry import document_of

    raw: dict[str, object] = {"id": id_, "parent": parent, "title": {"vi": vi, "en": en}}
    raw |= {"valid_from": moment("--from", since), "valid_to": moment("--to", until)}
    with registry(settings(sets)) as open_registry:
        before = open_registry.find(Kind.AREA, id_)
        polygon = before.polygon if isinstance(before, Area) else ()
        stored = open_registry.put(document_of("area", {**raw, "polygon": polygon}))
    print(f"area/{stored.id} version {stored.version}")


@group.command("list")
def list_(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """List all areas, each below the one around it."""
    with registry(settings(sets)) as open_registry:
        areas = open_registry.list(Kind.AREA)
    rows = [
        {
            "id": "  " * (0 if as_json else depth) + area.id,
            "parent": area.parent,
            "title": area.title.best("vi"),
            "from": "" if area.valid_from is None else rfc3339(area.valid_from),
            "to": "" if area.valid_to is None else rfc3339(area.valid_to),
        }
        for depth, area in as_tree(areas)
    ]
    show(rows, ["id", "parent", "title", "from", "to"], as_json=as_json)


def as_tree(areas: list[Area]) -> list[tuple[int, Area]]:
    """Areas with their depth, each followed by those below it."""
    below: dict[str, list[Area]] = {}
    for area in areas:
        below.setdefault(area.parent, []).append(area)
    found: list[tuple[int, Area]] = []
    waiting = [(0, area) for area in reversed(below.get("", []))]
    while waiting:
        depth, area = waiting.pop()
        found.append((depth, area))
        waiting += [(depth + 1, one) for one in reversed(below.get(area.id, []))]
    return found
