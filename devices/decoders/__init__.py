"""Decoders: a device's bytes to measurements. A new one is a file, a line here and a golden folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from pipeline.core.errors import Rejected
from pipeline.core.events import MAX_MS, Origin, Position, Quality, StationStatus
from pipeline.core.extensions import ExtensionTable

AtField = int | str | None
"""Milliseconds since the epoch, RFC 3339 text, or missing."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One value as a device said it: units, times and limits are not checked yet."""

    quantity: str
    value: float | None = None
    text: str | None = None
    unit: str = ""
    at: AtField = None
    seq: int = 0
    quality: Quality | None = None
    raw: float | None = None
    status: StationStatus | None = None
    point: Position | None = None
    origin: Origin = Origin.AUTO
    historical: bool = False


class Item(msgspec.Struct, frozen=True):
    """What one part of a payload gave: a measurement, or why there is none, with the bytes of that part."""

    measurement: Measurement | None = None
    rejection: Rejected | None = None
    raw: bytes = b""


Decoder = Callable[[bytes, str], Iterable[Item]]
"""(payload, MQTT topic) -> items. Raises Rejected when nothing in the payload can be used."""

DECODERS: ExtensionTable[Any] = ExtensionTable("decoder", {"own": "devices.decoders.own:decode"})
"""The decoder of every name that a device type may give."""

__all__ = ["DECODERS", "MAX_MS", "Decoder", "Item", "Measurement"]
