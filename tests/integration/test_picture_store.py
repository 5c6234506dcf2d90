"""Pictures and logins on the real database, also while it is gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry

from pipeline.core.clock import now_ms
from pipeline.core.events import CameraState
from pipeline.core.telemetry import Component
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy
from vision import store
from vision.address import Login
from vision.evidence import Evidence
from vision.store import Logins, PictureStore
from vision.stream import StreamFault

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
DAY_MS = 86_400_000


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


def stored(connection: store.Connection, camera: str) -> list[bytes]:
    rows = connection.execute("select jpeg from ioc.evidence where camera = %s order by at", [camera])
    return [row[0] for row in rows]


async def test_a_picture_is_kept_once_however_often_it_comes(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    component = Component("vision", CollectorRegistry())
    pictures = PictureStore(stack.postgres_dsn, component)
    pictures.start()

    async def kept() -> bool:
        return pictures.keep(Evidence(camera, 1, camera.encode()))

    await eventually(kept, 5)
    assert all([await kept() for _ in range(3)])
    pictures.stop()
    assert stored(connection, camera) == [camera.encode()]
    assert component.sent._value.get() == 4
    assert component.balance() == 0


async def test_a_database_that_went_away_costs_pictures_and_nothing_else(
    stack: StackUnderTest, line: MisbehavingProxy, connection: store.Connection, camera: str
) -> None:
    component = Component("vision", CollectorRegistry())
    pictures = PictureStore(through(stack, line), component)
    pictures.start()
    count = 0

    async def said(answer: bool) -> bool:
        nonlocal count
        count += 1
        return pictures.keep(Evidence(camera, count, f"{camera}{count}".encode())) is answer

    await eventually(lambda: said(True), 5)
    line.refuse()
    await eventually(lambda: said(False), 10, every_s=0.05)
    line.ok()
    await eventually(lambda: said(True), 10)
    pictures.stop()
    assert component.dropped.labels("store_down")._value.get() >= 1
    assert component.balance() == 0
    assert len(stored(connection, camera)) == component.sent._value.get()


def test_retention_deletes_what_is_older_and_nothing_else(connection: store.Connection, camera: str) -> None:
    now = now_ms()
    for age_days in (1, 29, 31):
        store.write(connection, store._KEEP, Evidence(camera, now - age_days * DAY_MS, f"{camera}{age_days}".encode()))
    assert store.retain(connection, 30, now) >= 1
    assert stored(connection, camera) == [f"{camera}29".encode(), f"{camera}1".encode()]


def test_a_login_is_found_by_its_name_and_still_known_without_the_database(
    stack: StackUnderTest, line: MisbehavingProxy, connection: store.Connection, camera: str
) -> None:
    connection.execute("insert into ioc.secret values (%s, 'admin', 'pw')", [camera])
    logins = Logins(through(stack, line))
    assert logins.find(camera) == Login("admin", "pw")
    line.refuse()
    assert logins.find(camera) == Login("admin", "pw")
    with pytest.raises(StreamFault, match="the database does not answer") as caught:
        logins.find("never-asked")
    assert caught.value.state is CameraState.OFFLINE


def test_a_login_that_is_not_there_is_unauthorised(stack: StackUnderTest) -> None:
    with pytest.raises(StreamFault, match="there is no secret named 'nobody'") as caught:
        Logins(stack.postgres_dsn).find("nobody")
    assert caught.value.state is CameraState.UNAUTHORISED


def test_a_still_is_written_only_while_its_camera_is_watched(connection: store.Connection, camera: str) -> None:
    store.write(connection, store._STILL, Evidence(camera, now_ms(), b"1"))
    connection.execute("insert into ioc.watch values (%s, now() + interval '1 minute')", [camera])
    store.write(connection, store._STILL, Evidence(camera, now_ms(), b"2"))
    store.write(connection, store._STILL, Evidence(camera, now_ms(), b"3"))
    connection.execute("update ioc.watch set until = now() - interval '1 second' where camera = %s", [camera])
    store.write(connection, store._STILL, Evidence(camera, now_ms(), b"4"))
    assert connection.execute("select jpeg from ioc.still where camera = %s", [camera]).fetchall() == [(b"3",)]
    assert camera not in store.watched(connection)
