"""A TCP proxy that cuts, stalls or slows the line between a client and a real service on command.

    with MisbehavingProxy(port_of_the_service) as proxy:
        connect_to(proxy.port)
        proxy.stall()

It runs on a thread of its own; every command has taken effect when its method returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

_CHUNK = 65_536
_COMMAND_WITHIN_S = 5.0
_LINGER_ZERO = struct.pack("ii", 1, 0)  # close() sends a reset instead of a proper end


class MisbehavingProxy:
    """Listens on `port` of loopback and relays to `target_port`, as well or as badly as told."""

    def __init__(
        self,
        target_port: int,
        host: str = "127.0.0.1",
        rewrite: Callable[[], Callable[[bytes], bytes]] = lambda: bytes,
    ) -> None:
        """`rewrite` is asked for each connection; what it gives is applied to all that the service answers."""
        self._host, self._target, self._rewrite = host, target_port, rewrite
        self.port = 0
        self.accepted = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="misbehaving-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._flow = asyncio.Event()
        self._bytes_per_s = 0.0
        self._lines: set[asyncio.StreamWriter] = set()
        self._ended: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        self.ok()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_COMMAND_WITHIN_S)
        self._loop.close()

    def ok(self) -> None:
        """Relay everything at full speed; what was stalled flows again."""
        self._do(self._behave(listening=True, flowing=True))

    def stall(self) -> None:
        """Keep all connections open and accept new ones, but relay nothing: a frozen peer."""
        self._do(self._behave(listening=True, flowing=False))

    def silent(self) -> None:
        """Cut what is open, accept new connections, never answer them."""
        self._do(self._behave(listening=True, flowing=False, reset=True))

    def refuse(self) -> None:
        """Cut what is open and refuse new connections, until another command."""
        self._do(self._behave(listening=False, flowing=False, reset=True))

    def drop(self) -> None:
        """Reset what is open, once; new connections are relayed."""
        self._do(self._behave(listening=True, flowing=True, reset=True))

    def slow(self, bytes_per_s: float) -> None:
        """Relay at most so many bytes a second, on each connection and in each direction."""
        self._do(self._behave(listening=True, flowing=True, bytes_per_s=bytes_per_s))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_COMMAND_WITHIN_S)

    async def _behave(self, *, listening: bool, flowing: bool, reset: bool = False, bytes_per_s: float = 0.0) -> None:
        self._bytes_per_s = bytes_per_s
        if flowing:
            self._flow.set()
        else:
            self._flow.clear()
        if not listening:
            self._stop_listening()
        elif self._server is None:
            await self._listen()
        if reset:
            self._reset()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reset(self) -> None:
        for line in list(self._lines):
            end: socket.socket = line.get_extra_info("socket")
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
            line.transport.abort()

    async def _close(self) -> None:
        self._stop_listening()
        for _ in range(2):  # a relay may begin while others end
            await _turns()  # connections that were just accepted begin their relay
            self._reset()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for line in self._ended:  # a graceful end waits until the other side has read everything, and it may not
                line.transport.abort()
            await _turns()  # closed transports let go of their sockets
            await asyncio.sleep(0.01)

    async def _relay(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        with self._line(client), contextlib.suppress(OSError, asyncio.CancelledError):
            await self._flow.wait()
            answers, service = await asyncio.open_connection(self._host, self._target)
            with self._line(service):
                await asyncio.gather(self._pump(reader, service, bytes), self._pump(answers, client, self._rewrite()))
        self._tasks.discard(task)

    @contextlib.contextmanager
    def _line(self, line: asyncio.StreamWriter) -> Any:
        self._lines.add(line)
        try:
            yield
        finally:
            self._lines.discard(line)
            self._ended.add(line)
            line.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, rewritten: Callable[[bytes], bytes]
    ) -> None:
        while chunk := await source.read(_CHUNK):
            await self._flow.wait()
            if self._bytes_per_s:
                await asyncio.sleep(len(chunk) / self._bytes_per_s)
            sink.write(rewritten(chunk))
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()


async def _turns() -> None:
    """A few rounds of the event loop: what was called soon has been called."""
    for _ in range(5):
        await asyncio.sleep(0)
