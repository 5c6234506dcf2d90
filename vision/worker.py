"""The cameras of one process: each its own task, started, changed and stopped as its owner says.

Receives documents of the cameras that belong to this process, with the generation of that belonging; sends what
`vision.camera` sends; drops nothing. One camera that fails, whatever the reason, is started again after a pause
and never disturbs the others. kill -9 ends all; another process takes them over with a higher generation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client import Counter, Gauge

from pipeline.core.catalogue import Camera
from pipeline.core.codec import encode_line
from pipeline.core.errors import IocError
from pipeline.core.events import CameraState
from pipeline.core.telemetry import log
from pipeline.core.topics import DETECTIONS
from vision.camera import CameraAtWork, Surroundings
from vision.detectors import DETECTORS, Detector, Options, lowest_of
from vision.report import Reporter
from vision.sampling import BackOff

CAMERAS = Gauge("ioc_vision_cameras", "Cameras that this process follows")
STARTS = 1_000_000
"""Room for the starts of cameras in one process; the last number is used again after that."""
FAILURES = Counter("ioc_vision_camera_failures", "Times that a camera's task failed", ["reason"])


class Fleet:
    """All cameras of this process. `model` is the default detector's; None: the one in the cache."""

    def __init__(self, around: Surroundings, model: Path | None = None) -> None:
        self._around, self._model = around, model
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cameras: dict[str, tuple[Camera, int]] = {}
        self._starts = 0

    def __len__(self) -> int:
        return len(self._tasks)

    async def apply(self, changes: Mapping[str, Camera | None], generation: int = 0) -> None:
        """Take over newest documents by camera id; None, or a retired camera, stops it.

        `generation` grows each time that a camera comes to another process; in what a camera says it stands with
        the number of the camera's start, so that tracks of two starts never share an id.
        """
        wanted = {
            id_: camera
            for id_, camera in changes.items()
            if (None if camera is None else (camera, generation)) != self._cameras.get(id_)
        }
        await self._stop(wanted)
        for id_, camera in wanted.items():
            if camera is not None and camera.retired_at is None:
                self._cameras[id_] = camera, generation
                self._tasks[id_] = asyncio.create_task(self._keep_working(camera, generation), name=f"camera {id_}")
        CAMERAS.set(len(self._tasks))

    async def stop(self) -> None:
        """Stop all cameras."""
        await self._stop(list(self._tasks))

    async def _stop(self, ids: Iterable[str]) -> None:
        tasks = [task for id_ in ids if (task := self._tasks.pop(id_, None)) is not None]
        for id_ in ids:
            self._cameras.pop(id_, None)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_working(self, camera: Camera, owner: int) -> None:
        back_off, told = BackOff(), False
        while True:
            generation = self._start_of(owner)
            try:
                detector = await self._detector(camera)
                await CameraAtWork(camera, detector, generation, self._around).run()
            except IocError as error:
                FAILURES.labels("refused").inc()
                log.error("camera cannot be worked on", camera=camera.id, why=str(error))
                if not told:  # once: rules and people are told of what changes, and this does not
                    self._say_unsupported(camera, generation)
                told = True
            except Exception as error:  # noqa: BLE001 - counted; the others go on
                FAILURES.labels("failed").inc()
                log.exception("camera failed", camera=camera.id, why=type(error).__name__)
            await asyncio.sleep(back_off.pause())

    async def _detector(self, camera: Camera) -> Detector:
        """The camera's detector; loading a model must not hold up the event loop. Raises BadInput, ConfigError."""
        options = Options(
            lowest_of(camera), self._model, camera.attributes, camera.calibration, camera.frame_size, camera.id
        )
        work = lambda: DETECTORS[camera.detector](options)  # noqa: E731
        return await asyncio.get_running_loop().run_in_executor(self._around.pool, work)

    def _say_unsupported(self, camera: Camera, generation: int) -> None:
        state = Reporter(camera, generation).state(CameraState.UNSUPPORTED, self._around.clock())
        self._around.put(DETECTIONS, camera.id, encode_line(state), None)

    def _start_of(self, generation: int) -> int:
        self._starts = min(self._starts + 1, STARTS - 1)
        return generation * STARTS + self._starts
