"""Our own long-running parts as child processes of a test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.integration.log_harness import eventually

READY = {
    "rules": "partitions loaded",
    "alerts": "partitions loaded",
    "relay": "relay active",
    "gateway": "gateway connected",
    "sink": "sink ready",
    "vision": "vision ready",
    "console": "console ready",
}
"""What each part says when it does its work."""


class Part:
    """`ioc run NAME` as a child process; its output goes to a file."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
        self.name, self._arguments = name, arguments
        self._environment = {**os.environ, **environment}
        self._path = folder / f"{name}{'-'.join(('', *arguments))}.log"
        self._before = 0
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        self._before = self.said().count(READY[self.name])
        with self._path.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pipeline.cli", "run", self.name, *self._arguments),
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self, within_s: float = 40) -> None:
        """Wait until this start does its work."""

        async def done() -> bool:
            if self.process is not None and self.process.returncode is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.said()[-2000:]}")
            return self.said().count(READY[self.name]) > self._before

        await eventually(done, within_s, every_s=0.05)

    async def end(self, number: signal.Signals = signal.SIGTERM, within_s: float = 15) -> int:
        """Send a deadly signal and wait for the end; returns the exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended in this moment
                self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), within_s)

    def said(self) -> str:
        """Everything that it wrote."""
        return self._path.read_text() if self._path.exists() else ""


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """All of `parts`, ready; ended afterwards, by force where a test ended them before."""
    try:
        await asyncio.gather(*(part.start() for part in parts))
        await asyncio.gather(*(part.ready() for part in parts))
        yield
    finally:
        for part in parts:
            if part.process is not None and part.process.returncode is None:
                await part.end(signal.SIGKILL)
