"""`make setup`: install what is missing. Run by any Python >= 3.11 with the standard library only.

Each step says for itself whether it is already done; when all are, this takes a fraction of a second.
A step that needs root says which command an administrator must run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.core.errors import IocError
from pipeline.local import clip, environment, jars, packages, timescaledb, weights


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to install: `missing()` says what is not there (empty: nothing), `install()` gets it."""

    title: str
    missing: Callable[[], str]
    install: Callable[[], None]


STEPS = (
    Step("system packages", packages.missing, packages.install),
    Step("python environment", environment.missing, environment.install),
    Step("ioc itself", environment.project_missing, environment.install_project),
    Step("kafka jars", jars.missing, jars.install),
    Step("kafka class archive", jars.archive_missing, jars.install_archive),
    Step("camera clip", clip.missing, clip.install),
    Step("detector weights", weights.missing, weights.install),
    Step("timescaledb", timescaledb.missing, timescaledb.install),
    Step("detector model", weights.model_missing, weights.install_model),
    Step("detector model in 8 bits", weights.eight_bit_model_missing, weights.install_eight_bit_model),
)


def run(steps: tuple[Step, ...] = STEPS) -> int:
    """Do every step that is missing; returns the exit code. Stops at the first that fails."""
    began = time.monotonic()
    for step in steps:
        try:
            _do(step)
        except IocError as error:
            _say(f"setup: {step.title}: {error}")
            return error.exit_code
    _say(f"setup: all there ({time.monotonic() - began:.1f} s)")
    return 0


def _do(step: Step) -> None:
    what = step.missing()
    if not what:
        return
    began = time.monotonic()
    _say(f"setup: {step.title}: {what} ...")
    step.install()
    _say(f"setup: {step.title}: done in {time.monotonic() - began:.1f} s")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run())
