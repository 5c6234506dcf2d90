"""Our own processes in the stack: one row each, started as `ioc run <name>` after the services."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.local.datafolder import DataFolder
from pipeline.local.ports import is_open
from pipeline.local.service import Service


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """One part of the product: `module` must exist for it to be started, `port` names the one it opens."""

    name: str
    module: str
    port: str | None = None


PROCESSES = (
    OwnProcess("relay", "pipeline.relay"),
    OwnProcess("gateway", "pipeline.ingest"),
    OwnProcess("rules", "pipeline.app"),
    OwnProcess("alerts", "pipeline.app"),
    OwnProcess("sink", "sinks.writer"),
    OwnProcess("vision", "pipeline.cameras"),
    OwnProcess("console", "pipeline.console", port="console"),
)


_SETTLE_S = 1.0
_RUN = "pipeline.cli.run"


def available(process: OwnProcess) -> bool:
    """Whether this version of the product has the part, and the command `ioc run` that starts it."""
    return _exists(process.module) and _exists(_RUN)


def service(process: OwnProcess, folder: DataFolder, ports: dict[str, int]) -> Service:
    """The row as a child process of the stack in `folder`."""
    port = ports[process.port] if process.port else 0
    return Service(
        name=process.name,
        address=f"127.0.0.1:{port}" if port else f"ioc run {process.name}",
        argv=(sys.executable, "-m", "pipeline.cli", "run", process.name),
        ready=_ready(port),
        settle_s=0.0 if port else _SETTLE_S,
        env={"IOC__DATA": str(folder.root)},
        cwd=folder.root,
        stop_within_s=4.0,
    )


def _ready(port: int) -> Callable[[], bool]:
    return partial(is_open, port) if port else lambda: True


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
