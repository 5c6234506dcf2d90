"""What must be done between the start of the services and the start of our own processes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from pipeline.local.endpoints import Endpoints


def prepare(found: Endpoints, names: Collection[str]) -> None:
    """Make topics and tables, as far as `names` has Kafka and PostgreSQL. Raises ServiceMissing."""
    from pipeline.core.broker import apply_topics
    from pipeline.prepare import prepare_database

    if "kafka" in names:
        asyncio.run(apply_topics(found.kafka_brokers))
    if "postgres" in names:
        prepare_database(found.postgres_dsn)
