"""Which process a recorded pid was: pid, start time and boot, so that a reused pid is never mistaken."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.local.datafolder import read_json, write_private_json

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATE, _START_TIME = 0, 19  # fields of /proc/<pid>/stat behind the command name


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot. `started` is in clock ticks since that boot (proc(5), field 22)."""

    pid: int
    started: int
    boot: str

    def alive(self) -> bool:
        """Whether exactly this process still runs (a zombie does not)."""
        return of(self.pid) == self

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and to the group that it leads, if it still is that process."""
        if self.alive():
            signal_group(self.pid, number)

    def end(self, patience_s: float) -> None:
        """SIGTERM, then SIGKILL after `patience_s`; returns when the process is gone."""
        self.send_signal(signal.SIGTERM)
        if not self.wait(patience_s):
            self.send_signal(signal.SIGKILL)
            self.wait(patience_s)

    def wait(self, patience_s: float) -> bool:
        """Wait until the process is gone; False when it still runs after `patience_s`."""
        until = time.monotonic() + patience_s
        while self.alive():
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True


def of(pid: int) -> Identity | None:
    """The identity of the running process `pid`; None when there is none, or only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[_STATE] in "ZX":
        return None
    return Identity(pid, int(fields[_START_TIME]), _BOOT.read_text().strip())


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the group led by `pid`, or the process alone when it leads none. Gone is fine."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        return


def write(path: Path, process: Identity, **more: object) -> None:
    """Record a process on disk."""
    write_private_json(path, {**asdict(process), **more})


def read(path: Path) -> Identity | None:
    """The recorded process; None when there is no (whole) record."""
    found = read_json(path)
    try:
        return Identity(int(found["pid"]), int(found["started"]), str(found["boot"]))
    except KeyError:
        return None
