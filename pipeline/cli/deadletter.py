"""`ioc deadletter`: what could not be used, why, and putting it through the door again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import settings
from pipeline.core.errors import BadInput, Reason

group = typer.Typer(no_args_is_help=True)
LetterId = Annotated[str, typer.Argument(metavar="ID", help="The id that `ioc deadletter list` shows.")]


@group.command("list")
def list_(
    reason: Annotated[str, typer.Option(help="Only letters with this reason.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="So many of the newest.")] = 50,
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """List the newest dead letters, each id once."""
    from pipeline.letters import newest

    if reason and reason not in set(Reason):
        raise BadInput.one_of("--reason", reason, Reason)
    found = asyncio.run(newest(settings(sets).kafka.brokers, limit, reason))
    rows = [
        {
            "id": letter.source,
            "reason": letter.reason,
            "component": letter.component,
            "time": _local(letter.at),
            "bytes": len(letter.raw),
            "times": letter.times,
            "detail": letter.detail,
        }
        for letter in found
    ]
    show(rows, ["time", "reason", "component", "bytes", "times", "id", "detail"], as_json=as_json)


@group.command("show")
def show_(id_: LetterId, sets: Sets = []) -> None:  # noqa: B006
    """Print one dead letter with its raw bytes."""
    from pipeline.letters import find

    letters = asyncio.run(find(settings(sets).kafka.brokers, id_))
    letter = letters[-1]
    told = {
        "id": letter.source,
        "reason": letter.reason,
        "detail": letter.detail,
        "component": letter.component,
        "time": ", ".join(_local(each.at) for each in letters[-5:]),
        "times": len(letters),
        "bytes": len(letter.raw),
    }
    print("\n".join(f"{name:10} {value}" for name, value in told.items()))
    print(letter.raw.decode(errors="backslashreplace"))


@group.command()
def retry(id_: LetterId, sets: Sets = []) -> None:  # noqa: B006
    """Put one dead letter of the gateway through its door again; a repeat changes nothing."""
    from pipeline.letters import retry as retry_letter

    done = asyncio.run(retry_letter(settings(sets).kafka.brokers, id_))
    print(f"sent {done.readings} {'reading' if done.readings == 1 else 'readings'} of {done.device}")


def _local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000).astimezone().isoformat(sep=" ", timespec="seconds")
