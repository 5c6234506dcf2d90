"""Who runs the stack of a data folder: a lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.local import identity
from pipeline.local.datafolder import read_json
from pipeline.local.identity import Identity


class RunsAlreadyError(UsageError):
    """Another process runs the stack of this data folder."""


class Hold:
    """The lock on a data folder, held from `take()` to `release()`."""

    def __init__(self, path: Path) -> None:
        self._path, self._record, self._descriptor = path, _record(path), -1

    def take(self) -> None:
        """Take the lock and write down who we are. Raises RunsAlreadyError when another has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            other = holder(self._path)
            root, number = self._path.parent, other.pid if other else "?"
            raise RunsAlreadyError(
                f"the stack in {root} runs already, as process {number}",
                vi=f"hệ thống trong {root} đang chạy rồi, tiến trình {number}",
            ) from None
        self._descriptor = descriptor
        us = identity.of(os.getpid())
        assert us is not None
        identity.write(self._record, us, ready=False)

    def announce(self) -> None:
        """Write down that everything is ready."""
        us = identity.of(os.getpid())
        assert us is not None
        identity.write(self._record, us, ready=True)

    def release(self) -> None:
        """Give the lock back; harmless when we do not hold it."""
        if self._descriptor >= 0:
            self._record.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


def holder(lock: Path) -> Identity | None:
    """The process that runs the stack now; None when nobody does."""
    who = identity.read(_record(lock))
    return who if who is not None and who.alive() else None


def announced(lock: Path) -> bool:
    """Whether the process that runs the stack has said that everything is ready."""
    return holder(lock) is not None and bool(read_json(_record(lock)).get("ready"))


def _record(lock: Path) -> Path:
    return lock.with_name("supervisor.json")
