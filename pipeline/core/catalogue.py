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


class ZoneHours(msgspec.Struct, frozen=True, omit_defaults=True):
    """When a zone is in force, such as `daily 22:00-05:00`, `workdays 06:30-07:30, 16:30-17:30`."""

    when: str
    timezone: str = "Asia/Ho_Chi_Minh"


class Zone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A polygon in picture coordinates (pixels of the frame size given in the camera), and what is watched there.

    An exclusion zone hides objects of its labels from all other zones and from the lines, and has no settings but
    `labels` and `schedule`. Who was not seen for `gap_s` has left, and had when seen last; until then who appears where
    one was lost is the same one, whose stay goes on. `dwell_s`, `stopped_s` and `abandoned_s`: after so many seconds it
    is an event. `direction`: an arrow along the lane; it makes the zone a traffic lane, with
    wrong way, queue, density and road occupancy. A lane, or a zone with `speed_limit_kmh`, has speeds: of each
    vehicle, their mean and 85th percentile. `queue_m`, `crowd` (people) and `crowd_density` (people a square metre):
    from there on it is an event; `running_mps`: who is faster runs. Metres and speeds need the camera's calibration.
    """

    id: Id
    polygon: tuple[tuple[float, float], ...]
    title: Text = Text()
    labels: tuple[str, ...] = ("person",)
    kind: Literal["inclusion", "exclusion"] = "inclusion"
    schedule: ZoneHours | None = None
    gap_s: float = 3.0
    dwell_s: float | None = None
    stopped_s: float | None = None
    abandoned_s: float | None = None
    direction: tuple[tuple[float, float], tuple[float, float]] | None = None
    speed_limit_kmh: float | None = None
    queue_m: float | None = None
    crowd: int | None = None
    crowd_density: float | None = None
    running_mps: float | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line in picture coordinates on which crossings are counted. `labels`: of these only; empty for all.

    A crossing's direction is the side on which it ends, `right` or `left`, looking from the first point to the
    second. `way`: the only direction that is allowed; the other one is wrong.
    """

    id: Id
    points: tuple[tuple[float, float], tuple[float, float]]
    title: Text = Text()
    labels: tuple[str, ...] = ()
    way: Literal["right", "left"] | None = None


class GroundPoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point of the ground that was found in the picture (pixels): where it is, in `metres` or WGS 84 `position`."""

    picture: tuple[float, float]
    metres: tuple[float, float] | None = None
    position: Position | None = None


class Calibration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ties a camera's picture to the ground; pixels are those of the camera's `frame_size`.

    The ground comes from one of: `points`, 4 or more pairs, spread over the ground (more than 4 recommended, for
    their disagreement is the only sign of a mistake), all in one flat system of metres or all WGS 84; or `corners`,
    a convex quadrilateral in the picture with the real lengths of its `sides` (corner 1 to 2, 2 to 3, 3 to 4, 4 to
    1) and its `diagonal` (1 to 3) in metres.

    How tall a person is in the picture comes from `height`, two or more pairs (y of the feet, height) in pixels, which
    may stand alone; or, with a ground, from `camera_height`, metres over the ground.
    """

    points: tuple[GroundPoint, ...] = ()
    corners: tuple[tuple[float, float], ...] = ()
    sides: tuple[float, ...] = ()
    diagonal: float | None = None
    height: tuple[tuple[float, float], ...] = ()
    camera_height: float | None = None
    person_height: float = 1.7


DETECTOR_NAMES = ("hog", "motion", "onnx", "scripted", "ultralytics", "yolo")
"""What a camera may name as its detector: the rows of `vision.detectors.DETECTORS`, closed; a test holds them equal."""


class Camera(Document, frozen=True, kw_only=True, omit_defaults=True):
    """One registered camera. `url` never holds a password: that is `secret`, a name in the secret store.

    `url` is the stream to be analysed, a sub-stream where there is one; `evidence_url` the main stream, of which
    stills and evidence are, where it has a key frame near in time. `backend`: what reads the stream.
    `fps`: pictures a second that are looked at, 0.5 to 30. `detector`: one of DETECTOR_NAMES; `threshold`: the least
    confidence of what it sees, 0.05 to 0.95. The attribute `model` names a model file of its own.
    `rests_on_key_frames`: while nothing changes decode key frames only; saves most of the decoding, and a mover may go
    unseen for two seconds.
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
    lines: tuple[Line, ...] = ()
    calibration: Calibration | None = None
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
