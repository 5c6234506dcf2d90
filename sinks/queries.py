"""What readers ask the store: open alerts, one alert and its events, a series around a time, last readings.

Every answer has a limit, and says when there is more. Time-outs are those of the caller's connection.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg.rows import dict_row

from pipeline.core import topics
from pipeline.core.alerts import Alert
from pipeline.core.conditions import RANK, Severity

Connection = psycopg.AsyncConnection[Any]
MAX_ALERTS = 1000
MAX_EVENTS = 300
MAX_POINTS = 240
MAX_DEVICES = 2000
MAX_CAMERAS = 4
LAST_READING_DAYS = 7
_GRAVEST_FIRST = sorted(Severity, key=RANK.__getitem__, reverse=True)


class OpenAlerts(NamedTuple):
    """Bodies of open alerts (a JSON array), how many there are in all, and the offset up to which that holds."""

    bodies: msgspec.Raw
    total: int
    next: int | None


class Copies(NamedTuple):
    """A picture or clip with people blurred, and clear; `clear` is empty when nobody is in it."""

    blurred: bytes
    clear: bytes = b""
    clear_digest: str = ""


class Point(NamedTuple):
    """One bucket of a series: its time (ms), mean, least and greatest value."""

    at: int
    mean: float
    low: float
    high: float


async def open_alerts(connection: Connection, limit: int = MAX_ALERTS, sink: str = "sink") -> OpenAlerts:
    """The open alerts, the gravest first, as of one snapshot of the store.

    `next` is the first offset of the alert topic that the snapshot does not hold: whoever reads the topic on from
    there misses nothing. None when nothing was ever stored.
    """
    cursor = await connection.execute(
        """
        with chosen as (
            select body from ioc.alert where not closed
            order by array_position(%(order)s::text[], severity), began desc limit %(limit)s
        )
        select (select coalesce(json_agg(body), '[]'::json)::text from chosen),
               (select count(*) from ioc.alert where not closed),
               (select next from ioc.sink_offset where sink = %(sink)s and topic = %(topic)s and partition = 0)
        """,
        {"order": list(_GRAVEST_FIRST), "limit": limit, "sink": sink, "topic": topics.ALERTS},
    )
    row = await cursor.fetchone()
    assert row is not None
    return OpenAlerts(msgspec.Raw(row[0].encode()), int(row[1]), row[2])


async def alert(connection: Connection, id_: str) -> Alert | None:
    """The newest state of one alert."""
    cursor = await connection.execute("select body::text from ioc.alert where alert = %s", [id_])
    row = await cursor.fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Alert)


async def alert_events(connection: Connection, id_: str, limit: int = MAX_EVENTS) -> list[dict[str, Any]]:
    """The newest `limit` events of an alert, oldest first: what changed, when, and by whom."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        select id, type, sequence, (extract(epoch from at) * 1000)::bigint as at, body->>'severity' as severity,
               body->'state'->'acked' as acked, body->'state'->'closed' as closed,
               body->'comments'->-1 as comment, body->>'refused' as refused
        from ioc.alert_event where alert = %s order by sequence desc limit %s
        """,
        [id_, limit],
    )
    return list(reversed(await cursor.fetchall()))


async def series_around(
    connection: Connection, device: str, quantity: str, since: datetime, until: datetime
) -> list[Point]:
    """A series between two times in at most MAX_POINTS buckets; a bucket may hold a single reading.

    Readings of bad quality (code 2 and above) are left out, as the rules leave them out.
    """
    width_s = max(0.001, (until - since).total_seconds() / MAX_POINTS)
    cursor = await connection.execute(
        """
        with known as (select id from ioc.series where device = %(device)s and quantity = %(quantity)s),
        found as (
            select at, value from ioc.readings where series = (select id from known)
                and at between %(since)s and %(until)s and value is not null and quality < 2
            union all
            select at, value from ioc.derived where series = (select id from known)
                and at between %(since)s and %(until)s and value is not null and quality < 2
        )
        select (extract(epoch from max(at)) * 1000)::bigint, avg(value), min(value), max(value)
        from found
        group by date_bin(make_interval(secs => %(width)s), at, %(since)s)
        order by 1 limit %(limit)s
        """,
        {
            "device": device,
            "quantity": quantity,
            "since": since,
            "until": until,
            "width": width_s,
            "limit": MAX_POINTS + 1,
        },
    )
    return [Point(*row) for row in await cursor.fetchall()]


async def devices(connection: Connection, limit: int = MAX_DEVICES) -> list[dict[str, Any]]:
    """Registered devices with the last reading of each of their series; series silent for a week have none.

    One probe of the primary key a series: quick however much is stored.
    """
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        with chosen as (select id, type, site, document from ioc.device where not retired order by id limit %(limit)s),
        last as (
            select s.device, s.quantity, (extract(epoch from r.at) * 1000)::bigint as at, r.value, r.text, r.quality
            from chosen c join ioc.series s on s.device = c.id
            left join lateral (
                select at, value, text, quality from ioc.readings
                where series = s.id and at > now() - make_interval(days => %(days)s) order by at desc limit 1
            ) r on true
        )
        select c.id, c.type, c.site, c.document->'title' as title,
               (t.document->>'period_s')::float as period_s, coalesce((t.document->>'delay_s')::float, 10) as delay_s,
               coalesce((select json_agg(json_build_object('quantity', l.quantity, 'at', l.at, 'value', l.value,
                            'text', l.text, 'quality', l.quality) order by l.quantity)
                         from last l where l.device = c.id), '[]'::json) as last
        from chosen c join ioc.type t on t.id = c.type order by c.id
        """,
        {"limit": limit, "days": LAST_READING_DAYS},
    )
    return await cursor.fetchall()


