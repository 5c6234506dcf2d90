"""What is known of the cameras' views: here over their starts, and in the database for the next process.

Receives nothing: the thread of clips asks it each poll. What a watch has learned is written each SAVE_MS and whenever
something else is said of the view; a camera that comes here goes on from what was written in the last FRESH_S, if that
can be read before it has learned its view by itself. An older scene may show another light, and is left, unless
something was said of it: that must end one day. Rows that nobody writes go after a day (vision.retention). Without a
database a view is known in its process only. kill -9 loses what was learned in the last SAVE_MS.
"""

from __future__ import annotations

from typing import Any

import psycopg

from pipeline.core.clock import Clock, now_ms
from pipeline.core.events import TamperKind
from vision.tamper import Known, TamperWatch

SAVE_MS = 60_000
FRESH_S = 600
FORGET_MS = 86_400_000
"""A view not seen for so long is let go: the camera is another process's, or its scene another by now."""
_FIND = (
    "select view, said, scene from ioc.camera_view "
    "where camera = %s and (said <> '' or written > now() - make_interval(secs => %s))"
)
_KEEP = (
    "insert into ioc.camera_view (camera, view, said, scene) values (%s, %s, %s, %s) on conflict (camera) "
    "do update set view = excluded.view, said = excluded.said, scene = excluded.scene, written = now()"
)
Connection = psycopg.Connection[Any]


class Views:
    """The watches of this process's cameras. `of` is called on the event loop, `serve` on a thread."""

    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._watches: dict[str, TamperWatch] = {}
        self._saved: dict[str, tuple[int, TamperKind | None]] = {}
        """When a watch was written last, by its samples, and what was said then; all that were asked for are here."""

    def of(self, camera: str) -> TamperWatch:
        """The watch of a camera that starts; the same as before if that is fresh."""
        watch = self._watches.get(camera)
        if watch is None or (watch.spoiled is None and self._unseen_ms(watch) > FRESH_S * 1000):
            self._saved.pop(camera, None)
            watch = self._watches[camera] = TamperWatch()
        return watch

    def serve(self, connection: Connection) -> None:
        """Read, write and forget what is due. Raises psycopg.Error."""
        for camera, watch in list(self._watches.items()):
            if camera not in self._saved:
                self._recall(connection, camera, watch)
            elif self._unseen_ms(watch) > FORGET_MS:
                self._watches.pop(camera, None)
                self._saved.pop(camera, None)
            else:
                self._save(connection, camera, watch)

    def _unseen_ms(self, watch: TamperWatch) -> int:
        """How long ago its newest sample is; 0 for one that waits for its first."""
        return self._clock() - watch.sampled_at if watch.sampled_at > 0 else 0

    def _recall(self, connection: Connection, camera: str, watch: TamperWatch) -> None:
        row = connection.execute(_FIND, [camera, FRESH_S]).fetchone()
        self._saved[camera] = 0, None
        if row is not None:
            watch.recall(Known(row[0], TamperKind(row[1]) if row[1] else None, bytes(row[2])))

    def _save(self, connection: Connection, camera: str, watch: TamperWatch) -> None:
        saved_at, said = self._saved.get(camera, (0, None))
        if watch.sampled_at - saved_at < SAVE_MS and watch.spoiled is said:
            return
        at, known = watch.sampled_at, watch.known()
        if known is not None:
            connection.execute(_KEEP, [camera, known.view, known.said or "", known.scene])
            self._saved[camera] = at, known.said
