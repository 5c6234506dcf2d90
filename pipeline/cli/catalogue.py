"""`ioc catalogue`: areas, sites, types, devices, cameras, groups and calendars from YAML files, and lists of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pipeline.cli.exactness import exactness
from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import not_yaml, registry, settings
from pipeline.core.catalogue import Kind
from pipeline.core.errors import BadInput

group = typer.Typer(no_args_is_help=True)
_ORDER = ("area", "site", "type", "device", "camera", "group", "calendar")


@group.command()
def apply(files: Annotated[list[Path], typer.Argument(metavar="FILE...")], sets: Sets = []) -> None:  # noqa: B006
    """Store documents of YAML files: `area: [...]`, `site: [...]`, `type: [...]`, `device: [...]`, `camera: [...]`.

    All or nothing. Devices get no credential here; `ioc device add` makes one.
    """
    from devices.registry import document_of

    found = [(kind, raw) for path in files for kind, raw in _documents(path)]
    with registry(settings(sets)) as open_registry:
        for kind, raw in sorted(found, key=lambda pair: _ORDER.index(pair[0])):
            stored = open_registry.put(document_of(kind, raw))
            print(f"{kind}/{stored.id} version {stored.version}{exactness(stored)}")


@group.command("list")
def list_(kind: str, as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """List the documents of one kind."""
    if kind not in (*_ORDER, "rule"):
        raise BadInput.one_of("kind", kind, (*_ORDER, "rule"))
    with registry(settings(sets)) as open_registry:
        documents = open_registry.list(Kind(kind))
    rows = [{"id": d.id, "title": d.title.best("vi"), "version": d.version} for d in documents]
    show(rows, ["id", "title", "version"], as_json=as_json)


def _documents(path: Path) -> list[tuple[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise not_yaml("FILE", path, error) from None
    if not isinstance(content, dict) or not set(content) <= set(_ORDER):
        names = ", ".join(_ORDER)
        raise BadInput("FILE", str(path), f"a mapping with keys among {names}", vi=f"các mục thuộc {names}")
    return [(kind, raw) for kind, documents in content.items() for raw in documents or ()]
