"""One camera at work: pictures to tracks to zones to events.

Receives pictures of its reader; sends readings and detections; drops `skipped` (a newer picture came first),
`behind` (Kafka takes too long), `detector_failed`, `stopped`. A picture is settled when Kafka has all its lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from pipeline.core.catalogue import Camera
from pipeline.core.clock import Clock, now_ms
from pipeline.core.codec import encode_line
from pipeline.core.events import CameraState, Detection, Reading
from pipeline.core.telemetry import Component, log
from pipeline.core.topics import DETECTIONS, READINGS
from vision.address import Address, Login
from vision.detectors import Detector
from vision.evidence import Evidence, evidence
from vision.newest import Newest
from vision.picture import Picture
from vision.reader import Reader, Timing
from vision.report import Reporter
from vision.store import PictureStore
from vision.tracker import Tracked, Tracker
from vision.zones import Passage, ZoneWatch

WAITING_LIMIT = 5000
"""Lines waiting for Kafka beyond which pictures are no longer looked at."""
WEAK = 0.7
"""Boxes down to this part of the camera's threshold may continue a track."""
PICTURE_EVERY_MS = 1000
OCCUPANCY_EVERY_MS = 1000
VITALS_EVERY_MS = 10_000
_LOOK_S = 0.25
R = TypeVar("R")
Settled = Callable[[], None]
Put = Callable[[str, str, bytes, Settled | None], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all cameras of a process share.

    `put` hands a line in (topic, device, line, settled), `waiting` counts lines that Kafka has not got yet,
    `pool` runs detectors, `login` finds a camera's login by the name of its secret.
    """

    put: Put
    waiting: Callable[[], int]
    pool: Executor
    login: Callable[[str], Login]
    store: PictureStore
    component: Component
    timing: Timing | None = None
    clock: Clock = now_ms


class CameraAtWork:
    """One camera since one start."""

    def __init__(self, camera: Camera, detector: Detector, generation: int, around: Surroundings) -> None:
        self._camera, self._detector, self._around = camera, detector, around
        self._report = Reporter(camera, generation)
        self._tracker = Tracker(str(generation), camera.threshold)
        self._zones: list[ZoneWatch] = []
        self._size = (0, 0)
        self._newest: Newest[Picture] = Newest(lambda _: self._drop("skipped"))
        self._reader = Reader(
            camera.id,
            self._address,
            camera.fps,
            self._deliver,
            timing=around.timing,
            clock=around.clock,
        )
        self._state: CameraState | None = None
        self._last: Picture | None = None
        self._evidence_at = self._still_at = 0
        self._occupancy_at = -1
        self._vitals = _Vitals(around.clock())

    async def run(self) -> None:
        """Work until cancelled."""
        self._reader.start()
        try:
            while True:
                picture = await self._newest.get(_LOOK_S)
                await self._note(picture)
                if picture is not None:
                    await self._take(picture)
                self._note_vitals()
        finally:
            self._stop()

    async def _note(self, picture: Picture | None) -> None:
        try:
            await self._note_state(picture)
        except asyncio.CancelledError:
            if picture is not None:
                self._drop("stopped")
            raise

    def _stop(self) -> None:
        self._reader.stop()
        if self._newest.close() is not None:  # the reader's thread may deliver one more
            self._drop("stopped")
        self._leave_all()

    def _address(self) -> Address:
        secret = self._camera.secret
        return Address(self._camera.url, self._around.login(secret) if secret else None)

    def _deliver(self, picture: Picture) -> None:
        self._around.component.received.inc()
        self._around.component.in_flight.inc()
        self._newest.put(picture)

    def _drop(self, reason: str) -> None:
        self._around.component.in_flight.dec()
        self._around.component.dropped.labels(reason).inc()

    async def _take(self, picture: Picture) -> None:
        self._last = picture
        receipt = _Receipt(self._around.component)
        try:
            await self._look(picture, receipt)
        except asyncio.CancelledError:
            receipt.dropped = "stopped"
            raise
        finally:
            receipt.done()

    async def _look(self, picture: Picture, receipt: _Receipt) -> None:
        if self._around.waiting() > WAITING_LIMIT:
            receipt.dropped = "behind"
            return
        try:
            # a camera without zones reports its state and its stills; nobody would read what it sees
            seen = await self._in_pool(lambda: self._detector.detect(picture)) if self._camera.zones else []
        except Exception as error:  # noqa: BLE001 - counted; one picture that a detector dislikes is not the end
            log.warning("detector failed", camera=self._camera.id, why=repr(error))
            receipt.dropped = "detector_failed"
            return
        self._fit(picture.size)
        tracked = self._tracker.update(seen, picture.at)
        passages = [passage for zone in self._zones for passage in zone.update(tracked)]
        await self._publish(picture, tracked, passages, receipt)

    def _fit(self, size: tuple[int, int]) -> None:
        """Scale the zones to the pictures' size, which a camera may change while it runs."""
        if size != self._size:
            self._leave_all()
            self._size = size
            self._zones = [ZoneWatch(zone, self._camera.frame_size, size) for zone in self._camera.zones]

    async def _publish(self, picture: Picture, tracked: Tracked, passages: list[Passage], receipt: _Receipt) -> None:
        digest = await self._picture_of(picture, tracked, passages)
        for passage in passages:
            self._put(self._report.passage(passage, picture, digest if passage.entered else ""), receipt)
        if picture.at // OCCUPANCY_EVERY_MS > self._occupancy_at:
            self._occupancy_at = picture.at // OCCUPANCY_EVERY_MS
            for zone in self._zones:
                self._put(self._report.occupancy(zone.id, zone.occupancy(picture.at), picture.at), receipt)
        self._vitals.latencies.append(self._around.clock() - picture.at)

    async def _picture_of(self, picture: Picture, tracked: Tracked, passages: list[Passage]) -> str:
        """Store evidence of those who entered, and the still if somebody watches; returns the evidence's digest."""
        entered = any(passage.entered for passage in passages)
        wanted = entered and picture.at - self._evidence_at >= PICTURE_EVERY_MS
        watched = self._camera.id in self._around.store.watched and picture.at - self._still_at >= PICTURE_EVERY_MS
        if not (wanted or watched):
            return ""
        made = await self._in_pool(lambda: evidence(self._camera.id, picture, tracked.live))
        if watched:
            self._still_at = picture.at
            self._around.store.still(made)
        if wanted:
            self._evidence_at = picture.at
        return self._keep(made) if wanted else ""

    def _keep(self, made: Evidence) -> str:
        return made.digest if self._around.store.keep(made) else ""

    async def _note_state(self, picture: Picture | None) -> None:
        """Publish a change of the camera's state, with the newest picture there is as its evidence."""
        state = self._reader.state()
        if state is None or state is self._state:
            return
        self._state = state
        log.info("camera", camera=self._camera.id, state=str(state))
        if state is not CameraState.ONLINE:
            self._leave_all()
        shown, digest = picture or self._last, ""
        if shown is not None:
            digest = self._keep(await self._in_pool(lambda: evidence(self._camera.id, shown)))
        self._put(self._report.state(state, self._around.clock(), digest))

    def _leave_all(self) -> None:
        """No pictures, no tracks: whoever was in a zone left it when last seen."""
        ended = self._tracker.end()
        for zone in self._zones:
            for passage in zone.forget(ended):
                if self._last is not None:
                    self._put(self._report.passage(passage, self._last))

    def _note_vitals(self) -> None:
        now = self._around.clock()
        found = self._vitals.due(now, self._reader.frames)
        if found is not None and self._state is CameraState.ONLINE:
            self._put(self._report.fps(found[0], now))
            self._put(self._report.latency(found[1], now))

    def _put(self, event: Reading | Detection, receipt: _Receipt | None = None) -> None:
        topic = READINGS if isinstance(event, Reading) else DETECTIONS
        self._around.put(topic, event.device, encode_line(event), receipt.one_more() if receipt else None)

    async def _in_pool(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._around.pool, work)


class _Receipt:
    """Settles one picture when Kafka has every line that was made of it."""

    def __init__(self, component: Component) -> None:
        self._component, self._open = component, 1
        self.dropped = ""
        """Why the picture gives nothing, if so."""

    def one_more(self) -> Settled:
        """Expect another line; call what is returned when Kafka has it."""
        self._open += 1
        return self.done

    def done(self) -> None:
        """One line less to wait for."""
        self._open -= 1
        if self._open:
            return
        self._component.in_flight.dec()
        if self.dropped:
            self._component.dropped.labels(self.dropped).inc()
        else:
            self._component.sent.inc()


class _Vitals:
    """Frame rate and median latency of the last VITALS_EVERY_MS."""

    def __init__(self, now: int) -> None:
        self._since, self._frames = now, 0
        self.latencies: list[int] = []

    def due(self, now: int, frames: int) -> tuple[float, float] | None:
        """(frames a second, median latency in ms) once every VITALS_EVERY_MS, else None."""
        if now - self._since < VITALS_EVERY_MS:
            return None
        rate = (frames - self._frames) * 1000 / (now - self._since)
        latency = median(self.latencies) if self.latencies else None
        self._since, self._frames, self.latencies = now, frames, []
        return None if latency is None else (rate, latency)
