"""The registry: what stands where, groups, calendars and rules in PostgreSQL, each change a revision.

Every change writes its document, its revision and its outbox row in one transaction; the relay publishes the
outbox. Writers take one advisory lock first, so the order of the outbox is the order of commits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from devices.camera_checks import check_looking
from devices.checks import check_area_validity, check_calendar, check_dated
from devices.decoders import DECODERS
from devices.zone_checks import check_places
from pipeline.core.catalogue import (
    DOCUMENTS,
    Area,
    Calendar,
    Camera,
    Device,
    DeviceType,
    Document,
    Group,
    Kind,
    RuleDocument,
    Site,
)
from pipeline.core.codec import encode_line
from pipeline.core.errors import BadInput
from pipeline.core.events import check_id
from pipeline.core.logins import check_login, check_path
from pipeline.core.misfit import misfit
from pipeline.core.places import check_position
from pipeline.core.quantities import QUANTITIES
from pipeline.core.topics import CAMERAS, CATALOGUE

D = TypeVar("D", bound=Document)
_OUTBOX_LOCK = 0x10C_0002
KIND_OF = {type_: kind for kind, type_ in DOCUMENTS.items()}
IN_VIETNAMESE = {
    Kind.AREA: "khu vực",
    Kind.SITE: "địa điểm",
    Kind.TYPE: "loại thiết bị",
    Kind.DEVICE: "thiết bị",
    Kind.CAMERA: "camera",
    Kind.GROUP: "nhóm",
    Kind.CALENDAR: "lịch",
    Kind.RULE: "quy tắc",
}


class Registry:
    """Reads and writes documents over one connection. `by` is the person or program that changes things.

    `put` and `retire` raise BadInput naming the field, the value and what would be right. The caller owns the
    transaction: nothing is visible before it commits. `check`: what another room knows of a document, raising BadInput.
    """

    def __init__(
        self, connection: psycopg.Connection, by: str, check: Callable[[Document], object] = lambda _: None
    ) -> None:
        self._connection, self._by, self._check = connection, by, check

    def put(self, document: D) -> D:
        """Store a document as the next version; an unchanged one stays as it is. Returns what is stored."""
        kind = KIND_OF[type(document)]
        check_id(f"{kind}.id", document.id)
        _CHECKS[type(document)](self, document)
        self._check(document)
        self._connection.execute("select pg_advisory_xact_lock(%s)", [_OUTBOX_LOCK])
        before = self.find(kind, document.id)
        version = before.version if before else 0
        if before is not None and msgspec.structs.replace(document, version=version) == before:
            return before
        stored = msgspec.structs.replace(document, version=version + 1)
        self._upsert(kind, stored)
        self._record(kind, stored)
        return stored

    def find(self, kind: Kind, id_: str) -> Document | None:
        """The newest version of a document, or None."""
        query = sql.SQL("select document from {} where id = %s").format(_table(kind))
        row = self._connection.execute(query, [id_]).fetchone()
        return None if row is None else _document(kind, row[0])

    def list(self, kind: Kind) -> list[Any]:
        """All documents of a kind, by id; retired ones too."""
        rows = self._connection.execute(sql.SQL("select document from {} order by id").format(_table(kind)))
        return [_document(kind, row[0]) for row in rows]

    def retire(self, kind: Kind, id_: str, at: int) -> Document:
        """Mark a device or camera as retired since `at` (ms): its data is refused, its history stays."""
        found = self.find(kind, id_)
        if not isinstance(found, Device | Camera):
            raise BadInput(
                f"{kind}.id",
                id_,
                f"a registered {kind}; see `ioc {kind} list`",
                vi=f"{IN_VIETNAMESE[kind]} đã đăng ký; xem `ioc {kind} list`",
            )
        return self.put(msgspec.structs.replace(found, retired_at=at))

    def keep_secret(self, name: str, username: str, password: str) -> None:
        """Keep a camera's name and password; they never leave the database but to the camera's reader.

        Raises BadInput when they are too long for it.
        """
        check_login("camera.login", username, password)
        self._connection.execute(
            "insert into ioc.secret (name, username, password) values (%s, %s, %s) "
            "on conflict (name) do update set username = excluded.username, password = excluded.password",
            [name, username, password],
        )

    def _upsert(self, kind: Kind, document: Document) -> None:
        columns = {"id": document.id, "version": document.version, "document": Jsonb(msgspec.to_builtins(document))}
        columns |= _COLUMNS[type(document)](document)
        query = sql.SQL("insert into {table} ({names}) values ({values}) on conflict (id) do update set {sets}").format(
            table=_table(kind),
            names=sql.SQL(", ").join(map(sql.Identifier, columns)),
            values=sql.SQL(", ").join(map(sql.Placeholder, columns)),
            sets=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in columns if name != "id"
            ),
        )
        self._connection.execute(query, columns)

    def _record(self, kind: Kind, document: Document) -> None:
        self._connection.execute(
            "insert into ioc.revision (kind, id, version, document, changed_by) values (%s, %s, %s, %s, %s)",
            [kind, document.id, document.version, Jsonb(msgspec.to_builtins(document)), self._by],
        )
        topics = [CATALOGUE, CAMERAS] if kind is Kind.CAMERA else [CATALOGUE]
        for topic in topics:
            enqueue(self._connection, topic, f"{kind}/{document.id}", encode_line(document).decode())

    def require(self, kind: Kind, field: str, id_: str) -> None:
        """Raise BadInput when there is no such document."""
        if self.find(kind, id_) is None:
            known = [document.id for document in self.list(kind)]
            shown = ", ".join(known[:20]) + (", …" if len(known) > 20 else "")
            raise BadInput(
                field,
                id_,
                f"a registered {kind}" + (f": one of {shown}" if known else "; there is none yet"),
                vi=f"{IN_VIETNAMESE[kind]} đã đăng ký" + (f": một trong {shown}" if known else "; hiện chưa có"),
            )


def enqueue(connection: psycopg.Connection, topic: str, key: str | None, value: str | None) -> None:
    """Append to the outbox. The caller holds the outbox lock (`lock_outbox`) or is the registry."""
    connection.execute("insert into ioc.outbox (topic, key, value) values (%s, %s, %s)", [topic, key, value])
    connection.execute("notify ioc_outbox")


def lock_outbox(connection: psycopg.Connection) -> None:
    """Keep the outbox in commit order until this transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s)", [_OUTBOX_LOCK])


