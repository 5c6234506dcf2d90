"""`ioc device attribute`: numbers of one device that rules compare with, with validity and legal basis."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import moment, number, registry, settings
from pipeline.core.catalogue import Camera, DatedValue, Device, Kind
from pipeline.core.clock import rfc3339
from pipeline.core.errors import BadInput

group = typer.Typer(no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID")]


@group.command("set")
def set_(
    id_: Id,
    name: Annotated[str, typer.Argument(help="Such as flood_level_1.")],
    value: str,
    since: Annotated[str, typer.Option("--from", help="Valid from this time, RFC 3339; without it always was.")] = "",
    until: Annotated[str, typer.Option("--to", help="Valid until before this time; without it for ever.")] = "",
    legal: Annotated[str, typer.Option(help="Legal basis, shown in alerts.")] = "",
    sets: Sets = [],  # noqa: B006
) -> None:
    """Set a value from a time on. The value before it ends then; one of the same begin is replaced."""
    new = DatedValue(number(value), moment("--from", since), moment("--to", until), legal)
    with registry(settings(sets)) as open_registry:
        found = _device(open_registry, id_)
        kept = followed_by(found.dated.get(name, ()), new)
        stored = open_registry.put(msgspec.structs.replace(found, dated={**found.dated, name: kept}))
    print(f"{id_} {name} = {value}, version {stored.version}")


@group.command("list")
def list_(id_: Id, as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """List all attributes of a device, the dated ones with their validity."""
    with registry(settings(sets)) as open_registry:
        found = _device(open_registry, id_)
    rows: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in sorted(found.attributes.items())]
    for name, values in sorted(found.dated.items()):
        rows += [
            {
                "name": name,
                "value": one.value,
                "from": _shown(one.valid_from),
                "to": _shown(one.valid_to),
                "legal": one.legal,
            }
            for one in values
        ]
    show(rows, ["name", "value", "from", "to", "legal"], as_json=as_json)


def followed_by(values: tuple[DatedValue, ...], new: DatedValue) -> tuple[DatedValue, ...]:
    """The values with a new one: one that holds at its begin ends there, one of the same begin goes."""
    begin = new.valid_from
    kept = [one for one in values if one.valid_from != begin]
    cut = [
        msgspec.structs.replace(one, valid_to=begin) if begin is not None and one.holds(begin) else one for one in kept
    ]
    return tuple(sorted((*cut, new), key=lambda one: -(2**53) if one.valid_from is None else one.valid_from))


def _device(open_registry: Any, id_: str) -> Device | Camera:
    found = open_registry.find(Kind.DEVICE, id_) or open_registry.find(Kind.CAMERA, id_)
    if not isinstance(found, Device | Camera):
        raise BadInput(
            "device",
            id_,
            "a registered device or camera; see `ioc device list`",
            vi="thiết bị hoặc camera đã đăng ký; xem `ioc device list`",
        )
    return found


def _shown(at: int | None) -> str:
    return "" if at is None else rfc3339(at)
