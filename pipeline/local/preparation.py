"""What must be done between the start of the services and the start of our own processes."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Collection

from pipeline.local.endpoints import Endpoints


def prepare(found: Endpoints, names: Collection[str]) -> None:
    """Make topics and migrate the database, as far as `names` has Kafka and PostgreSQL."""
    if "kafka" in names:
        apply_topics(found.kafka_brokers)
    if "postgres" in names:
        migrate(found.postgres_dsn)


def apply_topics(brokers: str) -> None:
    """Make every topic of the table. Raises ServiceMissing, IocError."""
    from pipeline.core import broker

    asyncio.run(broker.apply_topics(brokers))


def migrate(dsn: str) -> None:
    """Bring the database to the newest schema."""
    try:
        migrations = importlib.import_module("pipeline.migrations")
    except ModuleNotFoundError:
        return  # this version of the product has no database schema
    step: Callable[[str], object] = migrations.migrate
    step(dsn)