def document_of(kind: str, raw: object, where: str = "") -> Document:
    """A document from plain data, such as a YAML file `where`. Raises BadInput naming the field."""
    if kind not in {str(known) for known in DOCUMENTS}:
        raise BadInput.one_of("kind", kind, DOCUMENTS)
    try:
        return msgspec.convert(raw, DOCUMENTS[Kind(kind)], strict=True)
    except msgspec.ValidationError as error:
        wrong = misfit(error)
        value = _at(raw, wrong.field)
        raise BadInput(f"{kind}.{wrong.field}", value, wrong.said.en, where, vi=wrong.said.vi) from None


def _at(raw: object, path: str) -> object:
    for name in re.findall(r"[^.\[\]]+", path):
        if isinstance(raw, dict):
            raw = raw.get(name)
        elif isinstance(raw, list) and name.isdecimal():
            raw = raw[int(name)]
    return raw


def _table(kind: Kind) -> sql.Identifier:
    return sql.Identifier("ioc", kind)


def _document(kind: Kind, raw: Any) -> Document:
    return msgspec.convert(raw, DOCUMENTS[kind])


def _check_area(registry: Registry, area: Area) -> None:
    if area.parent:
        registry.require(Kind.AREA, "area.parent", area.parent)
    ancestor, seen = area.parent, [area.id]
    while ancestor:
        if ancestor in seen:
            circle = " > ".join([*seen, ancestor])
            raise BadInput("area.parent", area.parent, f"no circle, but {circle}", vi=f"không lặp vòng, mà {circle}")
        seen.append(ancestor)
        above = registry.find(Kind.AREA, ancestor)
        ancestor = above.parent if isinstance(above, Area) else ""
    for position in area.polygon:
        check_position("area.polygon", position)
    check_area_validity(area)


def _check_site(registry: Registry, site: Site) -> None:
    if site.id == "alerts":
        raise BadInput(
            "site.id",
            site.id,
            "an id other than alerts: below ioc/alerts/ we publish ourselves",
            vi="mã khác alerts: hệ thống tự gửi tin dưới ioc/alerts/",
        )
    if site.area:
        registry.require(Kind.AREA, "site.area", site.area)
    if site.point is not None:
        check_position("site.point", site.point)


