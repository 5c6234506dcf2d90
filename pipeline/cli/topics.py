"""`ioc topics` and `ioc db`: what Kafka and PostgreSQL must have before anything runs."""

from __future__ import annotations

import asyncio

import typer

from pipeline.cli.output import Sets
from pipeline.cli.services import settings

topics = typer.Typer(no_args_is_help=True)
database = typer.Typer(no_args_is_help=True)


@topics.command()
def apply(sets: Sets = []) -> None:  # noqa: B006
    """Create missing topics and correct the settings of the others."""
    from pipeline.core.broker import apply_topics

    for line in asyncio.run(apply_topics(settings(sets).kafka.brokers)) or ["all topics are as they should be"]:
        print(line)


@database.command()
def migrate(sets: Sets = []) -> None:  # noqa: B006
    """Apply the migrations that are missing, and store the starter device types."""
    from pipeline.prepare import prepare_database

    for line in prepare_database(settings(sets).postgres.dsn.get_secret_value()) or ["the database is up to date"]:
        print(line)


def prepare(sets: Sets = []) -> None:  # noqa: B006
    """Make topics and tables: what must be done once before the parts run."""
    from pipeline.prepare import prepare as prepare_all

    for line in prepare_all(settings(sets)) or ["everything is prepared already"]:
        print(line)


@topics.callback()
def _topics() -> None:
    """Kafka topics."""


@database.callback()
def _database() -> None:
    """The database."""
