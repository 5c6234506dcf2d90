"""What travels on `ioc.catalogue.v1` and `ioc.cameras.v1`: whole documents, key `<kind>/<id>`, null deletes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

from pipeline.core.alerts import Text
from pipeline.core.events import Id, Ms, Position


class Kind(StrEnum):
    """Kinds of catalogue documents."""

    SITE = "site"
    AREA = "area"
    DEPARTMENT = "department"
    TYPE = "type"
    DEVICE = "device"
    GROUP = "group"
    RULE = "rule"
    CALENDAR = "calendar"
    MAINTENANCE = "maintenance"
    ROUTE = "route"
    CAMERA = "camera"


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parent of all catalogue documents. `version` counts a document's revisions from 1."""

    id: Id
    title: Text = Text()
    version: int = 1


class Area(Document, frozen=True, kw_only=True, omit_defaults=True):
    """An administrative or operational area; areas form a tree. It exists from `valid_from` until before `valid_to`.

    Administrative units are merged and renamed (by Resolution 202/2025/QH15, on 2025-07-01, 63 provinces became
    34); an area that does not exist at a time is in no tree then, nor are those below it.
    """

    parent: str = ""
    polygon: tuple[Position, ...] = ()
    valid_from: Ms | None = None
    valid_to: Ms | None = None


class Group(Document, frozen=True, kw_only=True, omit_defaults=True):
    """Devices that rules watch together: those named, and all of the sites named."""

    devices: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


class CalendarDay(msgspec.Struct, frozen=True, omit_defaults=True):
    """One day that a centre's calendar adds: `working` false makes a day off, true a working day. `date`: ISO 8601."""

    date: str
    working: bool = False
    title: Text = Text()


class Calendar(Document, frozen=True, kw_only=True, omit_defaults=True):
    """Which days are worked, and when. `country`: its public holidays (ISO 3166-1), empty for none.

    `hours`: working hours, for deadlines. `days`: the centre's own, stronger than the country's.
    """

    country: str = "VN"
    hours: str = "workdays 07:30-11:30, 13:30-17:00"
    timezone: str = "Asia/Ho_Chi_Minh"
    days: tuple[CalendarDay, ...] = ()


class Site(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A place where devices stand."""

    area: str = ""
    point: Position | None = None
    address: str = ""


class TypeQuantity(msgspec.Struct, frozen=True, omit_defaults=True):
    """One quantity that a device type measures; `unit` is the device's own, when not the canonical one."""

    quantity: str
    unit: str = ""


class DeviceType(Document, frozen=True, kw_only=True, omit_defaults=True):
    """What all devices of one make have in common.

    `period_s`: declared reporting period; `delay_s`: how late its data may arrive; `clock: arrival`: the
    device's own time is not trusted; `decoder`: a row of the decoder table.
    """

    quantities: tuple[TypeQuantity, ...] = ()
    period_s: float | None = None
    delay_s: float = 10.0
    clock: Literal["device", "arrival"] = "device"
    decoder: str = "own"
    counts_events: bool = False


class DatedValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value of an attribute from `valid_from` until before `valid_to` (ms; None: open), with its legal basis."""

    value: float | str
    valid_from: Ms | None = None
    valid_to: Ms | None = None
    legal: str = ""

    def holds(self, at: int) -> bool:
        """Whether it is valid at `at`."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


class Device(Document, frozen=True, kw_only=True, omit_defaults=True):
    """One registered device. `dated`: attributes with validity; they go before `attributes` of the same name."""

    type: str
    site: str
    point: Position | None = None
    active_from: Ms = 0
    retired_at: Ms | None = None
    attributes: dict[str, Any] = {}
    dated: dict[str, tuple[DatedValue, ...]] = {}
    tags: tuple[str, ...] = ()


class Zone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A polygon in picture coordinates (pixels of the frame size given in the camera)."""

    id: Id
    polygon: tuple[tuple[float, float], ...]
    title: Text = Text()
    labels: tuple[str, ...] = ("person",)


class Camera(Document, frozen=True, kw_only=True, omit_defaults=True):
    """One registered camera. `url` never holds a password: that is `secret`, a name in the secret store.

    `url` is the stream to be analysed, a sub-stream where there is one; `evidence_url` the main stream, which stills
    are taken from on demand. `backend`: what reads the stream. `rests_on_key_frames`: while nothing changes decode
    key frames only; saves most of the decoding, and a mover may go unseen for two seconds.
    """

    site: str
    url: str
    secret: str = ""
    evidence_url: str = ""
    backend: Literal["pyav", "opencv"] = "pyav"
    rests_on_key_frames: bool = False
    point: Position | None = None
    fps: float = 5.0
    detector: str = "onnx"
    threshold: float = 0.5
    frame_size: tuple[int, int] | None = None
    zones: tuple[Zone, ...] = ()
    active_from: Ms = 0
    retired_at: Ms | None = None
    attributes: dict[str, Any] = {}
    dated: dict[str, tuple[DatedValue, ...]] = {}
    tags: tuple[str, ...] = ()


class RuleDocument(Document, frozen=True, kw_only=True, omit_defaults=True):
    """A rule as applied: `rule` is the canonical content of its YAML file, `sha256` its rule version.

    `pack`, `pack_version`: the pack that it came with; `overridden`: the fields that a centre's override changed.
    """

    rule: dict[str, Any]
    sha256: str
    active: bool = True
    pack: str = ""
    pack_version: str = ""
    overridden: tuple[str, ...] = ()


DOCUMENTS: dict[Kind, type[Document]] = {
    Kind.AREA: Area,
    Kind.SITE: Site,
    Kind.TYPE: DeviceType,
    Kind.DEVICE: Device,
    Kind.CAMERA: Camera,
    Kind.GROUP: Group,
    Kind.CALENDAR: Calendar,
    Kind.RULE: RuleDocument,
}
"""The document type of every kind that has one today."""
