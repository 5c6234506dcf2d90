"""One camera's reader: a thread that keeps a stream open and hands over the newest sampled picture.

Receives frames of an RTSP stream; hands over pictures at the camera's rate, each with the gate's word whether
anything changed; drops `skipped` (a newer picture came before the last one was taken); what arrives spoiled is
counted and never handed over. A lost, refused or ended stream is opened again, 1 to 60 s later; a stream whose
clock jumped at once. Limits: one connection, one thread and one picture a camera. Garbage: see `vision.capture`
and `vision.cleanness`. kill -9 loses nothing, because nothing is kept. Decoding never runs in the event loop;
`stop` does not wait for a read that blocks, and no camera waits for another.
"""

from __future__ import annotations

import contextvars
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from pipeline.core.clock import Clock, now_ms
from pipeline.core.events import CameraState
from pipeline.core.telemetry import log
from vision.address import Address
from vision.gate import Gate
from vision.gauges import CameraGauges
from vision.health import FROZEN_S, Health
from vision.picture import ClockSource, Picture
from vision.reopening import Reopening
from vision.resting import Resting
from vision.sampling import BackOff, Sampler
from vision.stillness import Stillness
from vision.stream import Frame, Stream, StreamFault, opened
from vision.timeline import CATCHING_UP_S, Timeline


class Timing(NamedTuple):
    """Time limits of a reader, in seconds.

    A blocked read ends after `read_s` to twice `read_s`; longer than `frozen_s`, so that a stall is seen as one
    before the connection is given up. `catching_up_s`: how long frames may come faster than they were taken before
    they are looked at all the same; 0 for a film.
    """

    open_s: float = 10.0
    read_s: float = 15.0
    frozen_s: float = FROZEN_S
    pause_low_s: float = 1.0
    pause_high_s: float = 60.0
    catching_up_s: float = CATCHING_UP_S


