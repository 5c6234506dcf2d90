"""Run one installer command and turn its failure into one sentence."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.core.errors import IocError

_LAST_LINES = 20


class InstallError(IocError):
    """An installer failed; the message holds the end of what it wrote."""


def run(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run `argv` without input and return its standard output. Raises InstallError."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise InstallError(f"{argv[0]} is not installed; run `make setup`") from error
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise InstallError(f"`{' '.join(argv[:4])} ...` exited with {done.returncode}:\n{said}")
    return done.stdout
