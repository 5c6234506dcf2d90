"""`ioc camera`: register, try and list cameras."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from pipeline.cli.exactness import exactness
from pipeline.cli.models import models
from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import not_yaml, position, registry, settings
from pipeline.cli.view import view
from pipeline.core.catalogue import DETECTOR_NAMES, Camera, Kind, Line, Zone
from pipeline.core.clock import now_ms, rfc3339
from pipeline.core.errors import BadInput, ConfigError
from pipeline.core.logins import check_path
from pipeline.core.oserrors import why

if TYPE_CHECKING:
    from vision.address import Address

group = typer.Typer(no_args_is_help=True)
group.command()(models)
group.command()(view)
PASSWORD_VARIABLE = "IOC_CAMERA_PASSWORD"  # noqa: S105 - the name of a variable


@group.command()
def add(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    url: Annotated[str, typer.Option(help="rtsp://host:port/path, without name and password.")],
    site: Annotated[str, typer.Option(help="A registered site.")],
    vi: Annotated[str, typer.Option(help="Name in Vietnamese.")] = "",
    en: Annotated[str, typer.Option(help="Name in English.")] = "",
    point: Annotated[str, typer.Option(help="longitude,latitude")] = "",
    fps: Annotated[float, typer.Option(help="Pictures a second to look at, 0.5 to 30.")] = 5.0,
    detector: Annotated[str, typer.Option(help="What looks at the pictures: " + ", ".join(DETECTOR_NAMES))] = "onnx",
    threshold: Annotated[float, typer.Option(help="Least confidence of what it sees, 0.05 to 0.95.")] = 0.5,
    model: Annotated[str, typer.Option(help="A model file of its own, see `ioc camera models`.")] = "",
    zones: Annotated[
        Path | None,
        typer.Option(help="YAML file with zones, lines, frame_size and calibration; a list in it is the zones."),
    ] = None,
    user: Annotated[str, typer.Option(help=f"The camera's user; the password is read from {PASSWORD_VARIABLE}.")] = "",
    evidence_url: Annotated[str, typer.Option(help="The main stream, where --url is a sub-stream.")] = "",
    backend: Annotated[str, typer.Option(help="What reads the stream: pyav or opencv.")] = "pyav",
    rests: Annotated[bool, typer.Option("--rests", help="Decode key frames only while nothing changes.")] = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Register a camera. Its password never stands in a document, on a topic or on a command line."""
    from devices.registry import document_of

    raw = {
        "id": id_,
        "site": site,
        "url": url,
        "title": {"vi": vi, "en": en},
        "point": position("--point", point),
        "fps": fps,
        "detector": detector,
        "threshold": threshold,
        "attributes": {"model": model} if model else {},
        **places_of(zones),
        "secret": id_ if user else "",
        "evidence_url": evidence_url,
        "backend": backend,
        "rests_on_key_frames": rests,
        "active_from": now_ms(),
    }
    document = document_of("camera", raw)
    with registry(settings(sets)) as open_registry:
        stored = open_registry.put(document)
        if user:
            open_registry.keep_secret(id_, user, _password())
    print(f"{stored.id} is registered, version {stored.version}{exactness(stored)}")


