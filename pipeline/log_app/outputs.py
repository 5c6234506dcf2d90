"""Outputs of a worker: one idempotent producer; the outputs of a frame go together and are awaited together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.core.broker import start_producer

SEND_LIMIT_S = 60


class Output(msgspec.Struct, frozen=True):
    """One record to be written. `partition` None lets the key decide."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


class Outputs:
    """Sends outputs and returns when the broker has them all."""

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

    async def send(self, outputs: Sequence[Output]) -> None:
        """Write all of `outputs`, in order for each partition.

        Raises TimeoutError after 60 s: what was written is unknown then, and the process must end.
        """
        if outputs:
            async with asyncio.timeout(SEND_LIMIT_S):
                await asyncio.gather(*[await self._one(output) for output in outputs])

    async def _one(self, output: Output) -> Any:
        return await self._producer.send(
            output.topic,
            output.value,
            key=output.key,
            partition=output.partition,
            headers=list(output.headers),
        )
