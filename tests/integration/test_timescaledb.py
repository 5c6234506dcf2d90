"""The TimescaleDB side of the migrations and queries, on TimescaleDB in WebAssembly.

COPY, concurrency and background jobs do not work there; they are tested on plain PostgreSQL.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipeline.local import timescaledb
from pipeline.local.ports import choose
from pipeline.migrations import migrate

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]
SERVER = Path(__file__).parents[1] / "timescaledb" / "server.mjs"


@pytest.fixture(scope="module")
def database() -> Iterator[psycopg.Connection]:
    """A connection to a fresh TimescaleDB, migrated."""
    port = choose(["timescaledb"], {}, str(SERVER))["timescaledb"]
    command = ["node", str(SERVER), str(port)]
    with subprocess.Popen(command, cwd=timescaledb.folder(), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip() == "ready"
        dsn = f"host=127.0.0.1 port={port} user=postgres password=x dbname=postgres sslmode=disable gssencmode=disable"
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            migrate(connection)
            yield connection
        server.kill()


def rows(database: psycopg.Connection, query: str) -> list[Any]:
    return database.execute(query.encode()).fetchall()


def test_the_history_is_made_of_hypertables_with_columnstore(database: psycopg.Connection) -> None:
    found = rows(database, "select hypertable_name, compression_enabled from timescaledb_information.hypertables")
    assert {name for name, enabled in found if enabled} == {
        "readings",
        "derived",
        "detections",
        "cases",
        "conditions",
        "alert_event",
    }


def test_every_hypertable_is_compressed_before_it_is_dropped(database: psycopg.Connection) -> None:
    days = rows(
        database,
        "select hypertable_name, extract(day from (config->>'compress_after')::interval), "
        "extract(day from (config->>'drop_after')::interval) from timescaledb_information.jobs "
        "where hypertable_name is not null",
    )
    compress = {name: after for name, after, _ in days if after is not None}
    drop = {name: after for name, _, after in days if after is not None}
    assert compress.keys() == drop.keys()
    assert all(compress[name] < drop[name] for name in drop)


def test_the_hourly_aggregate_is_never_refreshed_where_retention_drops(database: psycopg.Connection) -> None:
    ((start, drop),) = rows(
        database,
        "select (select (config->>'start_offset')::interval from timescaledb_information.jobs "
        "where proc_name = 'policy_refresh_continuous_aggregate'), (select (config->>'drop_after')::interval "
        "from timescaledb_information.jobs where proc_name = 'policy_retention' and hypertable_name = 'readings')",
    )
    assert start * 2 < drop


def test_a_repeated_reading_is_stored_once_also_in_the_columnstore(database: psycopg.Connection) -> None:
    insert = (
        "insert into ioc.readings (series, at, seq, value, log, log_partition, log_offset, line) "
        "values (1, '2026-11-01 00:10+00', 1, {}, now(), 0, 0, 0) on conflict do nothing"
    )
    database.execute(insert.format(1.5).encode())
    for (chunk,) in rows(database, "select show_chunks('ioc.readings')::text"):
        database.execute(f"call convert_to_columnstore('{chunk}')".encode())
    database.execute(insert.format(9.9).encode())
    assert rows(database, "select value from ioc.readings where series = 1") == [(1.5,)]


def test_the_hourly_aggregate_sums_what_is_usable(database: psycopg.Connection) -> None:
    database.execute(
        b"insert into ioc.readings (series, at, seq, value, quality, log, log_partition, log_offset, line) values "
        b"(2, '2026-11-02 01:00+00', 1, 2, 0, now(), 0, 0, 0), (2, '2026-11-02 01:59+00', 2, 4, 1, now(), 0, 0, 1), "
        b"(2, '2026-11-02 01:30+00', 3, 99, 2, now(), 0, 0, 2), (2, '2026-11-02 02:00+00', 4, 7, 0, now(), 0, 0, 3)"
    )
    database.execute(b"call refresh_continuous_aggregate('ioc.readings_1h', '2026-11-01', '2026-11-03')")
    found = rows(database, "select n, total, low, high from ioc.readings_1h where series = 2 order by bucket")
    assert found == [(2, 6.0, 2.0, 4.0), (1, 7.0, 7.0, 7.0)]


def test_migrating_again_changes_nothing(database: psycopg.Connection) -> None:
    assert migrate(database) == []
