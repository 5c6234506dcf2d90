"""Who runs the stack of a data folder: a lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.local import identity
from pipeline.local.identity import Identity


class Hold:
    """The lock on a data folder, held from `take()` to `release()`."""

    def __init__(self, path: Path) -> None:
        self._path, self._descriptor = path, -1

    def take(self) -> None:
        """Take the lock and write down who we are. Raises UsageError when another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            other = holder(self._path)
            raise UsageError(
                f"the stack in {self._path.parent} runs already, as process {other.pid if other else '?'}"
            ) from None
        self._descriptor = descriptor
        us = identity.of(os.getpid())
        assert us is not None
        identity.write(self._path.with_name("supervisor.json"), us)

    def release(self) -> None:
        """Give the lock back; harmless when we do not hold it."""
        if self._descriptor >= 0:
            self._path.with_name("supervisor.json").unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


def holder(lock: Path) -> Identity | None:
    """The process that runs the stack now; None when nobody does."""
    who = identity.read(lock.with_name("supervisor.json"))
    return who if who is not None and who.alive() else None
