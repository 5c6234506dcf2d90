"""Plain numbered SQL, applied in order under an advisory lock, each file once, with its checksum kept.

`NNNN_name.sql` runs everywhere, `NNNN_name.plain.sql` on plain PostgreSQL only, `NNNN_name.timescaledb.sql` where
the extension can be had. A file whose first line is `-- no-transaction` runs statement by statement.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

import psycopg
from psycopg import sql

from pipeline.core.errors import CredentialsWrong, IocError, ServiceMissing

_LOCK = 0x10C_0001
_REMEDY = "start it with `ioc up`, or set postgres.dsn"
_REMEDY_VI = "khởi động bằng `ioc up`, hoặc đặt postgres.dsn"


class Migration(NamedTuple):
    """One file."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(timescaledb: bool) -> list[Migration]:
    """All files for one kind of store, in order."""
    skipped = ".plain.sql" if timescaledb else ".timescaledb.sql"
    files = [f for f in resources.files(__package__).iterdir() if f.name.endswith(".sql")]
    return [
        Migration(f.name, f.read_text()) for f in sorted(files, key=lambda f: f.name) if not f.name.endswith(skipped)
    ]


def connect(dsn: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection. Raises ServiceMissing, or CredentialsWrong when the server refused us."""
    try:
        return psycopg.connect(dsn, autocommit=autocommit, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise database_error(dsn, error) from None


def database_error(dsn: str, error: psycopg.OperationalError) -> IocError:
    """The one sentence that a person sees; never holds the password."""
    info = psycopg.conninfo.conninfo_to_dict(dsn)
    address = f"{info.get('host', 'localhost')}:{info.get('port', 5432)}"
    if "password" in str(error) or "authentication" in str(error):
        return CredentialsWrong("PostgreSQL", address, "check postgres.dsn", vi="kiểm tra postgres.dsn")
    return ServiceMissing("PostgreSQL", address, _REMEDY, vi=_REMEDY_VI)


def migrate(connection: psycopg.Connection) -> list[str]:
    """Apply what is missing; returns the names applied now. `connection` must be in autocommit mode.

    Raises IocError when a file that was applied before has changed since.
    """
    connection.execute("select pg_advisory_lock(%s)", [_LOCK])
    try:
        applied = _applied(connection)
        kind = _kind(connection, applied)
        wanted = migrations(timescaledb=kind == "timescaledb")
        for migration in wanted:
            if applied.get(migration.name, migration.checksum) != migration.checksum:
                raise IocError(f"migration {migration.name} was changed after it had been applied; write a new one")
        missing = [migration for migration in wanted if migration.name not in applied]
        for migration in missing:
            _apply(connection, migration)
        return [migration.name for migration in missing]
    finally:
        connection.execute("select pg_advisory_unlock(%s)", [_LOCK])


def _applied(connection: psycopg.Connection) -> dict[str, str]:
    connection.execute(
        "create table if not exists public.ioc_migration "
        "(name text primary key, checksum text not null, applied_at timestamptz not null default now())"
    )
    return dict(connection.execute("select name, checksum from public.ioc_migration").fetchall())


def _kind(connection: psycopg.Connection, applied: dict[str, str]) -> str:
    """The kind of store: what the first migration decided stays."""
    if any(name.endswith(".plain.sql") for name in applied):
        return "plain"
    if has_timescaledb(connection):
        connection.execute("create extension if not exists timescaledb")
        return "timescaledb"
    return "plain"


def has_timescaledb(connection: psycopg.Connection) -> bool:
    """Whether the server offers the extension."""
    found = connection.execute("select 1 from pg_available_extensions where name = 'timescaledb'").fetchone()
    return found is not None


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    record = "insert into public.ioc_migration (name, checksum) values (%s, %s)"
    if migration.text.startswith("-- no-transaction"):
        for statement in _statements(migration.text):
            connection.execute(sql.SQL(statement))
        connection.execute(record, [migration.name, migration.checksum])
        return
    with connection.transaction():
        connection.execute(sql.SQL(migration.text))
        connection.execute(record, [migration.name, migration.checksum])


def _statements(text: str) -> list[str]:
    """Statements of a file without function bodies: split at semicolons that end a line."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in code.split(";\n") if statement.strip()]
