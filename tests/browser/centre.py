"""A running centre for tests of the console: our own parts on the run's stack, driven from a thread of its own.

The console reaches the database through a proxy that can misbehave.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from pipeline.console.people import create
from pipeline.local.ports import choose
from pipeline.migrations import connect
from tests.integration.parts import Part, running
from tests.integration.scene import Scene, a_scene
from tests.misbehaving_proxy import MisbehavingProxy

T = TypeVar("T")
R = TypeVar("R", bound=contextlib.AbstractContextManager[Any])


class Centre:
    """Relay, alerts worker, sink and console, with a scene instead of devices and rules workers."""

    def __init__(self, brokers: str, dsn: str, environment: dict[str, str], folder: Path) -> None:
        self.brokers, self.dsn, self._folder = brokers, dsn, folder
        self._environment = environment
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="centre", daemon=True)
        self.database = MisbehavingProxy(int(psycopg.conninfo.conninfo_to_dict(dsn)["port"] or 5432))
        self._stack = contextlib.AsyncExitStack()
        self._resources = contextlib.ExitStack()
        self.scene: Scene
        self.parts: dict[str, Part] = {}
        self.url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator[Centre]:
        """Everything, up and ready."""
        self._thread.start()
        with self.database, self._resources:
            try:
                self.do(self._start())
                yield self
            finally:
                self.do(self._stack.aclose())
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(5)
                self._loop.close()

    async def _start(self) -> None:
        port = choose(["console"], {}, str(self._folder))["console"]
        proxied = psycopg.conninfo.conninfo_to_dict(self.dsn)
        dsn = f"postgresql://{proxied['user']}:{proxied['password']}@127.0.0.1:{self.database.port}/{proxied['dbname']}"
        console = {**self._environment, "IOC__CONSOLE__PORT": str(port), "IOC__POSTGRES__DSN": dsn}
        self.url = f"http://127.0.0.1:{port}"
        parts = [
            Part("relay", self._folder, self._environment),
            Part("alerts", self._folder, self._environment, "--instance", "1"),
            Part("sink", self._folder, self._environment),
            Part("console", self._folder, console),
        ]
        self.parts = {part.name: part for part in parts}
        await self._stack.enter_async_context(running(*parts))
        self.scene = await self._stack.enter_async_context(a_scene(self.brokers, self.dsn))

    def open(self, resource: R) -> R:
        """Enter something that is closed when the centre ends."""
        self._resources.enter_context(resource)
        return resource

    def do(self, work: Coroutine[Any, Any, T], within_s: float = 60) -> T:
        """Run a coroutine on the centre's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def stop(self, name: str) -> None:
        """End one part."""
        self.do(self.parts[name].end(signal.SIGTERM))

    def start(self, name: str) -> None:
        """Start it again and wait until it is ready."""

        async def again() -> None:
            await self.parts[name].start()
            await self.parts[name].ready()

        self.do(again())

    def person(self, name: str, role: str, language: str = "vi") -> str:
        """Register a person; returns the password."""
        with connect(self.dsn) as connection:
            return create(connection, name, role, language, replace=True)

    def until(self, check: Callable[[], T | None], within_s: float = 15) -> T:
        """Wait until `check` gives something true."""

        async def wait() -> T:
            async with asyncio.timeout(within_s):
                while not (found := await asyncio.to_thread(check)):
                    await asyncio.sleep(0.05)
                return found

        return self.do(wait(), within_s + 5)