def _check_type(_: Registry, type_: DeviceType) -> None:
    for row in type_.quantities:
        _check_quantity(row.quantity, row.unit)
    for name, value in (("period_s", type_.period_s), ("delay_s", type_.delay_s)):
        if value is not None and value <= 0:
            raise BadInput(f"type.{name}", value, "a number of seconds above 0", vi="số giây lớn hơn 0")
    if type_.decoder not in DECODERS:
        raise BadInput.one_of("type.decoder", type_.decoder, sorted(DECODERS))


def _check_quantity(name: str, unit: str) -> None:
    row = QUANTITIES.get(name)
    if row is None:
        raise BadInput(
            "type.quantities",
            name,
            "a name of the table of quantities (pipeline/core/quantities.py)",
            vi="một tên trong bảng đại lượng (pipeline/core/quantities.py)",
        )
    field = f"type.quantities.{name}.unit"
    if unit and not row.units:
        raise BadInput(field, unit, "no unit: the quantity is a state", vi="bỏ đơn vị: đại lượng này là trạng thái")
    if unit and unit not in row.units:
        raise BadInput.one_of(field, unit, row.units)


def _check_group(registry: Registry, group: Group) -> None:
    for site in group.sites:
        registry.require(Kind.SITE, "group.sites", site)
    for device in group.devices:
        if registry.find(Kind.CAMERA, device) is None:
            registry.require(Kind.DEVICE, "group.devices", device)


def _check_device(registry: Registry, device: Device) -> None:
    check_dated("device", device)
    registry.require(Kind.TYPE, "device.type", device.type)
    registry.require(Kind.SITE, "device.site", device.site)
    if device.point is not None:
        check_position("device.point", device.point)
    if registry.find(Kind.CAMERA, device.id):
        raise BadInput("device.id", device.id, "an id that no camera has", vi="mã mà chưa camera nào dùng")


def _check_camera(registry: Registry, camera: Camera) -> None:
    check_dated("camera", camera)
    registry.require(Kind.SITE, "camera.site", camera.site)
    if camera.point is not None:
        check_position("camera.point", camera.point)
    if registry.find(Kind.DEVICE, camera.id):
        raise BadInput("camera.id", camera.id, "an id that no device has", vi="mã mà chưa thiết bị nào dùng")
    _check_url("camera.url", camera.url, with_login=bool(camera.secret))
    if camera.evidence_url:
        _check_url("camera.evidence_url", camera.evidence_url, with_login=bool(camera.secret))
    check_looking(camera)
    check_places(camera)


def _check_url(field: str, url: str, *, with_login: bool) -> None:
    """Refuse what may hold a login, without repeating it."""
    scheme, _, rest = url.partition("://")
    if scheme not in ("rtsp", "rtsps"):
        shown = f"{scheme}://…" if scheme.isalpha() else "…"
        raise BadInput(field, shown, "rtsp://host:port/path", vi="địa chỉ dạng rtsp://máy:cổng/đường-dẫn")
    if "@" in rest or not _has_host(url):
        raise BadInput(
            field,
            f"{scheme}://…",
            "rtsp://host:port/path without name and password; those are given by --user and IOC_CAMERA_PASSWORD, "
            "and an @ in the path is written %40",
            vi="địa chỉ dạng rtsp://máy:cổng/đường-dẫn, không kèm tên và mật khẩu; nhập chúng bằng --user và "
            "IOC_CAMERA_PASSWORD, còn @ trong đường dẫn viết là %40",
        )
    check_path(field, url, with_login=with_login)


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def _check_nothing(_: Registry, __: RuleDocument) -> None:
    """Rules are checked by the rules room before they come here."""


_CHECKS: dict[type[Document], Callable[[Registry, Any], None]] = {
    Area: _check_area,
    Site: _check_site,
    DeviceType: _check_type,
    Device: _check_device,
    Camera: _check_camera,
    Group: _check_group,
    Calendar: lambda _, calendar: check_calendar(calendar),
    RuleDocument: _check_nothing,
}
_COLUMNS: dict[type[Document], Callable[[Any], dict[str, Any]]] = {
    Area: lambda area: {"parent": area.parent or None},
    Site: lambda site: {"area": site.area or None},
    DeviceType: lambda _: {},
    Device: lambda device: {"type": device.type, "site": device.site, "retired": device.retired_at is not None},
    Camera: lambda camera: {"site": camera.site, "retired": camera.retired_at is not None},
    Group: lambda _: {},
    Calendar: lambda _: {},
    RuleDocument: lambda rule: {"active": rule.active},
}
