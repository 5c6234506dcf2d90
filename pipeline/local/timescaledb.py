"""TimescaleDB in WebAssembly, for the tests of its migrations: no registry carries a server with the extension."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pipeline.core.folders import cache_folder
from pipeline.local.installing import run

SOURCE = Path("tests/timescaledb")
"""Where package.json and its lock stand in the project."""


def folder() -> Path:
    """Where the packages lie in the cache, by the lock that they were installed from."""
    lock = (SOURCE / "package-lock.json").read_bytes()
    return cache_folder() / "timescaledb" / hashlib.sha256(lock).hexdigest()[:12]


def missing() -> str:
    """What must be fetched, or nothing (also where the tests are not at hand)."""
    if not SOURCE.exists() or (folder() / "node_modules").exists():
        return ""
    return "fetching PGlite with TimescaleDB, for tests"


def install() -> None:
    """Install the locked packages."""
    partial = folder().with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, partial / name)
    run(("npm", "ci", "--silent", "--no-audit", "--no-fund", "--legacy-peer-deps"), cwd=partial)
    partial.rename(folder())
