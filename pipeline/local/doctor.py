"""Is this machine fit for the local stack, and does the stack answer? One line a check, with its remedy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.config import Settings
from pipeline.core.errors import IocError
from pipeline.core.folders import others_can_reach
from pipeline.local import clip, jars, mosquitto, postgres, rtsp, weights
from pipeline.local.datafolder import DataFolder
from pipeline.local.holder import holder
from pipeline.local.ports import is_free
from pipeline.local.status import states

OK, WARN, FAIL = "ok", "warn", "fail"
_SETUP = "run `make setup`"
_GIB = 1024**3
_FREE_WARN, _FREE_FAIL = 5 * _GIB, 1 * _GIB
_OLDEST_JAVA = 17
_ASK_TIMESCALE = "SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'"


class Check(NamedTuple):
    """One finding. `remedy` is empty when the verdict is ok."""

    name: str
    verdict: str
    detail: str
    remedy: str = ""


def checks(settings: Settings) -> Iterator[Check]:
    """All checks, in the order in which a person would mend things."""
    folder = DataFolder(settings.data)
    yield _python()
    yield from _disk(settings)
    yield _reachable(settings.data)
    yield from _programs()
    yield from _fetched()
    yield from _ports(folder)
    yield from _running(folder)
    yield _timescale(settings)


def _python() -> Check:
    return Check("python", OK, sys.version.split()[0])


def _disk(settings: Settings) -> Iterator[Check]:
    for name, folder in (("data", settings.data), ("cache", settings.vision.cache)):
        at = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(at).free
        verdict = FAIL if free < _FREE_FAIL else WARN if free < _FREE_WARN else OK
        remedy = "" if verdict == OK else f"free at least {_FREE_WARN // _GIB} GiB"
        yield Check(f"disk ({name})", verdict, f"{free / _GIB:.1f} GiB free at {folder}", remedy)


def _reachable(data: Path) -> Check:
    if os.geteuid() == 0 and not others_can_reach(data):
        remedy = "choose another folder with IOC__DATA, e.g. below /var/tmp"
        return Check("data folder", FAIL, f"the user postgres cannot reach {data}", remedy)
    return Check("data folder", OK, str(data))


def _programs() -> Iterator[Check]:
    yield _version("java", shutil.which("java"), ("-version",), _OLDEST_JAVA)
    yield _version("mosquitto", mosquitto.program(), ("-h",), 2)
    plugin = mosquitto.plugin()
    yield _present("mosquitto dynamic security", str(plugin) if plugin else "")
    folder = postgres.programs()
    yield _version("postgresql", str(folder / "postgres") if folder else None, ("--version",), postgres.OLDEST)
    yield _present("setpriv", shutil.which("setpriv") or "")
    yield _gstreamer()


def _version(name: str, program: str | None, arguments: tuple[str, ...], oldest: int) -> Check:
    said = _said((program, *arguments)) if program else ""
    found = re.search(r"(\d+)(\.\d+)*", said)
    if found is None:
        return Check(name, FAIL, "not installed", _SETUP)
    if int(found[1]) < oldest:
        return Check(name, FAIL, f"version {found[0]}", f"version {oldest} or newer is needed; {_SETUP}")
    return Check(name, OK, f"{found[0]} ({program})")


def _present(name: str, where: str) -> Check:
    return Check(name, OK, where) if where else Check(name, FAIL, "not installed", _SETUP)


def _gstreamer() -> Check:
    code = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer; print(1)"
    there = _said((rtsp.SYSTEM_PYTHON, "-c", code)).strip() == "1"
    return _present("rtsp server", "GStreamer's, by Debian's Python" if there else "")


def _said(argv: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _fetched() -> Iterator[Check]:
    for name, path, verdict in (
        ("kafka jars", jars.folder() / "lib", FAIL),
        ("kafka class archive", jars.archive(), WARN),
        ("camera clip", clip.encoded(), FAIL),
        ("detector model", weights.model(), WARN),
    ):
        yield Check(name, OK, str(path)) if path.exists() else Check(name, verdict, f"no {path}", _SETUP)


def _ports(folder: DataFolder) -> Iterator[Check]:
    """Ports of a stopped stack that somebody else took; a running stack's own ports are not free."""
    if holder(folder.lock) is not None:
        return
    taken = [f"{name} {port}" for name, port in folder.ports((), renew=False).items() if not is_free(port)]
    if taken:
        yield Check("ports", WARN, f"taken by others: {', '.join(taken)}", "none: `ioc up` chooses new ones")
    else:
        yield Check("ports", OK, "free")


def _running(folder: DataFolder) -> Iterator[Check]:
    supervisor = holder(folder.lock)
    if supervisor is None:
        yield Check("stack", WARN, "does not run", "start it with `ioc up`")
        return
    yield Check("stack", OK, f"runs as process {supervisor.pid}")
    for row in states(folder):
        remedy = "" if row.state == "ready" else f"see {folder.logs / row.name}.log"
        yield Check(row.name, OK if row.state == "ready" else WARN, f"{row.state} at {row.address}", remedy)


def _timescale(settings: Settings) -> Check:
    import psycopg

    try:
        with psycopg.connect(settings.postgres.dsn.get_secret_value(), connect_timeout=3) as connection:
            row = connection.execute(_ASK_TIMESCALE).fetchone()
    except (psycopg.Error, IocError):
        return Check("timescaledb", WARN, "unknown: the database does not answer", "start it with `ioc up`")
    if row is None:
        without = (
            "not there: the same schema on plain partitioned tables, without compression and continuous aggregates"
        )
        return Check("timescaledb", WARN, without, "none for the local stack; in production install the extension")
    return Check("timescaledb", OK, f"version {row[0]}")
