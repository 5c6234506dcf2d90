"""A PostgreSQL cluster of our own: TCP on loopback, one owner, one database."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

from pipeline.core.errors import IocError, ServiceMissing
from pipeline.local.datafolder import DataFolder
from pipeline.local.installing import run
from pipeline.local.ports import LOOPBACK
from pipeline.local.service import Service
from pipeline.local.spawn import as_user, give_away

PORTS = ("postgres",)
OWNER = DATABASE = "ioc"
OLDEST = 15
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
_CARELESS = {"fsync": "off", "full_page_writes": "off"}
"""For tests: the data survives a killed server, but not a power cut (without synchronous_commit it would
not even survive the kill)."""


def service(folder: DataFolder, ports: dict[str, int], *, fast: bool) -> Service:
    """The server with its cluster in `folder`; `fast` gives up safety against a power cut."""
    home, port = folder.service("postgres"), ports["postgres"]
    settings = {**_SETTINGS, "port": str(port), **(_CARELESS if fast else {})}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        address=f"{LOOPBACK}:{port}",
        argv=(_program("postgres"), "-D", str(home), *options),
        ready=lambda: accepts(port),
        prepare=lambda: prepare(home, folder.password("postgres")),
        cwd=folder.root,
        user=user(),
        stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
    )


def dsn(port: int, password: str) -> str:
    """The connection string of the database's owner."""
    return f"postgresql://{OWNER}:{quote(password, safe='')}@{LOOPBACK}:{port}/{DATABASE}"


def user() -> str | None:
    """The user that the server must run as: `postgres` when we are root, otherwise ourselves (None)."""
    return "postgres" if os.geteuid() == 0 else None


def programs() -> Path | None:
    """The folder of the newest installed server's programs, version 15 or newer."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    new = [folder for folder in found if _major(folder) >= OLDEST]
    if new:
        return max(new, key=_major)
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def prepare(home: Path, password: str) -> None:
    """Make the cluster and the database when they are not there yet."""
    if (home / "made").exists():
        return
    shutil.rmtree(home, ignore_errors=True)  # an interrupted attempt
    home.mkdir(mode=0o700)
    give_away(home, user())
    words = home.parent / ".postgres-password"
    words.touch(mode=0o600)
    words.write_text(password)
    give_away(words, user())
    try:
        _initdb(home, words)
    finally:
        words.unlink()
    _create_database(home)
    (home / "made").touch()


def accepts(port: int) -> bool:
    """Whether the server accepts connections (an open port is less: it may still be recovering)."""
    argv = (_program("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(port), "-t", "1")
    return subprocess.run(argv, check=False).returncode == 0


def _initdb(home: Path, words: Path) -> None:
    options = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--auth=scram-sha-256")
    argv = (_program("initdb"), "-D", str(home), "-U", OWNER, f"--pwfile={words}", *options)
    run(as_user(argv, user()), cwd=home)


def _create_database(home: Path) -> None:
    """In single-user mode, so that nobody ever sees a server without the database."""
    argv = as_user((_program("postgres"), "--single", "-F", "-D", str(home), "template1"), user())
    statement = f"CREATE DATABASE {DATABASE}\n"
    done = subprocess.run(argv, input=statement, capture_output=True, text=True, check=False, cwd=home)
    if done.returncode != 0:
        raise IocError(f"PostgreSQL could not make the database {DATABASE}: {done.stderr.strip()}")


def _program(name: str) -> str:
    folder = programs()
    if folder is None:
        raise ServiceMissing(
            "postgres",
            LOOPBACK,
            f"version {OLDEST} or newer is not installed; run `make setup`",
            vi=f"chưa cài bản {OLDEST} trở lên; hãy chạy `make setup`",
        )
    return str(folder / name)


def _major(folder: Path) -> int:
    version = folder.parent.name
    return int(version) if version.isdigit() else 0
