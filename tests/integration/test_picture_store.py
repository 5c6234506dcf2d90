"""Pictures and logins on the real database, also while it is gone."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from pipeline.core.clock import now_ms
from pipeline.core.events import CameraState
from pipeline.core.telemetry import Component
from sinks import queries
from tests.conftest import StackUnderTest
from tests.integration.conftest import through
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy
from vision import retention, store
from vision.address import Login
from vision.evidence import Evidence
from vision.store import Logins, PictureStore
from vision.stream import StreamFault

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
DAY_MS = 86_400_000


def stored(connection: store.Connection, camera: str) -> list[bytes]:
    rows = connection.execute("select jpeg from ioc.evidence where camera = %s order by at", [camera])
    return [row[0] for row in rows]


async def test_a_picture_is_kept_once_however_often_it_comes(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    component = Component("vision", CollectorRegistry())
    pictures = PictureStore(stack.postgres_dsn, component)
    pictures.start()
    at = now_ms()

    async def kept() -> bool:
        return pictures.keep(Evidence(camera, at, camera.encode()))

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
        return pictures.keep(Evidence(camera, now_ms(), f"{camera}{count}".encode())) is answer

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
    assert retention.retain(connection, 30, now) >= 1
    assert stored(connection, camera) == [f"{camera}29".encode(), f"{camera}1".encode()]


def of_a_month_ago(connection: store.Connection, camera: str, count: int) -> None:
    connection.execute(
        "insert into ioc.evidence (digest, camera, at, jpeg) select %(camera)s || n, %(camera)s, "
        "now() - interval '40 days' + make_interval(secs => n), n::text::bytea from generate_series(1, %(count)s) n",
        {"camera": camera, "count": count},
    )


def test_retention_takes_no_more_than_a_batch_at_a_time_the_oldest_first(
    connection: store.Connection, camera: str
) -> None:
    while retention.retain(connection, 30, now_ms()):
        pass
    of_a_month_ago(connection, camera, 5)
    left = []
    while retention.retain(connection, 30, now_ms(), 2):
        left.append(stored(connection, camera))
    assert left == [[b"3", b"4", b"5"], [b"5"], []]


async def test_old_pictures_go_batch_by_batch_while_new_ones_come(
    stack: StackUnderTest, connection: store.Connection, camera: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "EVERY_S", 0.0)
    of_a_month_ago(connection, camera, 450)
    component = Component("vision", CollectorRegistry())
    pictures = PictureStore(stack.postgres_dsn, component)
    pictures.start()

    async def only_new_ones() -> bool:
        pictures.keep(Evidence(camera, now_ms(), f"{camera}{now_ms()}".encode()))
        return bool(len(stored(connection, camera)) == component.sent._value.get() > 0)

    await eventually(only_new_ones, 20)
    pictures.stop()
    assert component.dropped.labels("store_slow")._value.get() == 0


async def test_retention_that_takes_too_long_costs_no_picture_and_is_not_tried_again_at_once(
    stack: StackUnderTest, connection: store.Connection, camera: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_a_month_ago(connection, camera, 3)
    connection.execute(
        "create function ioc.slowly() returns trigger language plpgsql as "
        "'begin perform pg_sleep(5); return old; end'; "
        "create trigger slowly before delete on ioc.evidence for each row execute function ioc.slowly()"
    )
    monkeypatch.setattr(store, "_LIMITS", "-c statement_timeout=300")
    component = Component("vision", CollectorRegistry())
    pictures = PictureStore(stack.postgres_dsn, component)
    before = retention.FAILURES._value.get()
    pictures.start()
    try:

        async def kept() -> bool:
            return pictures.keep(Evidence(camera, now_ms(), f"{camera}{now_ms()}".encode()))

        await eventually(kept, 5)
        down = component.dropped.labels("store_down")._value.get()

        async def stored_later() -> bool:
            enough = len(stored(connection, camera)) >= 23
            return await kept() and enough and bool(retention.FAILURES._value.get() > before)

        await eventually(stored_later, 20)
    finally:
        pictures.stop()
        connection.execute("drop function ioc.slowly cascade")
        connection.execute("delete from ioc.evidence where camera = %s", [camera])
    assert retention.FAILURES._value.get() == before + 1
    assert component.dropped.labels("store_down")._value.get() == down
    assert component.balance() == 0


def test_the_clear_picture_lies_beside_the_blurred_one(connection: store.Connection, camera: str) -> None:
    hidden, clear = f"{camera} blurred".encode(), f"{camera} clear".encode()
    for made in (Evidence(camera, now_ms(), hidden, clear), Evidence(camera, now_ms() + 1, camera.encode())):
        store.write(connection, store._KEEP, made)
    query = "select digest, clear, clear_digest from ioc.evidence where camera = %s order by at"
    first, second = connection.execute(query, [camera]).fetchall()
    names = [f"sha256:{hashlib.sha256(content).hexdigest()}" for content in (hidden, clear)]
    assert first == (names[0], clear, names[1])
    assert second[1:] == (None, None)


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


@pytest.mark.parametrize("behind_s", [0, 15, 120, -120])
async def test_a_still_is_shown_while_it_is_fresh_whatever_the_camera_s_clock_says(
    stack: StackUnderTest, connection: store.Connection, camera: str, behind_s: int
) -> None:
    connection.execute("insert into ioc.watch values (%s, now() + interval '1 minute')", [camera])
    at = now_ms() - behind_s * 1000
    for second in range(2):
        store.write(connection, store._STILL, Evidence(camera, at + second, b"jpeg"))
        aged = "update ioc.still set written = now() - make_interval(secs => %s) where camera = %s"
        async with await psycopg.AsyncConnection.connect(stack.postgres_dsn, autocommit=True) as reader:
            assert await queries.still(reader, camera, 10) == (at + second, queries.Copies(b"jpeg", b""))
            await reader.execute(aged, [11, camera])
            assert await queries.still(reader, camera, 10) is None


def test_a_still_that_was_not_written_for_a_day_is_deleted(connection: store.Connection, camera: str) -> None:
    written = "insert into ioc.still (camera, at, jpeg, written) values (%s, to_timestamp(0), '', now() - %s)"
    for name, age in ((f"{camera}-old", timedelta(hours=25)), (f"{camera}-new", timedelta(hours=23))):
        connection.execute(written, [name, age])
    retention.retain(connection, 30, now_ms())
    left = connection.execute("select camera from ioc.still where camera like %s", [f"{camera}-%"]).fetchall()
    assert left == [(f"{camera}-new",)]
