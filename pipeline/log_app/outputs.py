"""Outputs of a worker: one idempotent producer, written in order, acknowledged before a checkpoint covers them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.core.broker import start_producer

SEND_LIMIT_S = 60
Acknowledgement = asyncio.Future[Any]


class Output(msgspec.Struct, frozen=True):
    """One record to be written. `partition` None lets the key decide."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Outputs:
    """One idempotent producer: what is handed in is written in that order for each partition."""

    def __init__(self, brokers: str) -> None:
        self._brokers = brokers
        self._producer: Any = None

    async def start(self) -> None:
        """Connect; raises ServiceMissing."""
        self._producer = await start_producer(self._brokers)

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def hand_in(self, outputs: Sequence[Output]) -> list[Acknowledgement]:
        """Queue `outputs` for writing; returns a future for each, done when the broker has it."""
        return [await self._one(output) for output in outputs]

    async def _one(self, output: Output) -> Acknowledgement:
        acknowledgement: Acknowledgement = await self._producer.send(
            output.topic,
            output.value,
            key=output.key,
            partition=output.partition,
            headers=list(output.headers),
        )
        return acknowledgement


async def acknowledged(waiting: Sequence[Acknowledgement]) -> None:
    """Return when the broker has everything.

    Raises TimeoutError after 60 s, or the producer's error: what was written is unknown then, and the process must end.
    """
    async with asyncio.timeout(SEND_LIMIT_S):
        await asyncio.gather(*waiting)
