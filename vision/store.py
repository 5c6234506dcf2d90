"""What the cameras keep in the database: evidence, the last still of a watched camera; and the cameras' logins.

Receives pictures; writes rows, each evidence once by its digest; drops `store_down` (no database, or the picture
was being written when it went) and `store_slow` (the queue is full). A dead database never stops detections: its
pictures are refused at once. kill -9 loses the pictures in the queue, at most QUEUE. All on a thread of its own.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from pipeline.core.clock import Clock, now_ms
from pipeline.core.events import CameraState
from pipeline.core.telemetry import Component, log
from vision.address import Login
from vision.evidence import Evidence, digest
from vision.retention import Retention
from vision.stream import StreamFault

QUEUE = 64
WATCH_POLL_S = 1.0
PAUSE_S = 2.0
_LIMITS = "-c statement_timeout=10000"
_KEEP = (
    "insert into ioc.evidence (digest, camera, at, jpeg, clear, clear_digest) values (%(digest)s, %(camera)s, "
    "to_timestamp(%(at)s / 1000.0), %(jpeg)s, %(clear)s, %(clear_digest)s) on conflict (digest) do nothing"
)
_STILL = (
    "insert into ioc.still (camera, at, jpeg, clear) "
    "select %(camera)s, to_timestamp(%(at)s / 1000.0), %(jpeg)s, %(clear)s "
    "where exists (select from ioc.watch where camera = %(camera)s and until > now()) "
    "on conflict (camera) do update set at = excluded.at, jpeg = excluded.jpeg, clear = excluded.clear, written = now()"
)
Connection = psycopg.Connection[Any]


class PictureStore:
    """Writes pictures in the background. `watched`: ids of the cameras whose stills somebody looks at now."""

    def __init__(self, dsn: str, component: Component, *, evidence_days: float = 30, clock: Clock = now_ms) -> None:
        self.watched: frozenset[str] = frozenset()
        self._dsn, self._component = dsn, component
        self._retention = Retention(evidence_days, clock)
        self._queue: queue.Queue[tuple[str, Evidence]] = queue.Queue(QUEUE)
        self._stopping = threading.Event()
        self._up = False
        self._thread = threading.Thread(target=self._run, name="picture store", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Write what waits, then end."""
        self._stopping.set()
        self._thread.join(within_s)

    def keep(self, picture: Evidence) -> bool:
        """Store evidence under its digest; False when it cannot be stored now (counted)."""
        return self._put(_KEEP, picture)

    def still(self, picture: Evidence) -> bool:
        """Store the newest still of a camera, if it is watched when it is written."""
        return self._put(_STILL, picture)

    def _put(self, statement: str, picture: Evidence) -> bool:
        self._component.received.inc()
        if not self._up:
            return self._drop("store_down")
        try:
            self._component.in_flight.inc()
            self._queue.put_nowait((statement, picture))
        except queue.Full:
            self._component.in_flight.dec()
            return self._drop("store_slow")
        return True

    def _drop(self, reason: str) -> bool:
        self._component.dropped.labels(reason).inc()
        return False

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._dsn) as connection:
                    self._up = True
                    self._serve(connection)
            except psycopg.Error as error:
                log.warning("pictures cannot be stored", why=type(error).__name__)
            self._up, self.watched = False, frozenset()
            self._drop_all()
            self._stopping.wait(PAUSE_S)

    def _drop_all(self) -> None:
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                return
            self._component.in_flight.dec()
            self._drop("store_down")

    def _serve(self, connection: Connection) -> None:
        watch_at = time.monotonic()
        while not (self._stopping.is_set() and self._queue.empty()):
            now = time.monotonic()
            if now >= watch_at:
                self.watched, watch_at = watched(connection), now + WATCH_POLL_S
            self._write_one(connection)
            self._retention.tend(connection)

    def _write_one(self, connection: Connection) -> None:
        try:
            statement, picture = self._queue.get(timeout=0.1)
        except queue.Empty:
            return
        try:
            write(connection, statement, picture)
            self._component.sent.inc()
        except psycopg.Error:
            self._drop("store_down")
            raise
        finally:
            self._component.in_flight.dec()


def connect(dsn: str) -> Connection:
    """A connection that commits each statement and waits for nothing longer than 10 s."""
    return psycopg.connect(dsn, autocommit=True, connect_timeout=3, options=_LIMITS)


def write(connection: Connection, statement: str, picture: Evidence) -> None:
    """Store one picture by one of the statements above."""
    values = picture._asdict() | {"digest": picture.digest, "clear": picture.clear or None}
    values["clear_digest"] = digest(picture.clear) if picture.clear else None
    connection.execute(statement.encode(), values)


def watched(connection: Connection) -> frozenset[str]:
    """Ids of the cameras that somebody watches now."""
    return frozenset(row[0] for row in connection.execute("select camera from ioc.watch where until > now()"))


class Logins:
    """Cameras' logins out of the secret store; the last known one serves while the database is down."""

    def __init__(self, dsn: str, connect: Callable[[str], Connection] = connect) -> None:
        self._dsn, self._connect = dsn, connect
        self._known: dict[str, Login | None] = {}

    def find(self, name: str) -> Login:
        """The login of that name. Raises StreamFault when there is none, or nobody can say; called in any thread."""
        try:
            with self._connect(self._dsn) as connection:
                row = connection.execute("select username, password from ioc.secret where name = %s", [name]).fetchone()
            self._known[name] = Login(*row) if row else None
        except psycopg.Error:
            if name not in self._known:
                raise StreamFault(CameraState.OFFLINE, "the login is not known: the database does not answer") from None
        found = self._known[name]
        if found is None:
            raise StreamFault(CameraState.UNAUTHORISED, f"there is no secret named {name!r}")
        return found
