"""Who is who: the gateway's view of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.core.catalogue import Device, DeviceType, Kind
from pipeline.core.errors import Reason, Rejected
from pipeline.core.machine import CatalogueChange


class Known(NamedTuple):
    """A device that may send, with its type."""

    device: Device
    type: DeviceType


class Directory:
    """Devices and types as of the newest catalogue change applied."""

    def __init__(self) -> None:
        self._devices: dict[str, Device] = {}
        self._types: dict[str, DeviceType] = {}

    def __len__(self) -> int:
        return len(self._devices)

    def apply(self, changes: Iterable[CatalogueChange]) -> None:
        """Take over changes, in order."""
        for change in changes:
            if change.kind is Kind.DEVICE:
                _put(self._devices, change.id, change.document)
            elif change.kind is Kind.TYPE:
                _put(self._types, change.id, change.document)

    def sender(self, device_id: str, site: str, now: int) -> Known:
        """The device that may publish below `site`/`device_id`.

        Raises Rejected: unknown_device, retired_device, or wrong_topic when it is registered at another site.
        """
        device = self._devices.get(device_id)
        type_ = self._types.get(device.type) if device else None
        if device is None:
            raise Rejected(Reason.UNKNOWN_DEVICE, f"device: {device_id!r} is not registered; see `ioc device add`")
        if type_ is None:
            raise Rejected(Reason.UNKNOWN_DEVICE, f"device: {device_id!r} has the type {device.type!r}, not known yet")
        if device.retired_at is not None and device.retired_at <= now:
            raise Rejected(
                Reason.RETIRED_DEVICE, f"device: {device_id!r} was retired; see `ioc device show {device_id}`"
            )
        if device.site != site:
            raise Rejected(Reason.WRONG_TOPIC, f"topic: {device_id!r} publishes below ioc/{device.site}/{device_id}/")
        return Known(device, type_)


def _put(table: dict[str, Any], id_: str, document: object) -> None:
    if document is None:
        table.pop(id_, None)
    else:
        table[id_] = document