@group.command("test")
def try_(
    camera: Annotated[str, typer.Argument(metavar="ID|URL")],
    user: Annotated[str, typer.Option(help=f"User for a URL; the password is read from {PASSWORD_VARIABLE}.")] = "",
    snapshot: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("camera-test.jpg"),
    language: Annotated[str, typer.Option("--lang", help="vi or en")] = "en",
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Climb from the name to the clock in less than 8 s, with a remedy where it breaks. Exit code 3 when it does."""
    from pipeline.cli.climb import tell
    from vision.ladder import climb

    if language not in ("vi", "en"):
        raise BadInput("--lang", language, "vi or en", vi="vi hoặc en")
    tell(climb(_address(camera, user, sets)), language, snapshot, as_json=as_json)


@group.command()
def discover(
    seconds: Annotated[float, typer.Option("--for", min=0.1, max=30, help="Seconds to listen.")] = 3.0,
    as_json: AsJson = False,
) -> None:
    """Ask this network once which ONVIF cameras are there, and list the answers."""
    from vision.discovery import discover as ask

    try:
        rows = [found._asdict() for found in ask(seconds)]
    except OSError as error:
        said = why(error)
        raise ConfigError(
            f"this network takes no multicast: {said.en}", vi=f"mạng này không nhận multicast: {said.vi}"
        ) from None
    show(rows, ["host", "service", "name", "hardware", "location"], as_json=as_json)


@group.command("list")
def list_(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """List all cameras."""
    with registry(settings(sets)) as open_registry:
        cameras = open_registry.list(Kind.CAMERA)
    rows = [
        {
            "id": camera.id,
            "site": camera.site,
            "url": camera.url,
            "title": camera.title.best("vi"),
            "zones": ", ".join(map(zone_words, camera.zones)),
            "lines": ", ".join(line.id for line in camera.lines),
            "version": camera.version,
            "retired": rfc3339(camera.retired_at) if camera.retired_at is not None else "",
        }
        for camera in cameras
    ]
    show(rows, ["id", "site", "url", "title", "zones", "lines", "version", "retired"], as_json=as_json)


def _address(camera: str, user: str, sets: list[str]) -> Address:
    """Where a camera is and how to log in there. Raises BadInput, ServiceMissing."""
    from vision.address import Address, Login
    from vision.store import Logins

    if "://" in camera:
        typed = Address.parse(camera)
        check_path("URL", typed.url, with_login=bool(user))
        return Address(typed.url, Login(user, _password())) if user else typed
    found = settings(sets)
    with registry(found) as open_registry:
        known = open_registry.find(Kind.CAMERA, camera)
    if not isinstance(known, Camera):
        raise BadInput(
            "camera.id",
            "…" if "@" in camera else camera,
            "a registered camera, see `ioc camera list`, or rtsp://host:port/path",
            vi="camera đã đăng ký, xem `ioc camera list`, hoặc địa chỉ rtsp://máy:cổng/đường-dẫn",
        )
    dsn = found.postgres.dsn.get_secret_value()
    return Address(known.url, Logins(dsn).find(known.secret) if known.secret else None)


def _password() -> str:
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        raise ConfigError(
            f"{PASSWORD_VARIABLE} is not set; put the camera's password there",
            vi=f"chưa đặt {PASSWORD_VARIABLE}; hãy ghi mật khẩu của camera vào đó",
        )
    return password


def zone_words(zone: Zone) -> str:
    """A zone in a list: its name, and in brackets what is watched there besides who enters and leaves."""
    if zone.kind == "exclusion":
        return f"-{zone.id}"
    asked = dict.fromkeys(name.partition("_")[0] for name in _ASKED if getattr(zone, name) is not None)
    return f"{zone.id} ({' '.join(asked)})" if asked else zone.id


_ASKED = (
    "dwell_s", "stopped_s", "abandoned_s", "direction", "speed_limit_kmh", "queue_m", "crowd", "crowd_density",
    "running_mps", "schedule",
)  # fmt: skip
_PLACES = ("zones", "lines", "frame_size", "calibration")


def places_of(path: Path | None) -> dict[str, Any]:
    """The fields of a camera that a file of zones gives. Raises BadInput, for names that mean nothing too."""
    if path is None:
        return {}
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise not_yaml("--zones", path, error) from None
    fields = {"zones": found} if isinstance(found, list) else found
    if not isinstance(fields, dict):
        raise BadInput(
            "--zones",
            str(path),
            "a list of zones, or zones and lines by name",
            vi="danh sách vùng, hoặc các mục zones và lines",
        )
    _known("camera", fields, _PLACES)
    for name, type_ in (("zones", Zone), ("lines", Line)):
        for each in fields.get(name) or ():
            if isinstance(each, dict):
                _known(f"camera.{name}.{each.get('id')}", each, type_.__struct_fields__)
    return {name: value for name, value in fields.items() if value is not None}


def _known(field: str, raw: dict[str, Any], names: Iterable[str]) -> None:
    for name in raw:
        if name not in names:
            raise BadInput.one_of(f"{field}.{name}", raw[name], names)
