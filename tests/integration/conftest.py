"""The database that pictures lie in, near and behind a line that can be cut; a camera of the test's own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import StackUnderTest
from tests.misbehaving_proxy import MisbehavingProxy
from vision import store


@pytest.fixture
def camera() -> str:
    return f"c{uuid.uuid4().hex[:8]}"


@pytest.fixture
def connection(stack: StackUnderTest) -> Iterator[store.Connection]:
    with store.connect(stack.postgres_dsn) as opened:
        yield opened


@pytest.fixture
def line(stack: StackUnderTest) -> Iterator[MisbehavingProxy]:
    with MisbehavingProxy(urlsplit(stack.postgres_dsn).port or 0) as proxy:
        yield proxy


def through(stack: StackUnderTest, line: MisbehavingProxy) -> str:
    return stack.postgres_dsn.replace(f":{urlsplit(stack.postgres_dsn).port}/", f":{line.port}/")
