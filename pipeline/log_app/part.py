"""State of one partition that this worker owns, and the step from one frame to the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from aiokafka import TopicPartition

from pipeline.core.codec import LineCodec
from pipeline.core.errors import Reason, Rejected
from pipeline.core.machine import CatalogueChange, Delta, LogFrame, Machine
from pipeline.core.topics import DEADLETTER
from pipeline.log_app.checkpoints import CheckpointStore, Marker
from pipeline.log_app.outputs import Acknowledgement, Output, acknowledged

MAX_ATTEMPTS = 4
SUSPICIOUS_STARTS = 2
"""After so many starts that died before their first normal checkpoint, the frame to blame is looked for."""
MAX_UNACKNOWLEDGED = 1000
CAREFUL_FRAMES = 200
"""Then so many frames are announced one by one: the next death names its frame."""


class Saved(NamedTuple):
    """What a machine starts from."""

    source: TopicPartition
    state: Mapping[bytes, bytes]
    log: int
    catalogue: int
    documents: tuple[CatalogueChange, ...]


class Source(NamedTuple):
    """One input topic of an app: how to decode it, what folds it, and how its outputs become records."""

    topic: str
    checkpoints: str
    codec: LineCodec[Any]
    machine: Callable[[Saved], Machine[Any, Any]]
    outputs: Callable[[LogFrame[Any], Delta[Any]], list[Output]]


class Record(NamedTuple):
    """One Kafka record as the part needs it; `log` is the broker's append time, ms."""

    offset: int
    log: int
    value: bytes
    headers: Mapping[str, bytes]

    def number(self, header: str) -> int:
        """An integer header; 0 when it is missing."""
        return int(self.headers.get(header, b"0"))

    def origin(self) -> tuple[str, tuple[int, int]] | None:
        """The source partition of an output of another worker, and its (offset, index) there."""
        source = self.headers.get("source")
        if source is None:
            return None
        topic_partition, _, offset = source.decode().rpartition("/")
        return topic_partition, (int(offset), self.number("index"))


