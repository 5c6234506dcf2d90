"""What travels on the input topics: readings, detections and cases.

Times are integer milliseconds since the epoch, UTC. Unknown fields are ignored (forward compatible); a wrong
type is an error. Identifiers match `ID_PATTERN`; the doors check them (`check_id`), the decoder does not,
because a regular expression a reading would cost two thirds of the decoding rate.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from pipeline.core.errors import BadInput

ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
ID_FORM = "1 to 64 of a-z 0-9 . _ - , beginning with a letter or digit"
ID_FORM_VI = "từ 1 đến 64 ký tự a-z 0-9 . _ - , bắt đầu bằng chữ hoặc số"
_ID = re.compile(ID_PATTERN)

Id = Annotated[str, msgspec.Meta(extra_json_schema={"pattern": ID_PATTERN})]
MAX_MS = 4_102_444_800_000
"""2100-01-01: a time beyond it is a unit mistake (microseconds, say), and would make a chunk in the store."""
Ms = Annotated[int, msgspec.Meta(ge=0, lt=MAX_MS, description="milliseconds since the epoch, UTC")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53, description="number of a device's message; 0: none")]
Position = tuple[float, float]
"""Longitude and latitude in degrees, WGS 84."""


def check_id(field: str, value: str) -> str:
    """Return `value` when it is a well-formed identifier, else raise BadInput."""
    if not _ID.match(value):
        raise BadInput(field, value, ID_FORM, vi=ID_FORM_VI)
    return value


class Quality(StrEnum):
    """How far a value can be trusted. Good and uncertain values are usable in rules."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"
    STALE = "stale"


class StationStatus(StrEnum):
    """What a station says about itself (Circular 10/2021/TT-BTNMT: 01 calibrating, 02 error)."""

    CALIBRATING = "calibrating"
    ERROR = "error"


class Origin(StrEnum):
    """How a reading came to be."""

    AUTO = "auto"
    PERIODIC = "periodic"
    MANUAL = "manual"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parent of everything that a line of an input topic can hold."""


class Reading(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One value of one quantity of one device. Identity: (device, quantity, at, seq); the first in the log wins."""

    device: Id
    quantity: str
    at: Ms
    unit: str = ""
    value: float | None = None
    text: str | None = None
    quality: Quality = Quality.GOOD
    site: str = ""
    seq: Seq = 0
    raw: float | None = None
    status: StationStatus | None = None
    point: Position | None = None
    origin: Origin = Origin.AUTO
    historical: bool = False
    device_at: Ms | None = None
    generation: int | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Order within a series."""
        return (self.at, self.seq)

    @property
    def usable(self) -> bool:
        """Good or uncertain, and holding a value or a text."""
        return self.quality in (Quality.GOOD, Quality.UNCERTAIN) and (self.value is not None or self.text is not None)


class DetectionEvent(StrEnum):
    """What a camera can report."""

    ENTER = "enter"
    LEAVE = "leave"
    DWELL = "dwell"
    CROSS = "cross"
    STOPPED = "stopped"
    WRONG_WAY = "wrong_way"
    QUEUE = "queue"
    CROWD = "crowd"
    ABANDONED = "abandoned"
    RUNNING = "running"
    TAMPER = "tamper"
    STATE = "state"


class Edge(StrEnum):
    """The two ends of a detection that lasts."""

    BEGIN = "begin"
    END = "end"


class TamperKind(StrEnum):
    """How a camera's view was spoiled."""

    COVERED = "covered"
    DEFOCUSED = "defocused"
    TURNED = "turned"
    DARK = "dark"
    FLOOD_LIT = "flood_lit"


class CameraState(StrEnum):
    """Whether pictures arrive from a camera."""

    ONLINE = "online"
    OFFLINE = "offline"
    FROZEN = "frozen"
    UNAUTHORISED = "unauthorised"
    UNSUPPORTED = "unsupported"


class Speed(msgspec.Struct, frozen=True):
    """Ground speed of a track, metres per second, with its standard error."""

    mps: float
    sigma: float


class Detection(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a camera saw, or a change of the camera's own state.

    `zone` names the place, be it a zone or a line, `line` is given for lines only; `direction` is the side of the line
    on which a crossing ends. Of events that last, `begin` and `end` come for each track; when one of several ends,
    the longest of those that go on begins again, 1 ms later: the newest edge of a zone says whether there is any.
    """

    camera: Id
    event: DetectionEvent
    at: Ms
    edge: Edge | None = None
    kind: TamperKind | None = None
    state: CameraState | None = None
    zone: str = ""
    line: str = ""
    direction: Literal["right", "left"] | None = None
    track: str = ""
    label: str = ""
    confidence: float | None = None
    clock: Literal["rtcp", "arrival"] = "arrival"
    speed: Speed | None = None
    box: tuple[float, float, float, float] | None = None
    foot: Position | None = None
    evidence: str = ""
    site: str = ""
    generation: int | None = None

    @property
    def device(self) -> str:
        """The camera, under the name that readings use."""
        return self.camera


class CaseKind(StrEnum):
    """Things with a state and a deadline that departments' systems send."""

    CITIZEN_REPORT = "citizen_report"
    DOSSIER = "dossier"
    INDICATOR_REPORT = "indicator_report"
    VESSEL_TRIP = "vessel_trip"
    NOTICE = "notice"


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    DONE = "done"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Case(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The newest state of a citizen's report, a dossier, a vessel's trip and the like."""

    case: Id
    kind: CaseKind
    state: CaseState
    at: Ms
    department: str = ""
    opened_at: Ms | None = None
    due_at: Ms | None = None
    point: Position | None = None
    attributes: dict[str, Any] = {}

    @property
    def device(self) -> str:
        """The case, under the name that readings use."""
        return self.case
