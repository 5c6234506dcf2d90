"""Wires the cameras to Kafka and the database: catalogue, frames, ticks, pictures, logins."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

from pipeline.config import Settings
from pipeline.core.broker import start_producer
from pipeline.core.catalogue import Camera, Kind
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
    fleet = Fleet(around, vision.model)
    door = FrontDoor(catalogue, frames, lambda changes: fleet.apply(newest_cameras(changes)))
    store.start()
    clips.start()
    try:
        await door.learn()
        frames.start()
        log.info("vision ready", cameras=len(fleet))
        await door.follow(_die)
    finally:
        await fleet.stop()
        await frames.stop()  # what was seen is sent and acknowledged
        await asyncio.gather(asyncio.to_thread(store.stop), asyncio.to_thread(clips.stop))
        pool.shutdown(wait=False, cancel_futures=True)
        await catalogue.stop()
        await producer.stop()


def newest_cameras(changes: Iterable[CatalogueChange]) -> dict[str, Camera | None]:
    """The last document of each camera among catalogue changes in order; None where it was deleted."""
    return {
        change.id: change.document if isinstance(change.document, Camera) else None
        for change in changes
        if change.kind is Kind.CAMERA
    }


def _die(error: BaseException) -> None:
    die(f"vision: {error!r}")
