"""What is too old in the database goes, in batches between the writes of pictures.

Receives nothing: the picture store's thread asks it each round. It deletes at most one batch in EVERY_S until nothing
old is left, then again a day later. A batch that the database refuses, or that takes longer than its time limit, is
counted in `ioc_vision_retention_failures`; the next one is half as large and comes RETRY_S later, and pictures go on
being stored meanwhile. kill -9 loses nothing: the next start goes on. Several processes may do it at once.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from prometheus_client import Counter

from pipeline.core.clock import Clock, now_ms
from pipeline.core.telemetry import log

FAILURES = Counter("ioc_vision_retention_failures", "Batches of old pictures that could not be deleted")
BATCH = 100
"""Rows of a table at a time: 0.07 s for pictures of twice 120 kB, where 14 000 at once take the 10 s of the limit."""
EVERY_S = 0.5
"""200 rows a second: a day's pictures of hundreds of cameras are gone within a day, and writes wait for little."""
RETRY_S = 60.0
DAY_S = 86_400.0
OPENED_DAYS = 730
_DAY_MS = 86_400_000
_DELETE = {
    "pictures": "delete from ioc.evidence where ctid = any(array(select ctid from ioc.evidence "
    "where at < to_timestamp(%s / 1000.0) order by at limit %s for update skip locked))",
    "clips": "delete from ioc.clip where ctid = any(array(select ctid from ioc.clip "
    "where until < to_timestamp(%s / 1000.0) order by until limit %s for update skip locked))",
    "opened": "delete from ioc.evidence_opened where ctid = any(array(select ctid from ioc.evidence_opened "
    "where at < to_timestamp(%s / 1000.0) order by at limit %s for update skip locked))",
    "stills": "delete from ioc.still where ctid = any(array(select ctid from ioc.still "
    "where written < to_timestamp(%s / 1000.0) limit %s for update skip locked))",
    "views": "delete from ioc.camera_view where ctid = any(array(select ctid from ioc.camera_view "
    "where written < to_timestamp(%s / 1000.0) limit %s for update skip locked))",
}


class Retention:
    """Deletes what is older than `days`, a little at a time."""

    def __init__(self, days: float, clock: Clock = now_ms) -> None:
        self._days, self._clock = days, clock
        self._most, self._due = BATCH, time.monotonic()

    def tend(self, connection: psycopg.Connection[Any]) -> None:
        """Delete a batch if it is time for one. Raises psycopg.Error only when the connection is lost."""
        if time.monotonic() < self._due:
            return
        try:
            pause = EVERY_S if retain(connection, self._days, self._clock(), self._most) else DAY_S
        except psycopg.Error as error:
            if connection.closed:
                raise
            FAILURES.inc()
            log.warning("old pictures cannot be deleted", why=type(error).__name__, rows=self._most)
            self._most, pause = max(self._most // 2, 1), RETRY_S
        self._due = time.monotonic() + pause


def retain(connection: psycopg.Connection[Any], days: float, now: int, most: int = BATCH) -> int:
    """Delete pictures and clips older than `days`, stills and views of a day ago, and the record of who opened
    clear ones after OPENED_DAYS: the oldest `most` of each. Returns how many rows; 0: nothing old is left."""
    kept = now - round(days * _DAY_MS)
    since = {"pictures": kept, "clips": kept, "opened": now - OPENED_DAYS * _DAY_MS}
    since |= {"stills": now - _DAY_MS, "views": now - _DAY_MS}
    return sum(connection.execute(query.encode(), [since[name], most]).rowcount for name, query in _DELETE.items())
