"""One camera at work: pictures to tracks to zones to events.

Receives pictures of its reader; sends readings and detections; drops `skipped` (a newer picture came first),
`behind` (Kafka takes too long), `detector_failed`, `deadline` and `newer` (no batch took it), `stopped`. A picture is
settled when Kafka has all its lines.
On a quiet picture the detector does not run: what was seen last is what is to be seen still.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
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
from vision.analysis import Analysed, Analysis
from vision.analytics.places import Said
from vision.detectors import Detector, Dropped, followed
from vision.evidence import Evidence
from vision.film import Film
from vision.gauges import CameraGauges
from vision.holdoff import HoldOff
from vision.looking import Looking
from vision.mainstream import NEAR_MS, MainStream
from vision.newest import Newest
from vision.picture import Picture, Seen
from vision.reader import Reader, Timing
from vision.report import Reporter
from vision.store import PictureStore
from vision.witness import Witness

WAITING_LIMIT = 5000
"""Lines waiting for Kafka beyond which pictures are no longer looked at."""
PICTURE_EVERY_MS = 1000
MAIN_WITHIN_MS = 2500
"""How far apart the pictures of an event's evidence may be, the sub-stream's with its boxes and the main stream's."""
BETTER_MS = 2 * NEAR_MS
"""So long the main stream's picture is waited for: events are told three seconds after they happened."""
VITALS_EVERY_MS = 10_000
_LOOK_S = 0.25
R = TypeVar("R")
Settled = Callable[[], None]
Put = Callable[[str, str, bytes, Settled | None], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all cameras of a process share.

    `put` hands a line in (topic, device, line, settled), `waiting` counts lines that Kafka has not got yet,
    `pool` runs detectors, `login` finds a camera's login by the name of its secret, `witness` makes what keeps a
    camera's evidence; it is told under which labels people are seen.
    """

    put: Put
    waiting: Callable[[], int]
    pool: Executor
    login: Callable[[str], Login]
    store: PictureStore
    component: Component
    timing: Timing | None = None
    clock: Clock = now_ms
    witness: Callable[[Camera, Collection[str]], Witness] = lambda camera, people: Witness(camera, Film(), people)


class CameraAtWork:
    """One camera since one start."""

    def __init__(self, camera: Camera, detector: Detector, generation: int, around: Surroundings) -> None:
        self._camera, self._around = camera, around
        self._report = Reporter(camera, generation)
        self._analysis = Analysis(camera, generation)
        self._newest: Newest[Picture] = Newest(self._skip)
        self._gauges = CameraGauges(camera.id, around.clock)
        self._reader = Reader(
            camera.id,
            self._address,
            camera.fps,
            self._deliver,
            timing=around.timing,
            clock=around.clock,
            failed=self._gauges.failed,
            gauges=self._gauges,
            backend=camera.backend,
            rests=camera.rests_on_key_frames,
        )
        self._main = self._main_stream()
        self._state = HoldOff()
        self._looking = Looking(detector, self._in_pool, self._gauges)
        self._last: Picture | None = None
        self._failure = ""
        """Why the detector failed on the newest picture, if it did."""
        self._evidence_at = self._still_at = 0
        self._unsettled: tuple[Picture, str] | None = None
        """A picture that is evidence, and its digest, while the main stream's of the same time may still come."""
        self._vitals = _Vitals(around.clock())
        self._witness = around.witness(camera, detector.people)

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
                if self._main is not None:
                    self._main.tend()
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
        self._gauges.close()
        if self._main is not None:
            self._main.stop()
        if self._newest.close() is not None:  # the reader's thread may deliver one more
            self._drop("stopped")
        self._leave_all()

    def _address(self) -> Address:
        return self._with_login(self._camera.url)

    def _with_login(self, url: str) -> Address:
        secret = self._camera.secret
        return Address(url, self._around.login(secret) if secret else None)

    def _main_stream(self) -> MainStream | None:
        camera = self._camera
        if not camera.evidence_url:
            return None
        address = lambda: self._with_login(camera.evidence_url)  # noqa: E731
        return MainStream(camera.id, address, self._around.timing, camera.backend)

    def _deliver(self, picture: Picture) -> None:
        self._around.component.received.inc()
        self._around.component.in_flight.inc()
        self._newest.put(picture)

    def _skip(self, picture: Picture) -> None:
        self._looking.missed(picture)
        self._drop("skipped")

    def _drop(self, reason: str) -> None:
        self._around.component.in_flight.dec()
        self._around.component.dropped.labels(reason).inc()
        self._gauges.dropped()

    async def _take(self, picture: Picture) -> None:
        self._last = picture
        receipt = _Receipt(self._around.component, self._gauges)
        try:
            await self._look(picture, receipt)
        except asyncio.CancelledError:
            receipt.dropped = "stopped"
            raise
        finally:
            receipt.done()

    async def _look(self, picture: Picture, receipt: _Receipt) -> None:
        seen = await self._seen(picture, receipt)
        await self._watch_view(picture, seen, receipt)
        if seen is None:
            await self._show(picture)
            return
        analysed = self._analysis.update(followed(seen, self._camera), picture)
        await self._take_pictures(picture, analysed)
        self._publish(analysed.said, picture, receipt)
        self._vitals.latencies.append(self._around.clock() - picture.at)

    async def _seen(self, picture: Picture, receipt: _Receipt) -> list[Seen] | None:
        """What is in the picture; None when nobody looked, and why is in the receipt."""
        if self._around.waiting() > WAITING_LIMIT:
            self._looking.missed(picture)
            receipt.dropped = "behind"
            return None
        try:
            seen = await self._looking.see(picture) if self._analysis.wanted else []
        except Dropped as dropped:
            receipt.dropped = dropped.reason
            return None
        except Exception as error:  # noqa: BLE001 - counted; one picture that a detector dislikes is not the end
            self._gauges.detector_failed()
            receipt.dropped = "detector_failed"
            if repr(error) != self._failure:  # once: it may fail on every picture
                log.warning("detector failed", camera=self._camera.id, why=repr(error))
            self._failure = repr(error)
            return None
        self._failure = ""
        return seen

    def _publish(self, said: Said, picture: Picture, receipt: _Receipt | None = None) -> None:
        analysis = self._analysis
        for found in said.findings:
            speed, digest = analysis.speed_of(found), analysis.picture_of(found)
            self._put(self._report.finding(found, picture.clock, analysis.plane, speed, digest), receipt)
        for measure in said.measures:
            self._put(self._report.measure(measure), receipt)

    async def _take_pictures(self, picture: Picture, analysed: Analysed) -> None:
        """Store evidence of what seems to begin, and the still if somebody watches."""
        wanted = analysed.begins and picture.at - self._evidence_at >= PICTURE_EVERY_MS
        watched = self._owes_a_still(picture)
        # somebody in view may do something worth a picture: until then the main stream is open
        main = self._main_picture() if watched or analysed.tracked.live or self._unsettled else None
        self._witness.follow(picture, analysed.tracked.live)
        await self._better_evidence(picture)
        if not (wanted or watched):
            return
        made = await self._in_pool(lambda: self._witness.evidence(picture, analysed.tracked.live))
        if watched:
            self._still_at = picture.at
            self._around.store.still(made if main is None else await self._still_of(main))
        if wanted:
            self._evidence_at = picture.at
            near = self._near(picture)
            if near is not None:
                made = await self._in_pool(lambda: self._witness.of_main(near))
            elif main is not None and abs(main.arrived - picture.arrived) <= MAIN_WITHIN_MS:
                made = made._replace(clear=(await self._still_of(main)).clear)
            digest = self._keep(made)
            self._analysis.pictured(analysed.begins, digest)
            self._unsettled = (picture, digest) if near is None and self._main is not None else None

    async def _show(self, picture: Picture) -> None:
        """Store the still of a picture in which nobody looked for people, all of it blurred, if somebody watches."""
        if self._owes_a_still(picture):
            self._still_at, main = picture.at, self._main_picture()
            made = self._in_pool(lambda: self._witness.evidence(picture)) if main is None else self._still_of(main)
            self._around.store.still(await made)

    def _owes_a_still(self, picture: Picture) -> bool:
        return self._camera.id in self._around.store.watched and picture.at - self._still_at >= PICTURE_EVERY_MS

    async def _better_evidence(self, now: Picture) -> None:
        """Take the main stream's picture instead of the sub-stream's, when one comes before the event is told."""
        if self._unsettled is None:
            return
        picture, digest = self._unsettled
        if now.at - picture.at > BETTER_MS or not self._analysis.awaits(digest):
            self._unsettled = None
            return
        near = self._near(picture)
        if near is not None:
            self._unsettled = None
            better = self._keep(await self._in_pool(lambda: self._witness.of_main(near)))
            if better:
                self._analysis.repictured(digest, better)

    def _near(self, picture: Picture) -> Picture | None:
        """The main stream's picture of nearly the same time, once it is known who was there then."""
        near = None if self._main is None else self._main.near(picture)
        return near if near is not None and self._witness.saw(near.at) else None

    def _main_picture(self) -> Picture | None:
        """The main stream's newest picture, if the camera has such a stream and it is open by now."""
        return None if self._main is None else self._main.wished(self._around.clock())

    async def _still_of(self, main: Picture) -> Evidence:
        """A picture of the main stream of any time: without the right, all of it is blurred."""
        return await self._in_pool(lambda: self._witness.still_of_main(main))

    async def _watch_view(self, picture: Picture, seen: list[Seen] | None, receipt: _Receipt) -> None:
        """Film the picture; publish that the view was spoiled, or is clear again, with the picture as evidence.

        Where the detector failed (None) it is filmed as a quiet one is, all blurred: others may come that it looked at.
        """
        if self._analysis.wanted and seen is not None:  # else nobody looked for people
            self._witness.note(picture, seen)
        busy = seen is not None and not picture.quiet
        if not self._witness.wants(picture, busy=busy):
            return
        found = await self._in_pool(lambda: self._witness.look(picture, busy=busy))
        if found is not None:
            digest = self._keep(await self._in_pool(lambda: self._witness.evidence(picture)))
            self._put(self._report.tamper(found, picture, digest), receipt)

    def _keep(self, made: Evidence) -> str:
        return made.digest if self._around.store.keep(made) else ""

    async def _note_state(self, picture: Picture | None) -> None:
        """Publish a change of the camera's state, with the newest picture there is as its evidence."""
        state = self._state.update(self._reader.state(), time.monotonic())
        if state is None:
            return
        log.info("camera", camera=self._camera.id, state=str(state))
        if state is not CameraState.ONLINE:
            self._leave_all()
        shown, digest = picture or self._last, ""
        if shown is not None:
            digest = self._keep(await self._in_pool(lambda: self._witness.evidence(shown)))
        self._put(self._report.state(state, self._around.clock(), digest))

    def _leave_all(self) -> None:
        """No pictures, no tracks: whoever was in a zone left it when last seen."""
        said = self._analysis.end()
        if self._last is not None:
            self._publish(said, self._last)

    def _note_vitals(self) -> None:
        now = self._around.clock()
        found = self._vitals.due(now, self._reader.frames)
        if found is not None and self._state.said is CameraState.ONLINE:
            self._put(self._report.fps(found[0], now))
            self._put(self._report.latency(found[1], now))

    def _put(self, event: Reading | Detection, receipt: _Receipt | None = None) -> None:
        topic = READINGS if isinstance(event, Reading) else DETECTIONS
        self._around.put(topic, event.device, encode_line(event), receipt.one_more() if receipt else None)

    async def _in_pool(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._around.pool, work)


class _Receipt:
    """Settles one picture when Kafka has every line that was made of it."""

    def __init__(self, component: Component, gauges: CameraGauges) -> None:
        self._component, self._gauges, self._open = component, gauges, 1
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
            self._gauges.dropped()
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
