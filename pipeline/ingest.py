"""Wires the front doors to Kafka: the gateway with its catalogue, frames, ticks and dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer

from devices.directory import Directory
from devices.gateway import TOPICS, Gateway
from devices.mqtt_session import Account, MqttSession
from pipeline.config import Settings
from pipeline.core.broker import start_producer
from pipeline.core.errors import Rejected
from pipeline.core.frames import FrameProducer, dead_letter
from pipeline.core.telemetry import log
from pipeline.core.topics import INPUTS
from pipeline.log_app.catalogue import CatalogueFollower
from pipeline.log_app.death import die


async def run_gateway(settings: Settings) -> None:
    """Run the gateway until cancelled. Raises ServiceMissing, CredentialsWrong."""
    name, mqtt = settings.gateway.id, settings.mqtt
    producer = await start_producer(settings.kafka.brokers)
    catalogue, directory = CatalogueFollower(settings.kafka.brokers), Directory()
    await catalogue.start()
    frames = FrameProducer(producer, name, INPUTS, on_failure=_die)
    await _learn(catalogue, directory, frames, catalogue.read_all)
    gateway = Gateway(frames, directory, _Letters(producer).write)
    account = Account(mqtt.host, mqtt.port, mqtt.gateway_user, mqtt.gateway_password.get_secret_value(), f"ioc-{name}")
    session = MqttSession(account, TOPICS)
    frames.start()
    following = asyncio.create_task(_follow(catalogue, directory, frames))
    try:
        await session.connect()
        log.info("gateway connected", address=account.address, devices=len(directory))
        while True:
            for message in await session.take():
                gateway.handle(message)
    finally:
        following.cancel()
        await frames.stop()  # what was taken in is sent and acknowledged
        session.close()
        await catalogue.stop()
        await producer.stop()


async def _follow(catalogue: CatalogueFollower, directory: Directory, frames: FrameProducer) -> None:
    try:
        while True:
            await _learn(catalogue, directory, frames, catalogue.poll)
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - a door that no longer hears of changes must not stay open
        _die(error)


async def _learn(
    catalogue: CatalogueFollower, directory: Directory, frames: FrameProducer, read: Callable[[], Awaitable[int]]
) -> None:
    reached = await read()
    if reached > frames.catalogue:
        directory.apply(catalogue.between(frames.catalogue, reached))
        frames.catalogue = reached


def _die(error: BaseException) -> None:
    die(f"gateway: {error!r}")


class _Letters:
    """Dead letters in the background; each settles its message when Kafka has it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._writing: set[asyncio.Task[None]] = set()

    def write(self, raw: bytes, rejection: Rejected, source: str, settled: Callable[[], None]) -> None:
        task = asyncio.create_task(self._write(raw, rejection, source, settled))
        self._writing.add(task)
        task.add_done_callback(self._written)

    async def _write(self, raw: bytes, rejection: Rejected, source: str, settled: Callable[[], None]) -> None:
        await dead_letter(self._producer, raw, rejection, source=source, component="gateway")
        settled()

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _die(error)