class Part:
    """One owned partition: a machine, its marker, and what changed since the last checkpoint.

    A step hands its outputs to the producer and moves on. A checkpoint takes what changed and the marker as of the last
    whole step, waits until the broker has the outputs of every frame that it covers, and writes; steps go on meanwhile.
    Nothing that a kill can take away is ever behind a checkpoint.
    """

    def __init__(self, source: Source, store: CheckpointStore, marker: Marker, machine: Machine[Any, Any]) -> None:
        self.source, self.store, self.marker, self.machine = source, store, marker, machine
        self._saving = asyncio.Lock()
        self._saved, self._saved_at = marker, 0.0
        self._only_time = True
        self.folded = 0
        self._changed: set[bytes] = set()
        self._unacknowledged: list[Acknowledgement] = []
        self._careful = CAREFUL_FRAMES if marker.starts > SUSPICIOUS_STARTS else 0
        self._lost = 0

    async def step(
        self,
        record: Record,
        news: Callable[[int, int], Awaitable[tuple[CatalogueChange, ...]]],
        hand_in: Callable[[list[Output]], Awaitable[list[Acknowledgement]]],
    ) -> None:
        """Fold one record: decode, fold, hand in the outputs, commit. The caller has checked the offset.

        What a checkpoint takes changes only after the last `await`, at once: it never sees half a step.
        """
        if self.marker.attempts >= MAX_ATTEMPTS:
            self._unacknowledged.extend(await hand_in([_dead_frame(self.store.source, record)]))
            self._move(record, self.marker.catalogue)
            self._only_time = False
            return
        frame, letters, catalogue = await self._decode(record, news)
        delta = self.machine.fold(frame)
        outputs = letters + self.source.outputs(frame, delta)
        handed_in = await hand_in(outputs) if outputs else []
        self._unacknowledged.extend(handed_in)
        self.machine.commit(delta)
        self._changed |= delta.changed
        self._only_time = self._only_time and delta.only_time and not letters
        self._move(record, catalogue)
        # saved at once: a kill while we wait for the next frame is not the first one's fault
        if (self._careful and self.folded == 1) or len(self._unacknowledged) > MAX_UNACKNOWLEDGED:
            await self.checkpoint()

    async def _decode(
        self, record: Record, news: Callable[[int, int], Awaitable[tuple[CatalogueChange, ...]]]
    ) -> tuple[LogFrame[Any], list[Output], int]:
        catalogue = max(self.marker.catalogue, record.number("catalogue"))
        changes = await news(self.marker.catalogue, catalogue) if catalogue > self.marker.catalogue else ()
        decoded = self.source.codec.decode_frame(b"" if self._repeated(record) else record.value)
        source = self.store.source
        frame: LogFrame[Any] = LogFrame(
            topic=source.topic,
            partition=source.partition,
            offset=record.offset,
            log=record.log,
            lines=decoded.lines,
            producer=record.headers.get("producer", b"").decode(),
            sent=record.number("sent"),
            catalogue=catalogue,
            news=changes,
            lost=self._lost,
        )
        letters = [_dead_line(source, record, bad.number, bad.raw, bad.rejection) for bad in decoded.bad]
        return frame, letters, catalogue

    def _repeated(self, record: Record) -> bool:
        origin = record.origin()
        return origin is not None and origin[1] <= self.marker.sources.get(origin[0], (-1, -1))

    def _move(self, record: Record, catalogue: int) -> None:
        sources = self.marker.sources
        origin = record.origin()
        if origin is not None and origin[1] > sources.get(origin[0], (-1, -1)):
            sources = {**sources, origin[0]: origin[1]}
        self.marker = Marker(
            next=record.offset + 1,
            log=max(self.marker.log, record.log),
            catalogue=catalogue,
            starts=self.marker.starts,
            sources=sources,
        )
        self.folded += 1
        self._lost = 0

    def pass_over(self, offset: int) -> int:
        """Retention removed what we waited for: go on at `offset`; returns how many records are gone."""
        gone = offset - (self.marker.next if self.marker.next is not None else offset)
        self._lost += gone
        self.marker = msgspec.structs.replace(self.marker, next=offset)
        return gone

    async def checkpoint(self, *, idle_s: float = 0.0) -> int | None:
        """Save what changed; returns the offset that may be committed. Errors mean: do not go on.

        Where only time has passed, it is saved when `idle_s` have gone by since the last time.
        """
        async with self._saving:
            waits = self._only_time and not self._saved.attempts and time.monotonic() - self._saved_at < idle_s
            if self.marker is not self._saved and not waits:
                await self._save()
            return self._saved.next

    @property
    def begins_carefully(self) -> bool:
        """Whether the next frame is the first one of a start that looks for a frame to blame."""
        return bool(self._careful) and not self.folded

    async def before(self, record: Record) -> None:
        """Called before each frame: announces it in careful mode. A tick is empty and can do no harm.

        Announced means written down, so that repeated deaths on the same frame are seen.
        """
        if not (self._careful and record.value) or self.marker.attempts >= MAX_ATTEMPTS:
            return
        self._careful = max(0, self._careful - 1)
        self.marker = msgspec.structs.replace(self.marker, attempts=self.marker.attempts + 1)
        await self.checkpoint()

    async def _save(self) -> None:
        if not self._careful and self.marker.starts:
            self.marker = msgspec.structs.replace(self.marker, starts=0)
        marker, waiting = self.marker, self._unacknowledged
        changed = {key: self.machine.dump(key) for key in self._changed}
        self._changed, self._unacknowledged, self._only_time = set(), [], True
        await acknowledged(waiting)
        await self.store.save(changed, marker)
        self._saved, self._saved_at = marker, time.monotonic()


def _dead_frame(source: TopicPartition, record: Record) -> Output:
    detail = f"{MAX_ATTEMPTS} starts died on this frame"
    return _letter(f"{source.topic}/{source.partition}/{record.offset}", record.value, Rejected(Reason.POISON, detail))


def _dead_line(source: TopicPartition, record: Record, number: int, raw: bytes, rejection: Rejected) -> Output:
    return _letter(f"{source.topic}/{source.partition}/{record.offset}/{number}", raw, rejection)


def _letter(source: str, raw: bytes, rejection: Rejected) -> Output:
    headers = (
        ("reason", rejection.reason.encode()),
        ("detail", rejection.detail.encode()),
        ("source", source.encode()),
        ("component", b"log_app"),
    )
    return Output(DEADLETTER, raw, key=source.encode(), headers=headers)
