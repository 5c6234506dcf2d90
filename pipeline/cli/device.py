"""`ioc device`: register devices, with their credential in mosquitto, list and retire them."""

from __future__ import annotations

import json
from typing import Annotated

import msgspec
import typer

from pipeline.cli.attribute import group as attribute_group
from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import mosquitto, pairs, position, registry, settings
from pipeline.core.catalogue import Device, Kind
from pipeline.core.clock import now_ms, rfc3339
from pipeline.core.errors import BadInput

group = typer.Typer(no_args_is_help=True)
group.add_typer(
    attribute_group, name="attribute", help="Numbers of a device that rules compare with, with their dates."
)


@group.command()
def add(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    type_: Annotated[str, typer.Option("--type", help="A registered device type.")],
    site: Annotated[str, typer.Option(help="A registered site.")],
    vi: Annotated[str, typer.Option(help="Name in Vietnamese.")] = "",
    en: Annotated[str, typer.Option(help="Name in English.")] = "",
    point: Annotated[str, typer.Option(help="longitude,latitude")] = "",
    attribute: Annotated[list[str], typer.Option(help="name=value; may be repeated.")] = [],  # noqa: B006
    tag: Annotated[list[str], typer.Option(help="May be repeated.")] = [],  # noqa: B006
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Register a device and make its MQTT credential; registering it again makes a new secret.

    The secret is printed once and kept nowhere.
    """
    from devices.credentials import administrator
    from devices.registry import document_of

    found = settings(sets)
    raw = {
        "id": id_,
        "type": type_,
        "site": site,
        "title": {"vi": vi, "en": en},
        "point": position("--point", point),
        "attributes": pairs("--attribute", attribute),
        "tags": tag,
        "active_from": now_ms(),
    }
    with registry(found) as open_registry:
        document = document_of("device", raw)
        assert isinstance(document, Device)
        before = open_registry.find(Kind.DEVICE, id_)
        if isinstance(before, Device):
            document = msgspec.structs.replace(document, active_from=before.active_from)
        stored = open_registry.put(document)
        with administrator(mosquitto(found)) as security:
            (credential,) = security.grant([stored])
    told = {
        "device": stored.id,
        "version": stored.version,
        "username": credential.username,
        "secret": credential.secret,
        "topic": f"{credential.topic}/up",
        "host": found.mqtt.host,
        "port": found.mqtt.port,
    }
    print(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(f"{k:9} {v}" for k, v in told.items()))


@group.command("list")
def list_(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """List all devices."""
    with registry(settings(sets)) as open_registry:
        devices = open_registry.list(Kind.DEVICE)
    rows = [
        {
            "id": device.id,
            "type": device.type,
            "site": device.site,
            "title": device.title.best("vi"),
            "version": device.version,
            "retired": rfc3339(device.retired_at) if device.retired_at is not None else "",
        }
        for device in devices
    ]
    show(rows, ["id", "type", "site", "title", "version", "retired"], as_json=as_json)


@group.command("show")
def show_(id_: Annotated[str, typer.Argument(metavar="ID")], sets: Sets = []) -> None:  # noqa: B006
    """Print the document of a device."""
    with registry(settings(sets)) as open_registry:
        found = open_registry.find(Kind.DEVICE, id_)
    if found is None:
        wanted = "a registered device; see `ioc device list`"
        raise BadInput("device", id_, wanted, vi="thiết bị đã đăng ký; xem `ioc device list`")
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


@group.command()
def retire(id_: Annotated[str, typer.Argument(metavar="ID")], sets: Sets = []) -> None:  # noqa: B006
    """Take a device out of service: its credential is revoked, its data refused, its history kept."""
    from devices.credentials import administrator

    found = settings(sets)
    with registry(found) as open_registry:
        open_registry.retire(Kind.DEVICE, id_, now_ms())
        with administrator(mosquitto(found)) as security:
            security.revoke(id_)
    print(f"{id_} is retired")
