"""One transaction of the sink: offsets by compare-and-swap, COPY into staging, idempotent insert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from pipeline.core.alerts import Alert
from pipeline.core.clock import parse_rfc3339
from sinks.tables import Table, moment


class Overtaken(Exception):
    """Another sink moved an offset that we believed to be ours: nothing was written; read the offsets again."""


class Advance(NamedTuple):
    """A partition's offset moves from `expected` to `next`."""

    topic: str
    partition: int
    expected: int
    next: int


class Written(NamedTuple):
    """Of the rows handed in: newly stored, there already, and there already with another value."""

    stored: int
    repeated: int
    conflicts: int


class Store:
    """Writes batches over one connection. Not for concurrent use."""

    def __init__(self, connection: psycopg.AsyncConnection[Any], sink: str) -> None:
        self._connection, self._sink = connection, sink
        self._series: dict[tuple[str, str], int] = {}
        self._partitions: set[tuple[str, str]] = set()

    async def prepare(self, tables: Sequence[Table]) -> None:
        """Make the staging tables of this connection."""
        for table in tables:
            await self._connection.execute(
                sql.SQL("create temp table if not exists {} (like {}) on commit delete rows").format(
                    sql.Identifier(f"staging_{table.name}"), sql.Identifier("ioc", table.name)
                )
            )
        await self._connection.execute("select ioc.retain()")
        await self._connection.commit()

    async def offset(self, topic: str, partition: int, beginning: int) -> int:
        """Next offset to be stored; `beginning` where nothing was stored yet."""
        await self._connection.execute(
            "insert into ioc.sink_offset (sink, topic, partition, next) values (%s, %s, %s, %s) on conflict do nothing",
            [self._sink, topic, partition, beginning],
        )
        cursor = await self._connection.execute(
            "select next from ioc.sink_offset where sink = %s and topic = %s and partition = %s",
            [self._sink, topic, partition],
        )
        row = await cursor.fetchone()
        await self._connection.commit()
        assert row is not None
        return int(row[0])

    async def write(self, table: Table, rows: list[Sequence[Any]], advances: Sequence[Advance]) -> Written:
        """Store rows and move the offsets, both or neither. Raises Overtaken."""
        if table.series:
            rows = await self._with_series(rows)
        async with self._connection.transaction():
            for advance in advances:
                await self._advance(advance)
            await self._ensure_partitions(table, rows)
            return await self._insert(table, rows) if rows else Written(0, 0, 0)

    async def write_alerts(
        self, table: Table, rows: list[Sequence[Any]], alerts: Sequence[Alert], advances: Sequence[Advance]
    ) -> Written:
        """Events of alerts, and the newest state of each alert, in one transaction."""
        async with self._connection.transaction():
            for advance in advances:
                await self._advance(advance)
            await self._ensure_partitions(table, rows)
            written = await self._insert(table, rows) if rows else Written(0, 0, 0)
            told = (alert for alert in alerts if not alert.refused)  # a refusal changes no alert
            for alert in {alert.alert: alert for alert in told}.values():
                await self._upsert_alert(alert)
            return written

    async def _advance(self, advance: Advance) -> None:
        cursor = await self._connection.execute(
            "update ioc.sink_offset set next = %s where sink = %s and topic = %s and partition = %s and next = %s",
            [advance.next, self._sink, advance.topic, advance.partition, advance.expected],
        )
        if cursor.rowcount != 1:
            raise Overtaken(f"{advance.topic}/{advance.partition} is no longer at {advance.expected}")

    async def _ensure_partitions(self, table: Table, rows: list[Sequence[Any]]) -> None:
        at = table.columns.index("at")
        for day in {row[at].date() for row in rows}:
            if (table.name, str(day)) not in self._partitions:
                await self._connection.execute(
                    "select ioc.ensure_partition(%s, %s::date::timestamp at time zone 'UTC')", [table.name, day]
                )
                self._partitions.add((table.name, str(day)))

    async def _insert(self, table: Table, rows: list[Sequence[Any]]) -> Written:
        staging, columns = (
            sql.Identifier(f"staging_{table.name}"),
            sql.SQL(", ").join(map(sql.Identifier, table.columns)),
        )
        async with self._connection.cursor() as cursor:
            copy_in = sql.SQL("copy {} ({}) from stdin (format binary)").format(staging, columns)
            async with cursor.copy(copy_in) as copy:
                copy.set_types(table.types)
                for row in rows:
                    await copy.write_row(row)
            await cursor.execute(
                sql.SQL(
                    "insert into {} ({}) select {} from {} "
                    "order by log_partition, log_offset, line on conflict do nothing"
                ).format(sql.Identifier("ioc", table.name), columns, columns, staging)
            )
            stored = cursor.rowcount
        repeated = len(rows) - stored
        return Written(stored, repeated, await self._conflicts(table) if repeated else 0)

    async def _conflicts(self, table: Table) -> int:
        query = sql.SQL("select count(*) from {} s join {} t using ({}) where ({}) is distinct from ({})").format(
            sql.Identifier(f"staging_{table.name}"),
            sql.Identifier("ioc", table.name),
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
            sql.SQL(", ").join(sql.Identifier("s", column) for column in table.same),
            sql.SQL(", ").join(sql.Identifier("t", column) for column in table.same),
        )
        row = await (await self._connection.execute(query)).fetchone()
        return int(row[0]) if row else 0

    async def _with_series(self, rows: list[Sequence[Any]]) -> list[Sequence[Any]]:
        unknown = {row[0][:2]: row[0] for row in rows if row[0][:2] not in self._series}
        if unknown:
            await self._learn_series(list(unknown.values()))
        return [(self._series[row[0][:2]], *row[1:]) for row in rows]

    async def _learn_series(self, wanted: list[tuple[str, str, str]]) -> None:
        devices, quantities, units = (list(column) for column in zip(*wanted, strict=True))
        await self._connection.execute(
            "insert into ioc.series (device, quantity, unit) "
            "select * from unnest(%s::text[], %s::text[], %s::text[]) on conflict do nothing",
            [devices, quantities, units],
        )
        cursor = await self._connection.execute(
            "select device, quantity, id from ioc.series s "
            "join unnest(%s::text[], %s::text[]) as w (device, quantity) using (device, quantity)",
            [devices, quantities],
        )
        self._series.update({(device, quantity): id_ for device, quantity, id_ in await cursor.fetchall()})
        await self._connection.commit()

    async def _upsert_alert(self, alert: Alert) -> None:
        times, state = alert.times, alert.state
        await self._connection.execute(
            """
            insert into ioc.alert (alert, key, rule, sequence, severity, active, acked, closed, began, changed, body)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (alert) do update set sequence = excluded.sequence, severity = excluded.severity,
                active = excluded.active, acked = excluded.acked, closed = excluded.closed,
                changed = excluded.changed, body = excluded.body
            where excluded.sequence > ioc.alert.sequence
            """,
            [
                alert.alert,
                alert.key,
                alert.rule,
                alert.sequence,
                alert.severity,
                state.active.on,
                state.acked.on,
                state.closed.on,
                moment(alert.episode),
                moment(parse_rfc3339(times.log or times.event or times.begin)),
                Jsonb(alert, dumps=msgspec.json.encode),
            ],
        )
