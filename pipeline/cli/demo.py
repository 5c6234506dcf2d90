"""`ioc demo`: the local stack with simulated devices and a scripted storm."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from types import FrameType
from typing import Annotated

import typer

from pipeline.cli.output import Sets
from pipeline.core.errors import BadInput


def demo(
    for_: Annotated[str, typer.Option("--for", help="Compress the storm, e.g. 90s; then drain, count and stop.")] = "",
    sets: Sets = [],  # noqa: B006
) -> None:
    """Start everything, register 40 devices and a camera, play a storm and show its alerts.

    With `--for` it ends by itself and fails when a single reading is unaccounted for.
    """
    from pipeline.config import load
    from pipeline.demo.run import check, play
    from pipeline.local.datafolder import DataFolder
    from pipeline.local.preparation import prepare
    from pipeline.local.process import silent
    from pipeline.local.stack import LocalStack, all_names

    length_s = seconds(for_) if for_ else None
    names = all_names()
    stack = LocalStack(
        DataFolder(load(sets).data).root, names, echo=silent, prepare=lambda found: prepare(found, names)
    )
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        began = time.monotonic()
        _say("starting Kafka, mosquitto, PostgreSQL, the camera and our own processes ...")
        found = stack.up()
        _say(f"all is ready after {time.monotonic() - began:.0f} s; logs are in {stack.folder.logs}")
        settings = load([*sets, f"data={stack.folder.root}"])
        check(asyncio.run(play(settings, found.rtsp_url, length_s, lambda: _stop_cameras(stack))))
    except KeyboardInterrupt:
        _say("stopping")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stack.down()


def seconds(text: str) -> float:
    """`90s` or `2m` in seconds. Raises BadInput."""
    unit = {"s": 1.0, "m": 60.0}.get(text[-1:])
    if unit is None or not text[:-1].isdigit() or int(text[:-1]) * unit < MIN_STORY_S:
        least = f"{MIN_STORY_S:.0f}s"
        raise BadInput("--for", text, f"at least {least}, e.g. 90s or 2m", vi=f"ít nhất {least}, ví dụ 90s hoặc 2m")
    return int(text[:-1]) * unit


MIN_STORY_S = 60.0
"""A shorter story would leave no time between its events for windows of 10 s."""


def _stop_cameras(stack: object) -> None:
    from pipeline.local.own import PROCESSES, available

    if any(process.name == "vision" and available(process) for process in PROCESSES):
        stack.stop("vision")  # type: ignore[attr-defined]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
