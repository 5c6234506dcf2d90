"""Clips around alerts: asks the store which new alerts were made of a camera here, cuts its film and stores an MP4.

Receives nothing: it looks for work itself each POLL_S, so no camera ever waits for it. For an alert of one of this
process's cameras it stores one clip, from BEFORE_MS before what the alert is made of to AFTER_MS after it, linked to
the alert. Counted by result: `stored`; `no_film` (the alert came after the film was over, or before this process
was); `failed` (could not be encoded, or there is no room for it); `store_down`, `broken` (something that should not
happen): looked for again while the alert is new (RECENT_S). kill -9 loses clips that are not stored yet; the next
start has no film of them. All on a thread of its own, which goes on whatever happens.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import av
import psycopg
from prometheus_client import Counter

from pipeline.core.catalogue import Camera
from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import ConfigError
from pipeline.core.telemetry import log
from vision.clip import Clip, clip
from vision.evidence import digest
from vision.film import Film
from vision.store import Connection, connect
from vision.views import Views
from vision.witness import Witness

CLIPS = Counter("ioc_vision_clips", "Clips around alerts, by what became of them", ["result"])
BEFORE_MS = AFTER_MS = 5000
LATE_MS = 3000
"""How long after the end of a clip its last pictures may still be on their way."""
POLL_S = 1.0
PAUSE_S = 2.0
RECENT_S = 120
MOST = 500
"""Alerts looked at in one poll, the newest first."""
_DONE = 10_000
_WANTED = """
select a.alert, o.value->>'device', (o.value->>'at')::bigint,
       array(select c.camera from ioc.alert_clip c where c.alert = a.alert)
from (select alert, body from ioc.alert where changed > now() - make_interval(secs => %(recent)s)
      order by changed desc limit %(most)s) a,
     jsonb_array_elements(a.body->'why'->'operands') o
"""
_KEEP = """
insert into ioc.clip (digest, camera, since, until, mp4, clear, clear_digest)
values (%(digest)s, %(camera)s, to_timestamp(%(since)s / 1000.0), to_timestamp(%(until)s / 1000.0), %(mp4)s,
        %(clear)s, %(clear_digest)s)
on conflict (digest) do nothing
"""
_LINK = "insert into ioc.alert_clip (alert, camera, digest) values (%s, %s, %s) on conflict do nothing"


class Wanted(NamedTuple):
    """A clip that an alert should have: of which camera, around which time (ms)."""

    alert: str
    camera: str
    at: int


class Clips:
    """The films of this process's cameras, what is known of their views, and the thread that makes clips of them."""

    def __init__(self, dsn: str, zone: tzinfo, clock: Clock = now_ms) -> None:
        self._dsn, self._zone, self._clock = dsn, zone, clock
        self._films: dict[str, Film] = {}
        self._views = Views(clock)
        self._zones: dict[str, tzinfo] = {}
        self._done: dict[tuple[str, str], None] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clips", daemon=True)

    def witness(self, camera: Camera, people: Collection[str]) -> Witness:
        """The witness of a camera here; `people`: labels under which its detector shows them. A camera that starts
        again goes on with its film, and with what it knows of its view."""
        zone = zone_of(camera, self._zone)
        self._zones[camera.id] = zone
        film = self._films.setdefault(camera.id, Film())
        return Witness(camera, film, people, zone, self._views.of(camera.id))

    def start(self) -> None:
        """Begin to look for alerts."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Finish the clip at work, then end."""
        self._stopping.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._dsn) as connection:
                    while not self._stopping.wait(POLL_S):
                        self.serve(connection)
            except psycopg.Error as error:
                CLIPS.labels("store_down").inc()
                log.warning("clips cannot be stored", why=type(error).__name__)
                self._stopping.wait(PAUSE_S)
            except Exception as error:  # noqa: BLE001 - counted; the clips of other alerts are wanted still
                CLIPS.labels("broken").inc()
                log.exception("clips failed", why=type(error).__name__)
                self._stopping.wait(PAUSE_S)

    def serve(self, connection: Connection) -> None:
        """Make the clips that are wanted and whose time has come."""
        films = dict(self._films)
        for film in films.values():
            film.expire(self._clock())
        if not films:
            return
        self._views.serve(connection)
        rows = connection.execute(_WANTED, {"recent": RECENT_S, "most": MOST}).fetchall()
        there = {(alert, camera) for alert, _, _, cameras in rows for camera in cameras}
        for wanted in chosen((row[:3] for row in rows), films):
            mine = wanted.alert, wanted.camera
            if mine not in there and mine not in self._done and self._over(wanted, films[wanted.camera]):
                self._make(connection, wanted, films[wanted.camera])
                self._remember(wanted)
            if self._stopping.is_set():
                return

    def _over(self, wanted: Wanted, film: Film) -> bool:
        """Whether all pictures that belong to it are there, or will not come any more."""
        until = wanted.at + AFTER_MS
        return (film.newest or 0) >= until or self._clock() >= until + LATE_MS

    def _make(self, connection: Connection, wanted: Wanted, film: Film) -> None:
        shots = film.cut(wanted.at - BEFORE_MS, wanted.at + AFTER_MS)
        if not shots:
            CLIPS.labels("no_film").inc()
            return
        try:
            made = clip(wanted.camera, shots, self._zones[wanted.camera])
        except (av.FFmpegError, OSError) as error:
            CLIPS.labels("failed").inc()
            log.warning("no clip", camera=wanted.camera, why=type(error).__name__)
            return
        keep(connection, wanted.alert, made)
        CLIPS.labels("stored").inc()

    def _remember(self, wanted: Wanted) -> None:
        self._done[wanted.alert, wanted.camera] = None
        while len(self._done) > _DONE:
            del self._done[next(iter(self._done))]


def zone_of(camera: Camera, zone: tzinfo) -> tzinfo:
    """The camera's own time zone (its attribute `timezone`, an IANA name), else `zone`. Raises ConfigError."""
    name = camera.attributes.get("timezone")
    if name is None:
        return zone
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(
            f"camera.attributes.timezone: {name} is no time zone, e.g. Asia/Ho_Chi_Minh",
            vi=f"{name} không phải múi giờ, ví dụ Asia/Ho_Chi_Minh",
        ) from None


def chosen(rows: Iterable[tuple[str, str, int]], films: Mapping[str, Film]) -> list[Wanted]:
    """Of each alert the newest operand of each camera here; rows are alert, device and time (ms) of an operand.

    The device of a camera's reading is the camera, or `<camera>.<zone>`.
    """
    newest: dict[tuple[str, str], int] = {}
    for alert, device, at in rows:
        camera = _camera_of(device, films)
        if camera:
            newest[alert, camera] = max(at, newest.get((alert, camera), 0))
    return [Wanted(alert, camera, at) for (alert, camera), at in newest.items()]


def _camera_of(device: str, films: Mapping[str, Film]) -> str:
    while device and device not in films:
        device = device.rpartition(".")[0]
    return device


def keep(connection: Connection, alert: str, made: Clip) -> None:
    """Store a clip and link it to its alert."""
    values = made._asdict() | {"digest": made.digest, "clear": made.clear or None}
    values["clear_digest"] = digest(made.clear) if made.clear else None
    with connection.transaction():
        connection.execute(_KEEP, values)
        connection.execute(_LINK, [alert, made.camera, made.digest])
