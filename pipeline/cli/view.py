"""`ioc camera view`: a camera was turned on purpose."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from pipeline.cli.output import Sets
from pipeline.cli.services import registry, settings
from pipeline.core.catalogue import Camera, Kind
from pipeline.core.errors import BadInput


def view(id_: Annotated[str, typer.Argument(metavar="ID")], sets: Sets = []) -> None:  # noqa: B006
    """Take a camera's view as it is now for the right one: it is learned anew, and a tamper of the old one ends."""
    with registry(settings(sets)) as open_registry:
        found = open_registry.find(Kind.CAMERA, id_)
        if not isinstance(found, Camera):
            wanted = "a registered camera, see `ioc camera list`"
            raise BadInput("camera.id", id_, wanted, vi="camera đã đăng ký, xem `ioc camera list`")
        # the document's next version: a number that no view had before
        attributes = {**found.attributes, "view": found.version + 1}
        stored = open_registry.put(msgspec.structs.replace(found, attributes=attributes))
    print(f"{id_} learns its view anew, version {stored.version}")