class Reader:
    """Reads one camera. `address` is asked before every attempt, so a changed password is used by the next one.

    `deliver` gets each sampled picture, `failed` each unforeseen error; both are called in the reader's thread.
    `backend`: a row of `vision.stream.BACKENDS`. `rests`: decode key frames only while nothing changes; `keys_only`:
    decode no others, whatever happens.
    """

    def __init__(
        self,
        name: str,
        address: Callable[[], Address],
        fps: float,
        deliver: Callable[[Picture], None],
        *,
        timing: Timing | None = None,
        clock: Clock = now_ms,
        failed: Callable[[], None] = lambda: None,
        gauges: CameraGauges | None = None,
        backend: str = "pyav",
        rests: bool = False,
        keys_only: bool = False,
    ) -> None:
        self.timing = timing or Timing()
        self._name, self._address, self._fps, self._deliver = name, address, fps, deliver
        self._clock, self._failed = clock, failed
        self._backend, self._rests, self._keys_only = backend, rests, keys_only
        self._gauges = gauges or CameraGauges(name, clock)
        self._health = Health(self.timing.frozen_s)
        self._back_off = BackOff(self.timing.pause_low_s, self.timing.pause_high_s, random.Random())
        self._stopping = threading.Event()
        self._pictures = 0
        self._timeline = Timeline(steps=keys_only, catching_up_s=self.timing.catching_up_s)
        self._reopening = Reopening()
        self._stillness = Stillness()
        self._gate = Gate()
        self._said = ""
        self._stream: Stream | None = None
        self._came = self._came_before = self._broken = 0
        self._gauges.ask_resting(lambda: self.resting)

    def start(self) -> None:
        """Begin to read."""
        run = contextvars.copy_context().run  # log lines of the thread name the component too
        threading.Thread(target=run, args=(self._run,), name=f"camera {self._name}", daemon=True).start()

    def stop(self) -> None:
        """Deliver nothing any more; the thread ends when its current read does."""
        self._stopping.set()

    def state(self) -> CameraState | None:
        """The camera's state now; None until anything is known."""
        return self._health.state(time.monotonic())

    @property
    def frames(self) -> int:
        """Frames that came since the start, decoded or not."""
        return self._came_before + self._came

    @property
    def resting(self) -> bool:
        """Whether only key frames are decoded now."""
        stream = self._stream
        return stream is not None and stream.key_frames_only

    def _run(self) -> None:
        while not self._stopping.is_set():
            fault = self._attempt()
            if fault is None:
                continue
            self._health.failed(fault.state)
            self._say(str(fault))
            self._stopping.wait(self._back_off.pause(longest=fault.state is CameraState.UNAUTHORISED))

    def _attempt(self) -> StreamFault | None:
        """Read until something ends it; None when the stream is to be opened again at once."""
        try:
            with opened(
                self._address(),
                open_s=self.timing.open_s,
                read_s=self.timing.read_s,
                clock=self._clock,
                backend=self._backend,
            ) as stream:
                self._health.opened(time.monotonic())
                self._gauges.connected()
                self._follow(stream)
        except StreamFault as fault:
            return fault
        except Exception as error:  # noqa: BLE001 - counted by `failed`; a camera must not end the others
            self._failed()
            return StreamFault(CameraState.OFFLINE, f"the reader failed ({type(error).__name__})")
        return None

    def _follow(self, stream: Stream) -> None:
        self._stream = stream
        try:
            self._read(stream)
        finally:
            self._tally(stream)
            self._stream = None
            self._came_before, self._came, self._broken = self.frames, 0, 0

    def _tally(self, stream: Stream) -> None:
        self._gauges.frames(stream.came - self._came, stream.broken - self._broken)
        self._came, self._broken = stream.came, stream.broken

    def _read(self, stream: Stream) -> None:
        sampler, resting = Sampler(self._fps), Resting()
        before: Frame | None = None
        stream.key_frames_only = self._keys_only
        self._timeline.connected()
        self._reopening.connected(time.monotonic())
        for frame in stream.frames():
            if self._stopping.is_set() or self._clock_is_to_be_found(stream):
                return
            self._tally(stream)
            late = before is not None and is_leftover(before, frame, self.timing.frozen_s)
            before = frame
            told = self._timeline.of(frame)
            resting.frame(frame)
            if frame.key:
                self._stillness.key()
            if told and not late and (stream.key_frames_only or sampler.take(seconds(frame))):
                self._take(frame, *told)
                rests = self._rests and resting.may_rest(self._gate.quiet_s)
                stream.key_frames_only = self._keys_only or rests

    def _clock_is_to_be_found(self, stream: Stream) -> bool:
        """Whether opening the stream anew may give the camera's clock back."""
        if stream.clock_jumped and self._reopening.jumped():
            self._gauges.clock_jumped()
            log.warning("the camera's clock jumped: the time of arrival counts", camera=self._name)
        return self._reopening.due(time.monotonic())

    def _take(self, frame: Frame, at: int, clock: ClockSource) -> None:
        image = frame.shown.image()
        self._health.picture(time.monotonic(), new=self._stillness.new(image))
        self._back_off.reset()
        self._said = ""
        self._pictures += 1
        quiet = not self._gate.look(frame.shown.small(), at)
        self._gauges.picture(frame.arrived)
        self._deliver(Picture(image, at, self._pictures, clock, frame.arrived, quiet))

    def _say(self, sentence: str) -> None:
        if sentence != self._said and not self._stopping.is_set():
            log.warning("no pictures", camera=self._name, why=sentence)
            self._said = sentence


def seconds(frame: Frame) -> float:
    """A frame's time for sampling: the stream's own, or that of arrival."""
    return frame.arrived / 1000 if frame.stream_s is None else frame.stream_s


def is_leftover(before: Frame, frame: Frame, frozen_s: float) -> bool:
    """Whether a frame that came after a long silence belongs before it.

    When a read times out, libav first hands out the last frame, which its parser had held back: it is no sign of
    life. Its stream time goes on where the silence began.
    """
    gap_s = (frame.arrived - before.arrived) / 1000
    if gap_s < frozen_s or frame.stream_s is None or before.stream_s is None:
        return False
    return frame.stream_s - before.stream_s < gap_s / 2
