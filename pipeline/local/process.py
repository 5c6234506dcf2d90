"""One supervised child process: start, readiness, log lines, restart with back-off, stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from pipeline.core.errors import IocError, ServiceMissing
from pipeline.local import identity
from pipeline.local.datafolder import DataFolder
from pipeline.local.logfile import LogFile
from pipeline.local.service import Service
from pipeline.local.spawn import spawn

FIRST_BACK_OFF_S, LAST_BACK_OFF_S = 0.5, 30.0
STEADY_AFTER_S = 30.0
"""A child that ran this long starts again at the first back-off."""

_SHOWN_LINES = 4
_POLL_S = 0.03

Echo = Callable[[str, str], None]
"""Takes the name of a child and one line that it wrote (or that concerns it)."""


def silent(_name: str, _line: str) -> None:
    """An echo that shows nothing; everything is in the log files anyway."""


class Child:
    """Keeps one service running from `start()` to `stop()`.

    An exit that nobody asked for is followed by a restart, after 0.5 s, 1 s, 2 s ... up to 30 s.
    """

    def __init__(self, service: Service, folder: DataFolder, echo: Echo = silent) -> None:
        self.service, self._folder, self._echo = service, folder, echo
        self.restarts = 0
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._wanted = self._settled = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._back_off_s = FIRST_BACK_OFF_S
        self._tail: deque[str] = deque(maxlen=_SHOWN_LINES)
        self._pumping: threading.Thread | None = None

    @property
    def record(self) -> Path:
        """Where the running process is written down."""
        return self._folder.run / f"{self.service.name}.json"

    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def ready(self) -> bool:
        """Whether it runs and answers now."""
        settled = time.monotonic() - self._started_at >= self.service.settle_s
        return settled and self.pid() is not None and self.service.ready()

    def start(self) -> None:
        """Start it and wait until it is ready; nothing happens when it runs already.

        Raises ServiceMissing, with its last words, when it exits or is not ready in time.
        """
        with self._lock:
            if self.pid() is None:
                self._settled = False
                self._launch()
            self._wanted = True
            self._wake.set()
        self._await_ready()
        self._settled = True

    def stop(self) -> None:
        """Ask it to stop, kill it when it does not within its time. Nothing happens when it is down."""
        self._end(self.service.stop_signal, self.service.stop_within_s)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it by `number` at once and leave it down until the next `start()`."""
        self._end(number, self.service.stop_within_s)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the process alone, e.g. SIGSTOP and SIGCONT to freeze and thaw it."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, number)

    def _launch(self) -> None:
        service = self.service
        service.prepare()
        self._started_at = time.monotonic()
        process = spawn(
            service.argv,
            env={**os.environ, **service.env},
            cwd=service.cwd,
            user=service.user,
            at_our_death=service.stop_signal,
        )
        self._process = process
        if (who := identity.of(process.pid)) is not None:
            identity.write(self.record, who, restarts=self.restarts)
        self._pumping = threading.Thread(target=self._pump, args=(process,), name=service.name, daemon=True)
        self._pumping.start()
        threading.Thread(target=self._watch, args=(process,), name=service.name, daemon=True).start()

    def _await_ready(self) -> None:
        until = self._started_at + self.service.start_within_s
        while not self.ready():
            if not self._settled and self.pid() is None:
                self._give_up("it exited while starting")
            if time.monotonic() > until:
                self._give_up(f"it was not ready within {self.service.start_within_s:.0f} s")
            time.sleep(_POLL_S)

    def _give_up(self, why: str) -> None:
        self.kill()
        if self._pumping is not None:
            self._pumping.join(1.0)  # its last words may still be in the pipe
        said = " / ".join(self._tail) or "it wrote nothing"
        log = self._folder.logs / f"{self.service.name}.log"
        raise ServiceMissing(
            self.service.name, self.service.address, f"{why}; see {log}: {said}", vi=f"không chạy được; xem {log}"
        )

    def _end(self, number: signal.Signals, patience_s: float) -> None:
        with self._lock:
            self._wanted, process = False, self._process
            self._wake.set()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._note(f"still runs {patience_s:.0f} s after {number.name}: killed")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it started itself
        process.wait()

    def _pump(self, process: subprocess.Popen[bytes]) -> None:
        """Copy what the process writes to its log file and to the echo."""
        assert process.stdout is not None
        log = LogFile(self._folder.logs / f"{self.service.name}.log")
        with process.stdout, contextlib.closing(log):
            for line in process.stdout:
                log.write(line)
                text = line.decode(errors="replace").rstrip()
                self._tail.append(text)
                self._show(text)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the end of the process, and start it again when nobody wanted that end."""
        code = process.wait()
        with self._lock:
            if self._process is process:
                self.record.unlink(missing_ok=True)
            if not (self._wanted and self._settled):
                return
            self._wake.clear()
        self._note(f"exited with {code}")
        while not self._start_again(process):
            pass

    def _start_again(self, ended: subprocess.Popen[bytes]) -> bool:
        """Launch after the back-off, unless it is not wanted or was started meanwhile; True when done."""
        delay_s = self._next_back_off()
        self._note(f"starts again in {delay_s:.1f} s")
        self._wake.wait(delay_s)
        with self._lock:
            if self._wanted and self._process is ended:
                self.restarts += 1
                try:
                    self._launch()
                except (OSError, IocError) as error:
                    self._note(f"could not be started: {error}")
                    return False
        return True

    def _next_back_off(self) -> float:
        if time.monotonic() - self._started_at > STEADY_AFTER_S:
            self._back_off_s = FIRST_BACK_OFF_S
        delay_s = self._back_off_s
        self._back_off_s = min(2 * delay_s, LAST_BACK_OFF_S)
        return delay_s

    def _note(self, line: str) -> None:
        with contextlib.closing(LogFile(self._folder.logs / f"{self.service.name}.log")) as log:
            log.write(f"supervisor: {line}\n".encode())
        self._show(line)

    def _show(self, line: str) -> None:
        try:
            self._echo(self.service.name, line)
        except OSError:
            self._echo = silent  # the terminal is gone; the log file goes on
