"""What must stand before the parts run: topics in Kafka, tables and starter types in PostgreSQL."""

from __future__ import annotations

import asyncio
from importlib import resources

import yaml

from devices.registry import Registry, document_of
from pipeline.config import Settings
from pipeline.core.broker import apply_topics
from pipeline.core.catalogue import Kind
from pipeline.migrations import connect, has_timescaledb, migrate


def prepare(settings: Settings) -> list[str]:
    """Topics and database; returns what was done, a sentence each. Raises ServiceMissing."""
    done = asyncio.run(apply_topics(settings.kafka.brokers))
    return done + prepare_database(settings.postgres.dsn.get_secret_value())


def prepare_database(dsn: str) -> list[str]:
    """Apply missing migrations, and store the starter types that the centre does not have yet."""
    with connect(dsn, autocommit=True) as connection:
        applied = migrate(connection)
        done = [f"applied {name}" for name in applied]
        if applied and not has_timescaledb(connection):
            done.append("TimescaleDB is not installed on this server: plain partitioned tables are used")
    with connect(dsn) as connection:
        registry = Registry(connection, by="ioc db migrate")
        for raw in yaml.safe_load((resources.files("devices") / "types.yaml").read_text()):
            if registry.find(Kind.TYPE, raw["id"]) is None:
                registry.put(document_of("type", raw))
                done.append(f"stored type {raw['id']}")
    return done
