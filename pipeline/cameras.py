"""Wires the cameras to Kafka and the database: this worker's share, frames, ticks, pictures, logins.

Documents of cameras come from `ioc.cameras.v1`, as many as are this worker's (`pipeline.camera_share`). Frames say
which catalogue offset their producer had applied, so a camera begins only when the catalogue that was read has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

from pipeline.camera_share import Apply, Cameras, CameraShare
from pipeline.config import Settings
from pipeline.core.broker import start_producer
from pipeline.core.catalogue import Kind
from pipeline.core.errors import IocError
from pipeline.core.frames import FrameProducer
from pipeline.core.machine import CatalogueChange
from pipeline.core.telemetry import Component, log
from pipeline.core.topics import DETECTIONS, READINGS
from pipeline.log_app.catalogue import CatalogueFollower, FrontDoor
from pipeline.log_app.death import die
from vision.camera import Surroundings
from vision.clips import Clips
from vision.store import Logins, PictureStore
from vision.worker import Fleet

CATALOGUE_WITHIN_S = 10.0
"""The relay publishes both records of a camera in one go; more is a fault, and no reason to watch nothing."""


async def run_vision(settings: Settings) -> None:
    """Follow all cameras of the catalogue until cancelled. Raises ServiceMissing."""
    vision, dsn = settings.vision, settings.postgres.dsn.get_secret_value()
    producer = await start_producer(settings.kafka.brokers)
    catalogue = CatalogueFollower(settings.kafka.brokers)
    await catalogue.start()
    frames = FrameProducer(producer, vision.id, (READINGS, DETECTIONS), on_failure=_die)
    component = Component("vision")
    store = PictureStore(dsn, component, evidence_days=vision.evidence_days)
    pool = ThreadPoolExecutor(vision.threads, "detector")
    clips = Clips(dsn, ZoneInfo(settings.centre.timezone))
    around = Surroundings(
        frames.put, lambda: frames.waiting, pool, Logins(dsn).find, store, component, witness=clips.witness
    )
    fleet, known = Fleet(around, vision.model), KnownCameras()
    door = FrontDoor(catalogue, frames, known.take)
    share = CameraShare(settings.kafka.brokers, known.first(fleet.apply))
    store.start()
    clips.start()
    try:
        await door.learn()
        frames.start()
        await _work(door, share, fleet)
    finally:
        await fleet.stop()
        await share.leave()
        await frames.stop()  # what was seen is sent and acknowledged
        await asyncio.gather(asyncio.to_thread(store.stop), asyncio.to_thread(clips.stop))
        pool.shutdown(wait=False, cancel_futures=True)
        await catalogue.stop()
        await producer.stop()


async def _work(door: FrontDoor, share: CameraShare, fleet: Fleet) -> None:
    following = asyncio.create_task(door.follow(_die))
    try:
        await share.join()
        log.info("vision ready", cameras=len(fleet), partitions=share.partitions)
        await share.follow()
    except (asyncio.CancelledError, IocError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the process
        _die(error)
    finally:
        following.cancel()


class KnownCameras:
    """Which version of each camera the catalogue had, as far as it was read."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}

    def take(self, changes: Iterable[CatalogueChange]) -> None:
        """Take changes of the catalogue in, in order."""
        for change in changes:
            if change.kind is Kind.CAMERA:
                self._versions[change.id] = change.document.version if change.document else 0

    def first(self, apply: Apply) -> Apply:
        """`apply` that waits until the catalogue has what it is about to apply."""

        async def applied(cameras: Cameras, generation: int) -> None:
            try:
                async with asyncio.timeout(CATALOGUE_WITHIN_S):
                    while not self._has_all(cameras):
                        await asyncio.sleep(0.02)
            except TimeoutError:
                log.warning("the catalogue lacks cameras that are on their own topic", cameras=sorted(cameras))
            await apply(cameras, generation)

        return applied

    def _has_all(self, cameras: Cameras) -> bool:
        return all(each is None or self._versions.get(each.id, 0) >= each.version for each in cameras.values())


def _die(error: BaseException) -> None:
    die(f"vision: {error!r}")
