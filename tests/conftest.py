"""Fixtures of the whole suite: one real local stack a run, started when the first test asks for it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pipeline.local.endpoints import Endpoints
from pipeline.local.stack import LocalStack

if TYPE_CHECKING:
    from tests.browser.centre import Centre

collect_ignore = ["yolo"]  # the extra has an environment of its own: `make test-yolo`


class StackUnderTest(NamedTuple):
    """Where the real services of this run are; `environment` makes `ioc` commands use them."""

    kafka_brokers: str
    postgres_dsn: str
    environment: dict[str, str]
    local: LocalStack
    endpoints: Endpoints


@pytest.fixture(scope="session")
def reachable_folder() -> Iterator[Path]:
    """A folder for stacks: pytest's own is closed to the user postgres."""
    with tempfile.TemporaryDirectory(prefix="ioc-test-", dir="/var/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def local_stack(reachable_folder: Path) -> Iterator[LocalStack]:
    """Kafka, mosquitto, PostgreSQL and the camera, ready and empty. A test that stops one starts it again."""
    local = LocalStack(reachable_folder / "stack", fast=True)
    with local.running():
        yield local


@pytest.fixture(scope="session")
def endpoints(local_stack: LocalStack) -> Endpoints:
    """Where the services of the run's stack answer."""
    return local_stack.endpoints


@pytest.fixture(scope="session")
def stack(local_stack: LocalStack, endpoints: Endpoints) -> StackUnderTest:
    """The real stack of this run, with topics and tables; settings read in this process find it."""
    from pipeline.config import load
    from pipeline.prepare import prepare

    environment = {"IOC__DATA": str(local_stack.folder.root)}
    os.environ.update(environment)
    prepare(load())
    return StackUnderTest(endpoints.kafka_brokers, endpoints.postgres_dsn, environment, local_stack, endpoints)


@pytest.fixture(scope="module")
def centre(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A running centre with a console, for the tests of one module."""
    from tests.browser.centre import Centre

    folder = tmp_path_factory.mktemp("centre")
    with Centre(stack.kafka_brokers, stack.postgres_dsn, stack.environment, folder).running() as running:
        yield running


@pytest.fixture(scope="session")
def kafka_brokers(stack: StackUnderTest) -> str:
    """Address of the run's Kafka, with every topic made."""
    return stack.kafka_brokers


@pytest.fixture(scope="session")
def nanodet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default detector's model, converted for this run from the fetched weights."""
    from pipeline.local import weights
    from vision.convert import convert

    target = tmp_path_factory.mktemp("model") / "nanodet.onnx"
    convert(weights.folder() / "nanodet.json", target)
    return target
