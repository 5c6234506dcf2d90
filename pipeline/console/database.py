"""The console's connections to the database: few, with time-outs, and one sentence when it does not answer."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from pipeline.core.errors import ServiceError
from pipeline.migrations import connect

CONNECT_S = 3
WAIT_S = 3.0
_LIMITS = "-c statement_timeout=4000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"
_MOST = 6

Connection = psycopg.AsyncConnection[Any]


class StoreUnavailable(ServiceError):
    """The database does not answer, or not in time. Worth trying again."""


class Database:
    """A pool that heals by itself. `open` and `close` belong to the loop of the server."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            open=False,
            min_size=1,
            max_size=_MOST,
            timeout=WAIT_S,
            reconnect_timeout=CONNECT_S,
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_S,
                "options": _LIMITS,
                "tcp_user_timeout": 5000,
                "prepare_threshold": None,
            },
        )

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close(timeout=1)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit mode. Raises StoreUnavailable, also from inside the block."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise StoreUnavailable(f"the database does not answer: {type(error).__name__}") from error


def session_key(dsn: str) -> str:
    """The key that signs sessions, made by the first console on this database. Raises ServiceMissing."""
    with connect(dsn, autocommit=True) as connection:
        connection.execute(
            "insert into ioc.console_key (key) values (%s) on conflict do nothing", [secrets.token_urlsafe(48)]
        )
        row = connection.execute("select key from ioc.console_key").fetchone()
    assert row is not None
    return str(row[0])
