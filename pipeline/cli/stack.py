"""`ioc up`, `down`, `status`, `doctor`: the local stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.core.errors import ServiceMissing

if TYPE_CHECKING:
    from pipeline.local.datafolder import DataFolder
    from pipeline.local.endpoints import Endpoints
    from pipeline.local.stack import LocalStack

_START_WITHIN_S = 180.0
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Only = Annotated[str, typer.Option(help="Start only these, separated by commas.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return when all is ready; `ioc down` stops it.")]


def up(only: Only = "", detach: Detach = False, fast: bool = False, sets: Sets = []) -> None:  # noqa: B006
    """Start Kafka, mosquitto, PostgreSQL, a camera and our own processes; Ctrl-C stops them.

    Started a second time for the same data folder, it says that it runs and does nothing. `--fast` is for
    tests: a quicker start, no protection against a power cut.
    """
    from pipeline.local.stack import all_names, check_names

    names = tuple(part.strip() for part in only.split(",") if part.strip()) or all_names()
    check_names(names)
    folder = _folder(sets)
    if detach:
        _in_background(folder, names, fast)
    else:
        _in_foreground(folder, names, fast)


def down(
    remove_data: Annotated[bool, typer.Option("--remove-data", help="Remove the data folder, too.")] = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Stop the stack of the data folder, and end what a killed one left behind."""
    from pipeline.local.stack import end_other

    folder = _folder(sets)
    ended = end_other(folder)
    print(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    if remove_data:
        folder.remove()


def status(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """Show what runs, with process ids and addresses; exits with 3 when something is down."""
    from pipeline.local.status import states

    found = states(_folder(sets))
    show([row._asdict() for row in found], ("name", "state", "pid", "address", "restarts"), as_json=as_json)
    if not found or any(row.state != "ready" for row in found):
        raise typer.Exit(ServiceMissing.exit_code)


def doctor(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """Check this machine and the stack; exits with 1 when a check fails (warnings do not count)."""
    from pipeline.config import load
    from pipeline.local.doctor import FAIL, checks

    found = list(checks(load(sets)))
    show([check._asdict() for check in found], ("verdict", "name", "detail", "remedy"), as_json=as_json)
    if any(check.verdict == FAIL for check in found):
        raise typer.Exit(1)


def _folder(sets: Sequence[str]) -> DataFolder:
    from pipeline.config import load
    from pipeline.local.datafolder import DataFolder

    return DataFolder(load(sets).data)


def _in_foreground(folder: DataFolder, names: Sequence[str], fast: bool) -> None:
    from pipeline.local.holder import RunsAlreadyError
    from pipeline.local.preparation import prepare
    from pipeline.local.process import silent
    from pipeline.local.stack import LocalStack

    echo = _print_line if sys.stdout.isatty() else silent  # the log files have it all, and are limited
    stack = LocalStack(folder.root, names, fast=fast, echo=echo, prepare=lambda found: prepare(found, names))
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    try:
        _print_endpoints(stack.up(), names)
        threading.Event().wait()
    except RunsAlreadyError as error:
        print(error)
    except KeyboardInterrupt:
        print("stopping")
    finally:
        _down(stack)


def _down(stack: LocalStack) -> None:
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
    stack.down()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _in_background(folder: DataFolder, names: Sequence[str], fast: bool) -> None:
    """Start a supervisor of its own, unless one is there, and wait until everything is ready."""
    from pipeline.local.holder import announced, holder

    folder.create()
    log = folder.logs / "supervisor.log"
    running = holder(folder.lock)
    if running is not None:
        print(f"the stack in {folder.root} runs already, as process {running.pid}")
    supervisor = None if running else _supervisor(folder, names, fast, log)
    until = time.monotonic() + _START_WITHIN_S
    while not announced(folder.lock):
        failed = supervisor is not None and supervisor.poll() not in (None, 0)  # 0: another was quicker
        if failed or time.monotonic() > until:
            _not_started(log)
        time.sleep(0.05)
    if supervisor is not None:
        print(f"the stack runs as process {supervisor.pid}; data and logs are in {folder.root}")


def _supervisor(folder: DataFolder, names: Sequence[str], fast: bool, log: Path) -> subprocess.Popen[bytes]:
    options = ["--only", ",".join(names), "--set", f"data={folder.root}", *(["--fast"] if fast else [])]
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "up", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _not_started(log: Path) -> None:
    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
    raise ServiceMissing("the stack", str(log.parent), f"it did not start: {last}", vi="hệ thống chưa khởi động được")


def _print_endpoints(found: Endpoints, names: Sequence[str]) -> None:
    lines = {
        "kafka": f"Kafka       {found.kafka_brokers}",
        "mosquitto": f"MQTT        {found.mqtt_host}:{found.mqtt_port}",
        "postgres": f"PostgreSQL  {found.postgres_dsn.rpartition('@')[2]}",
        "rtsp": f"camera      {found.rtsp_url} (with a password: {found.rtsp_url_protected})",
        "console": f"console     http://{found.console_host}:{found.console_port}",
    }
    print("\n".join(line for name, line in lines.items() if name in names))
    print("all is ready; Ctrl-C stops it", flush=True)


def _print_line(name: str, line: str) -> None:
    """One line of a child; in one write, because several threads print."""
    sys.stdout.write(f"{name:<10}| {line}{os.linesep}")
    sys.stdout.flush()
