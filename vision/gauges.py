"""Metrics of each camera; they end when the camera moves to another worker.

In PromQL: frames read a second `rate(ioc_camera_frames_total[1m])`, pictures looked at
`rate(ioc_camera_looks_total[1m])`, share that the gate kept from the detector
`rate(ioc_camera_quiet_total[5m]) / rate(ioc_camera_pictures_total[5m])`, seconds a look
`rate(ioc_camera_look_seconds_total[5m]) / rate(ioc_camera_looks_total[5m])`, reconnects an hour
`increase(ioc_camera_connections_total[1h])`, failures of the reader itself
`increase(ioc_camera_reader_failures_total[1h])`, pictures on which the detector failed
`increase(ioc_camera_detector_failures_total[1h])`, age of the newest picture `ioc_camera_staleness_seconds`.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from pipeline.core.clock import Clock, now_ms
from pipeline.core.telemetry import Owned

_LABELS = ("camera",)
FRAMES = Counter("ioc_camera_frames", "Frames that came", _LABELS)
BROKEN = Counter("ioc_camera_broken_frames", "Frames that came spoiled, or build on such", _LABELS)
PICTURES = Counter("ioc_camera_pictures", "Pictures taken out of the frames", _LABELS)
LOOKS = Counter("ioc_camera_looks", "Pictures that the detector looked at", _LABELS)
LOOK_SECONDS = Counter("ioc_camera_look_seconds", "Seconds from asking the detector to its answer", _LABELS)
QUIET = Counter("ioc_camera_quiet", "Pictures that the gate kept from the detector", _LABELS)
DROPPED = Counter("ioc_camera_dropped", "Pictures dropped, whatever the reason", _LABELS)
CONNECTIONS = Counter("ioc_camera_connections", "Times that the stream was opened", _LABELS)
FAILED = Counter("ioc_camera_reader_failures", "Errors that the reader had not foreseen", _LABELS)
DETECTOR_FAILED = Counter("ioc_camera_detector_failures", "Pictures on which the detector failed", _LABELS)
CLOCK_JUMPS = Counter("ioc_camera_clock_jumps", "Times that the camera's clock was found to have jumped", _LABELS)
STALENESS = Gauge("ioc_camera_staleness_seconds", "Age of the newest picture; -1 before the first", _LABELS)
KEY_FRAMES_ONLY = Gauge("ioc_camera_key_frames_only", "1 while only key frames are decoded", _LABELS)


class CameraGauges:
    """One camera's metrics, from one start to its end. All methods may be called from any thread."""

    def __init__(self, camera: str, clock: Clock = now_ms) -> None:
        self._own, self._clock = Owned(camera), clock
        self._arrived = 0
        self._own.ask(STALENESS, self._staleness)

    def frames(self, came: int, broken: int) -> None:
        """So many frames more came, so many of them spoiled."""
        self._own.count(FRAMES, came)
        self._own.count(BROKEN, broken)

    def ask_resting(self, resting: Callable[[], bool]) -> None:
        """Where to ask whether only key frames are decoded."""
        self._own.ask(KEY_FRAMES_ONLY, lambda: float(resting()))

    def picture(self, arrived: int) -> None:
        """A picture was taken out of the stream."""
        self._arrived = arrived
        self._own.count(PICTURES)

    def looked(self, seconds: float) -> None:
        """The detector looked at a picture."""
        self._own.count(LOOKS)
        self._own.count(LOOK_SECONDS, seconds)

    def quiet(self) -> None:
        """The gate kept a picture from the detector."""
        self._own.count(QUIET)

    def dropped(self) -> None:
        """A picture was dropped."""
        self._own.count(DROPPED)

    def connected(self) -> None:
        """The stream was opened."""
        self._own.count(CONNECTIONS)

    def failed(self) -> None:
        """Something failed in the reader that nobody had foreseen."""
        self._own.count(FAILED)

    def detector_failed(self) -> None:
        """The detector failed on a picture."""
        self._own.count(DETECTOR_FAILED)

    def clock_jumped(self) -> None:
        """The camera's clock jumped."""
        self._own.count(CLOCK_JUMPS)

    def close(self) -> None:
        """End all series of the camera."""
        self._own.close()

    def _staleness(self) -> float:
        return (self._clock() - self._arrived) / 1000 if self._arrived else -1.0
