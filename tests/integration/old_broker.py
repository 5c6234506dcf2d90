"""A broker that knows MQTT 3.1.1 only: refuses version 5 as such a broker does, and relays everything else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

_UNACCEPTABLE_VERSION = b"\x20\x02\x00\x01"
"""CONNACK, return code 1 (MQTT 3.1.1, 3.2.2.3)."""
_LEVEL_AT = 6
"""Of the variable header: two bytes of length, then `MQTT`, then the protocol level."""


class OldBroker:
    """Counts the connections by protocol level."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self.port = 0
        self.levels: list[int] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = await _connect(reader)
            level = head[-1]
            self.levels.append(level)
            if level > 4:
                writer.write(_UNACCEPTABLE_VERSION)
                await writer.drain()
                return
            answers, service = await asyncio.open_connection("127.0.0.1", self._target)
            service.write(head)
            with contextlib.closing(service):
                await asyncio.gather(_pump(reader, service), _pump(answers, writer))


async def _connect(reader: asyncio.StreamReader) -> bytes:
    """A CONNECT packet up to its protocol level."""
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    return head + await reader.readexactly(_LEVEL_AT + 1)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65_536):
        sink.write(chunk)
        await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def old_broker(target_port: int) -> AsyncIterator[OldBroker]:
    """A broker that knows MQTT 3.1.1 only, in front of the one at `target_port`."""
    broker = OldBroker(target_port)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
