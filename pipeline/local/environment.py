"""The Python environment `.venv`: what requirements.lock names, checked by hash, and the project."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from pipeline.core.folders import project_folder
from pipeline.local.installing import InstallError, run

_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "--no-compile")
"""Python compiles what is imported when it is imported; compiling everything takes half of the time."""


def venv_python() -> Path:
    """The interpreter of the project's own environment."""
    return project_folder() / ".venv" / "bin" / "python"


def missing() -> str:
    """What must be installed, or nothing when the environment was made from the lock file as it is."""
    if _stamped(_lock_stamp(), _digest("requirements.lock")):
        return ""
    return "installing requirements.lock into .venv"


def install() -> None:
    """Make `.venv` with the running Python and install the locked packages by hash."""
    venv = project_folder() / ".venv"
    if not _works():
        shutil.rmtree(venv, ignore_errors=True)
        run((sys.executable, "-m", "venv", str(venv)))
    run((str(venv_python()), *_PIP, "--require-hashes", "-r", "requirements.lock"), cwd=project_folder())
    _lock_stamp().write_text(_digest("requirements.lock"))


def project_missing() -> str:
    """What must be installed, or nothing when `ioc` is installed from this pyproject.toml."""
    if _stamped(_project_stamp(), _digest("pyproject.toml")):
        return ""
    return "installing the project, editable"


def install_project() -> None:
    """Install the project in editable form without touching its locked dependencies."""
    run((str(venv_python()), *_PIP, "--no-deps", "-e", "."), cwd=project_folder())
    _project_stamp().write_text(_digest("pyproject.toml"))


def _works() -> bool:
    try:
        run((str(venv_python()), "-c", "import pip"))
    except InstallError:
        return False
    return True


def _lock_stamp() -> Path:
    return project_folder() / ".venv" / "requirements.lock.sha256"


def _project_stamp() -> Path:
    return project_folder() / ".venv" / "pyproject.toml.sha256"


def _digest(name: str) -> str:
    return hashlib.sha256((project_folder() / name).read_bytes()).hexdigest()


def _stamped(stamp: Path, digest: str) -> bool:
    return stamp.exists() and stamp.read_text() == digest and venv_python().exists()
