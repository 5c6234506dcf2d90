"""Fixtures of the whole suite."""

from __future__ import annotations

import asyncio
import os

import pytest

from pipeline.core.broker import apply_topics


@pytest.fixture(scope="session")
def kafka_brokers() -> str:
    """Address of the real Kafka of this run."""
    brokers = os.environ["IOC_TEST_KAFKA"]
    asyncio.run(apply_topics(brokers))
    return brokers
