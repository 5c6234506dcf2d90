"""Fixtures of the whole suite: one real stack for the run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest


class StackUnderTest(NamedTuple):
    """Where the real services of this run are; `environment` makes `ioc` commands use them."""

    kafka_brokers: str
    postgres_dsn: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def stack() -> Iterator[StackUnderTest]:
    """The real stack of this run, with topics and tables."""
    import json
    from pathlib import Path

    from pipeline.config import load
    from pipeline.prepare import prepare

    found = json.loads(Path("/var/tmp/ioc-lead/stack.json").read_text())
    import os

    os.environ["IOC__DATA"] = "/var/tmp/ioc-lead"
    prepare(load())
    yield StackUnderTest(found["kafka"]["brokers"], found["postgres"]["dsn"], {"IOC__DATA": "/var/tmp/ioc-lead"})


@pytest.fixture(scope="session")
def kafka_brokers(stack: StackUnderTest) -> str:
    """Address of the real Kafka of this run."""
    return stack.kafka_brokers