async def cameras(connection: Connection, limit: int = MAX_DEVICES) -> list[dict[str, Any]]:
    """Registered cameras; never their addresses."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        "select id, site, document->'title' as title from ioc.camera where not retired order by id limit %s", [limit]
    )
    return await cursor.fetchall()


async def titles(connection: Connection, limit: int = MAX_DEVICES) -> dict[str, dict[str, Any]]:
    """Names of sites and device types by their ids."""
    found: dict[str, dict[str, Any]] = {}
    for table, query in _TITLES.items():
        rows = await (await connection.execute(query, [limit])).fetchall()
        found[table] = {row[0]: row[1] for row in rows}
    return found


_TITLES = {
    "sites": "select id, document->'title' from ioc.site order by id limit %s",
    "types": "select id, document->'title' from ioc.type order by id limit %s",
}


async def evidence(connection: Connection, digest: str) -> Copies | None:
    """The JPEG pictures under a digest (`sha256:...`)."""
    return await _copies(connection, "select jpeg, clear, clear_digest from ioc.evidence where digest = %s", digest)


async def clip(connection: Connection, digest: str) -> Copies | None:
    """The MP4 clips under a digest."""
    return await _copies(connection, "select mp4, clear, clear_digest from ioc.clip where digest = %s", digest)


async def _copies(connection: Connection, query: LiteralString, digest: str) -> Copies | None:
    row = await (await connection.execute(query, [digest])).fetchone()
    return None if row is None else Copies(bytes(row[0]), bytes(row[1] or b""), row[2] or "")


async def shown_clear(connection: Connection, digests: list[str]) -> dict[str, bool]:
    """Of the pictures of these digests that are stored: whether there is a clear copy beside the blurred one."""
    query = "select digest, clear is not null from ioc.evidence where digest = any(%s)"
    return dict(await (await connection.execute(query, [digests])).fetchall())


async def clips(connection: Connection, alert: str, limit: int = MAX_CAMERAS) -> list[dict[str, Any]]:
    """The clips around an alert: digest, camera, times (ms), and whether there is a clear copy."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        select c.digest, c.camera, (extract(epoch from c.since) * 1000)::bigint as since,
               (extract(epoch from c.until) * 1000)::bigint as until, c.clear is not null as clear
        from ioc.alert_clip l join ioc.clip c using (digest) where l.alert = %s order by c.since limit %s
        """,
        [alert, limit],
    )
    return await cursor.fetchall()


async def note_opened(
    connection: Connection, person: str, role: str, digest: str, clear_digest: str, again_s: float
) -> None:
    """Write down that somebody opened the clear copy of `digest`, unless they did within the last `again_s`."""
    await connection.execute(
        """
        insert into ioc.evidence_opened (person, role, digest, clear_digest)
        select %(person)s, %(role)s, %(digest)s, %(clear)s where not exists (
            select from ioc.evidence_opened where digest = %(digest)s and person = %(person)s
                and at > now() - make_interval(secs => %(again)s))
        """,
        {"person": person, "role": role, "digest": digest, "clear": clear_digest, "again": again_s},
    )


async def watch(connection: Connection, camera: str, seconds: float) -> bool:
    """Ask for stills of a camera for so long from now; False when there is no such camera."""
    cursor = await connection.execute(
        "insert into ioc.watch (camera, until) select id, now() + make_interval(secs => %(s)s) from ioc.camera "
        "where id = %(camera)s and not retired on conflict (camera) do update "
        "set until = greatest(ioc.watch.until, excluded.until)",
        {"camera": camera, "s": seconds},
    )
    return cursor.rowcount == 1


async def still(connection: Connection, camera: str, within_s: float) -> tuple[int, Copies] | None:
    """The time (ms) of the last still of a camera and its copies, when it was not written longer ago than that.

    The time is the camera's own, and says nothing about how fresh the still is where the camera's clock is wrong.
    """
    row = await (
        await connection.execute(
            "select (extract(epoch from at) * 1000)::bigint, jpeg, clear from ioc.still "
            "where camera = %s and written > now() - make_interval(secs => %s)",
            [camera, within_s],
        )
    ).fetchone()
    return None if row is None else (int(row[0]), Copies(bytes(row[1]), bytes(row[2] or b"")))
