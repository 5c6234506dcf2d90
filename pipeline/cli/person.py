"""`ioc person`: who may log in to the console."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.cli.output import AsJson, Sets, show
from pipeline.cli.services import settings
from pipeline.core.errors import BadInput

group = typer.Typer(no_args_is_help=True)


@group.command()
def add(
    name: str,
    role: Annotated[str, typer.Option(help="viewer, operator, technician or admin")],
    language: Annotated[str, typer.Option(help="vi or en")] = "vi",
    replace: Annotated[bool, typer.Option("--replace", help="Give somebody known a new password and role.")] = False,
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Register a person. The password is printed once and kept nowhere."""
    from pipeline.console.people import create
    from pipeline.migrations import connect

    with connect(settings(sets).postgres.dsn.get_secret_value()) as connection:
        password = create(connection, name, role, language, replace=replace)
    told = {"name": name, "role": role, "password": password}
    print(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(f"{k:9} {v}" for k, v in told.items()))


@group.command("list")
def list_(as_json: AsJson = False, sets: Sets = []) -> None:  # noqa: B006
    """Who is registered, and whose name is locked."""
    from pipeline.migrations import connect

    with connect(settings(sets).postgres.dsn.get_secret_value()) as connection:
        rows = connection.execute(
            "select name, role, language, coalesce(locked_until > now(), false) from ioc.person order by name"
        ).fetchall()
    names = ("name", "role", "language", "locked")
    show([dict(zip(names, row, strict=True)) for row in rows], names, as_json=as_json)


@group.command()
def opened(
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 100,
    as_json: AsJson = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Who looked at evidence with people clear, and when."""
    from pipeline.migrations import connect

    query = (
        "select to_char(o.at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), o.person, o.role, "
        "coalesce(e.camera, c.camera, ''), o.digest from ioc.evidence_opened o left join ioc.evidence e using (digest) "
        "left join ioc.clip c using (digest) order by o.at desc limit %s"
    )
    with connect(settings(sets).postgres.dsn.get_secret_value()) as connection:
        rows = connection.execute(query, [most]).fetchall()
    names = ("at", "person", "role", "camera", "digest")
    show([dict(zip(names, row, strict=True)) for row in rows], names, as_json=as_json)


@group.command()
def remove(name: str, sets: Sets = []) -> None:  # noqa: B006
    """Remove a person. What they did stays in the alerts' history."""
    from pipeline.migrations import connect

    with connect(settings(sets).postgres.dsn.get_secret_value()) as connection:
        if connection.execute("delete from ioc.person where name = %s", [name]).rowcount != 1:
            raise BadInput("name", name, "somebody of `ioc person list`", vi="tên có trong `ioc person list`")
