"""The Debian packages that the local stack needs, and how they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.local.installing import InstallError, run

PACKAGES = (
    "python3",
    "python3-venv",
    "openjdk-17-jre-headless",
    "maven",
    "mosquitto",
    "mosquitto-clients",
    "postgresql",
    "gir1.2-gst-rtsp-server-1.0",
    "python3-gi",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "libgl1",
    "libglib2.0-0",
    "chromium",
    "fonts-dejavu-core",
)
PROGRAMS = {"npm": "npm"}
"""Programs that many machines have from elsewhere: the package is asked for only without the program."""

_WAIT_FOR_LOCK = ("-o", "DPkg::Lock::Timeout=300")


def missing(names: Sequence[str] = PACKAGES, programs: Mapping[str, str] = PROGRAMS) -> str:
    """The names of what is not installed, separated by spaces."""
    return " ".join(_missing(names, programs))


def install(names: Sequence[str] = PACKAGES, programs: Mapping[str, str] = PROGRAMS) -> None:
    """Install what is missing. Raises InstallError with the command to run when we are not root."""
    wanted = _missing(names, programs)
    if shutil.which("apt-get") is None:
        raise InstallError(f"this system has no apt-get; install what provides: {' '.join(wanted)}")
    if os.geteuid() != 0:
        raise InstallError(
            "an administrator must run: "
            f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {' '.join(wanted)}"
        )
    update()
    _apt("install", "-y", "--no-install-recommends", *wanted)


def update() -> None:
    """Fetch the package lists (as root only)."""
    _apt("update")


def download(package: str, into: Path) -> None:
    """Fetch the archive of `package` into the folder `into` without installing it."""
    if "Candidate" not in run(("apt-cache", "policy", package)) and os.geteuid() == 0:
        update()
    run(("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package), cwd=into)


def _apt(*arguments: str) -> None:
    run(("apt-get", "-q", *_WAIT_FOR_LOCK, *arguments), env={"DEBIAN_FRONTEND": "noninteractive"})


def _missing(names: Sequence[str], programs: Mapping[str, str]) -> list[str]:
    installed = _installed(names)
    absent = [name for name in names if name not in installed]
    return absent + [package for program, package in programs.items() if not shutil.which(program)]


def _installed(names: Sequence[str]) -> set[str]:
    asked = ("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names)
    try:
        listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return set()  # no Debian: `install` says so
    return {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
