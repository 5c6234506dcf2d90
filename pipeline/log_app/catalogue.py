"""The worker's own reader of the catalogue topic: what was known as of any catalogue offset."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

import msgspec
from aiokafka import TopicPartition

from pipeline.core.broker import start_consumer
from pipeline.core.catalogue import DOCUMENTS, Kind
from pipeline.core.frames import FrameProducer
from pipeline.core.machine import CatalogueChange
from pipeline.core.telemetry import log
from pipeline.core.topics import CATALOGUE

READ_LIMIT_S = 30


class CatalogueFollower:
    """All changes of one catalogue partition, in order, read as far as somebody needed.

    A catalogue offset N means: all records below N are applied. Keeps what compaction left at the start and
    what came since.
    """

    def __init__(self, brokers: str, topic: str = CATALOGUE) -> None:
        self._brokers, self._partition = brokers, TopicPartition(topic, 0)
        self._consumer: Any = None
        self._lock = asyncio.Lock()
        self._changes: list[CatalogueChange] = []
        self.next = 0

    async def start(self) -> None:
        """Connect; raises ServiceMissing. Reads nothing yet."""
        self._consumer = await start_consumer(self._brokers)
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def read_to(self, offset: int) -> None:
        """Read until all records below `offset` are known. Raises TimeoutError after 30 s."""
        if self.next >= offset:
            return
        async with asyncio.timeout(READ_LIMIT_S), self._lock:
            while self.next < offset:
                await self._read(timeout_ms=200)

    async def read_all(self) -> int:
        """Read to the end as of now; returns the catalogue offset reached."""
        end = (await self._consumer.end_offsets([self._partition]))[self._partition]
        await self.read_to(end)
        return self.next

    async def poll(self, timeout_ms: int = 500) -> int:
        """Wait at most `timeout_ms` for news; returns the catalogue offset reached."""
        async with self._lock:
            await self._read(timeout_ms)
        return self.next

    async def _read(self, timeout_ms: int) -> None:
        batches = await self._consumer.getmany(self._partition, timeout_ms=timeout_ms)
        for record in batches.get(self._partition, ()):
            change = decode_change(record.offset, record.key, record.value)
            if change is not None:
                self._changes.append(change)
        self.next = await self._consumer.position(self._partition)

    def between(self, after: int, upto: int) -> tuple[CatalogueChange, ...]:
        """Changes at offsets `after` <= offset < `upto`."""
        offset = attrgetter("offset")
        return tuple(
            self._changes[bisect_left(self._changes, after, key=offset) : bisect_left(self._changes, upto, key=offset)]
        )

    def as_of(self, upto: int) -> tuple[CatalogueChange, ...]:
        """The newest document of every key below `upto`, in order of offset; deleted ones are left out."""
        newest = {(change.kind, change.id): change for change in self.between(0, upto)}
        return tuple(sorted((c for c in newest.values() if c.document is not None), key=lambda change: change.offset))


class FrontDoor:
    """Keeps what a front door knows of the catalogue and what its frames say of it in step.

    `apply` takes changes in, in order of offset; only then do frames carry the offset that was reached.
    """

    def __init__(
        self,
        catalogue: CatalogueFollower,
        frames: FrameProducer,
        apply: Callable[[tuple[CatalogueChange, ...]], Awaitable[None] | None],
    ) -> None:
        self._catalogue, self._frames, self._apply = catalogue, frames, apply

    async def learn(self) -> None:
        """Take in all that is there now."""
        await self._catch_up(await self._catalogue.read_all())

    async def follow(self, die: Callable[[BaseException], None]) -> None:
        """Take in what comes, until cancelled. Errors go to `die`: a door that hears no changes must not stay open."""
        try:
            while True:
                await self._catch_up(await self._catalogue.poll())
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the process
            die(error)

    async def _catch_up(self, reached: int) -> None:
        if reached > self._frames.catalogue:
            taken = self._apply(self._catalogue.between(self._frames.catalogue, reached))
            if taken is not None:
                await taken
            self._frames.catalogue = reached


def decode_change(offset: int, key: bytes, value: bytes | None) -> CatalogueChange | None:
    """One catalogue record; None, and one line in the log, for a record that this version does not understand."""
    kind, _, id_ = key.decode(errors="replace").partition("/")
    try:
        document = msgspec.json.decode(value, type=DOCUMENTS[Kind(kind)]) if value else None
        return CatalogueChange(offset, Kind(kind), id_, document)
    except (ValueError, KeyError) as error:
        log.warning("catalogue record not understood", offset=offset, key=f"{kind}/{id_}", error=str(error))
        return None
