"""Wires the front doors to Kafka: the gateway with its catalogue, frames, ticks and dead letters."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from devices.directory import Directory
from devices.gateway import Gateway, topics
from devices.mqtt_session import Account, MqttSession
from devices.numbering import GRACE_MS, Came, Numbering
from pipeline.config import Settings
from pipeline.core.broker import kafka_missing, read_to_end, start_consumer, start_producer
from pipeline.core.clock import now_ms
from pipeline.core.errors import Rejected
from pipeline.core.frames import FrameProducer, dead_letter
from pipeline.core.telemetry import log
from pipeline.core.topics import INPUTS, READINGS, TOPICS
from pipeline.log_app.catalogue import CatalogueFollower, FrontDoor
from pipeline.log_app.death import die

RECALL_MS = 900_000
"""How far back the log is read at a start to learn how far each device had counted."""


async def run_gateway(settings: Settings) -> None:
    """Run the gateway until cancelled. Raises ServiceMissing, CredentialsWrong."""
    async with AsyncExitStack() as stack:
        producer = await start_producer(settings.kafka.brokers)
        stack.push_async_callback(producer.stop)
        catalogue, directory = CatalogueFollower(settings.kafka.brokers), Directory()
        stack.push_async_callback(catalogue.stop)
        letters = _Letters(producer)
        frames = FrameProducer(producer, settings.gateway.id, INPUTS, on_failure=_die)
        gateway = Gateway(frames, directory, letters.write, sites=settings.gateway.sites)
        door = FrontDoor(catalogue, frames, directory.apply)
        await _prepare(settings, catalogue, door, gateway)
        session = MqttSession(account(settings), topics(settings.gateway.sites))
        stack.push_async_callback(session.close)
        stack.push_async_callback(letters.stop)
        frames.start()
        stack.push_async_callback(frames.stop)  # what was taken in is sent and acknowledged
        following = asyncio.create_task(door.follow(_die))
        stack.callback(following.cancel)
        reporting = asyncio.create_task(_report_gaps(gateway))
        stack.callback(reporting.cancel)
        await session.connect()
        log.info("gateway connected", address=account(settings).address, devices=len(directory))
        while True:
            for message in await session.take():
                gateway.handle(message)
            if shed := session.shed():
                gateway.dropped("overload", shed)


async def _prepare(settings: Settings, catalogue: CatalogueFollower, door: FrontDoor, gateway: Gateway) -> None:
    try:
        await catalogue.start()
        await door.learn()
        await recall(settings.kafka.brokers, gateway.numbering, now_ms() - RECALL_MS)
    except (KafkaError, TimeoutError) as error:
        raise kafka_missing(settings.kafka.brokers) from error


def account(settings: Settings) -> Account:
    """The gateway's account; a device that could guess the client id could take the session with its queue."""
    mqtt, name = settings.mqtt, settings.gateway.id
    password = mqtt.gateway_password.get_secret_value()
    unguessable = hashlib.blake2b(name.encode(), key=password.encode()[:64], digest_size=8).hexdigest()
    return Account(mqtt.host, mqtt.port, mqtt.gateway_user, password, f"ioc-{name}-{unguessable}")


class _Numbered(msgspec.Struct):
    """What of a reading tells how far a device has counted."""

    device: str
    quantity: str
    at: int
    seq: int = 0
    device_at: int | None = None
    site: str = ""


async def recall(brokers: str, numbering: Numbering, since: int) -> None:
    """Learn from the log since `since` (ms) how far each device had counted, and what was missing at its end.

    Gaps that a crash of mosquitto left are found although the gateway went down with it.
    """
    newest = 0
    async for log_ms, line in _numbered(brokers, since):
        if line.quantity == "seq_gap":
            numbering.reported(line.device, line.seq)
        elif line.quantity != "clock_skew":
            said = line.at if line.device_at is None else line.device_at
            numbering.came(Came(line.device, line.seq, line.at, said, line.site), log_ms)
        newest = max(newest, log_ms)
    numbering.resume(newest - 3 * GRACE_MS, now_ms())


async def _numbered(brokers: str, since: int) -> AsyncIterator[tuple[int, _Numbered]]:
    decoder = msgspec.json.Decoder(_Numbered)
    consumer = await start_consumer(brokers)
    try:
        partitions = [TopicPartition(READINGS, number) for number in range(TOPICS[READINGS].partitions)]
        consumer.assign(partitions)
        starts = await consumer.offsets_for_times(dict.fromkeys(partitions, since))
        found = [partition for partition, start in starts.items() if start is not None]
        for partition in found:
            consumer.seek(partition, starts[partition].offset)
        async for record in read_to_end(consumer, found):
            with suppress(msgspec.DecodeError):  # whoever wrote such a frame, it was not a gateway
                for line in decoder.decode_lines(record.value):
                    yield record.timestamp, line
    finally:
        await consumer.stop()


async def _report_gaps(gateway: Gateway) -> None:
    while True:
        await asyncio.sleep(1)
        gateway.report_gaps(now_ms())


def _die(error: BaseException) -> None:
    die(f"gateway: {error!r}")


class _Letters:
    """Dead letters in the background; each settles its message when Kafka has it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._writing: set[asyncio.Task[None]] = set()

    def write(self, raw: bytes, rejection: Rejected, source: str, settled: Callable[[], None]) -> None:
        """Begin to write a letter."""
        task = asyncio.create_task(self._write(raw, rejection, source, settled))
        self._writing.add(task)
        task.add_done_callback(self._written)

    async def stop(self) -> None:
        """Wait for the letters that are being written."""
        await asyncio.gather(*self._writing)

    async def _write(self, raw: bytes, rejection: Rejected, source: str, settled: Callable[[], None]) -> None:
        await dead_letter(self._producer, raw, rejection, source=source, component="gateway")
        settled()

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _die(error)
