"""What the supervisor must know to run one service or one process of ours."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def nothing() -> None:
    """The preparation of a service that needs none."""


@dataclass(frozen=True, slots=True)
class Service:
    """One child process: how it is prepared, started, known to be ready, and stopped.

    `prepare` runs before every start and must be harmless when repeated. `ready` is asked again and
    again, from several threads, and must return within a second. A process that cannot be asked is
    ready when it has run for `settle_s`.
    """

    name: str
    address: str
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    cwd: Path
    prepare: Callable[[], None] = nothing
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str | None = None
    settle_s: float = 0.0
    start_within_s: float = 60.0
    stop_within_s: float = 6.0
    stop_signal: signal.Signals = signal.SIGTERM
