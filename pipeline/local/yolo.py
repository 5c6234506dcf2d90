"""`make test-yolo`'s environment, `.venv-yolo`: ultralytics on Debian's torch, which wants an older NumPy than we do.

torch from PyPI is 3 GB with its CUDA libraries; Debian's is 121 MB and knows the CPU only, enough for tests. What is
already there is left alone, so that this takes a fraction of a second when nothing has changed.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from functools import partial
from pathlib import Path

from pipeline.core.folders import project_folder
from pipeline.local import packages
from pipeline.local.installing import run
from pipeline.local.setup import Step
from pipeline.local.setup import run as set_up

PACKAGES = (
    "python3-venv",
    "python3-torch",
    "python3-torchvision",
    "python3-pil",
    "python3-psutil",
    "python3-requests",
    "python3-yaml",
    "python3-dateutil",
    "python3-pyparsing",
    "python3-six",
    "python3-pygments",
)
PYTHON = "/usr/bin/python3"
"""Debian's own: its torch is made for no other."""
_PINS = "requirements-yolo.lock"


def folder() -> Path:
    """The environment."""
    return project_folder() / ".venv-yolo"


def missing() -> str:
    """What must be installed, or nothing when the environment was made from the pins as they are."""
    stamped = _stamp().exists() and _stamp().read_text() == _digest() and (folder() / "bin" / "python").exists()
    return "" if stamped else f"installing {_PINS} into {folder().name}"


def install() -> None:
    """Make the environment anew, with Debian's packages in sight."""
    shutil.rmtree(folder(), ignore_errors=True)
    run((PYTHON, "-m", "venv", "--system-site-packages", str(folder())))
    pip = (str(folder() / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q")
    run((*pip, "--no-deps", "--no-compile", "--require-hashes", "-r", _PINS), cwd=project_folder())
    _stamp().write_text(_digest())


def _stamp() -> Path:
    return folder() / f"{_PINS}.sha256"


def _digest() -> str:
    return hashlib.sha256((project_folder() / _PINS).read_bytes()).hexdigest()


STEPS = (
    Step(
        "system packages of the extra", partial(packages.missing, PACKAGES, {}), partial(packages.install, PACKAGES, {})
    ),
    Step("environment of the extra", missing, install),
)

if __name__ == "__main__":
    sys.exit(set_up(STEPS))
