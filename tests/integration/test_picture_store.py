"""Pictures and logins on the real database, also while it is gone."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit

import av
import numpy as np
import psycopg
import pytest
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera
from pipeline.core.clock import now_ms
from pipeline.core.events import CameraState
from pipeline.core.telemetry import Component
from sinks import queries
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy
from vision import retention, store
from vision.address import Login
from vision.clip import Clip
from vision.clips import CLIPS, Clips
from vision.clips import keep as keep_clip
from vision.evidence import Evidence
from vision.picture import Box, Picture, Seen
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


def alert_of(connection: store.Connection, id_: str, *operands: dict[str, Any]) -> None:
    """An alert as the sink stores it, made of these operands; closed, so that no other test has it in its list."""
    body = {"alert": id_, "why": {"operands": list(operands)}}
    connection.execute(
        "insert into ioc.alert values (%s, %s, 'r', 1, 'major', false, true, true, now(), now(), %s)",
        [id_, id_, json.dumps(body)],
    )


def filmed(clips: Clips, camera: str, since: int, seconds: int) -> None:
    witness = clips.witness(Camera(id=camera, site="s", url="rtsp://127.0.0.1/"), ["person"])
    for at in range(since, since + seconds * 1000, 200):
        picture = Picture(np.full((120, 160, 3), 90, np.uint8), at)
        witness.note(picture, [Seen(Box(20, 20, 30, 60), "person", 0.9)])
        witness.look(picture, busy=True)


def clips_of(connection: store.Connection, alert: str) -> list[Any]:
    query = (
        "select c.digest, c.camera, (extract(epoch from since) * 1000)::bigint, "
        "(extract(epoch from until) * 1000)::bigint, mp4, clear from ioc.alert_clip l join ioc.clip c using (digest) "
        "where l.alert = %s order by c.since"
    )
    return connection.execute(query, [alert]).fetchall()


def test_an_alert_of_a_camera_gets_a_clip_of_five_seconds_before_and_after(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    now = now_ms()
    clips = Clips(stack.postgres_dsn, UTC)
    filmed(clips, camera, now - 40_000, 30)
    alert_of(connection, camera, {"device": f"{camera}.yard", "at": now - 20_000, "value": 9})
    clips.serve(connection)
    ((digest, of, since, until, mp4, clear),) = clips_of(connection, camera)
    assert digest == f"sha256:{hashlib.sha256(mp4).hexdigest()}"
    assert of == camera
    assert abs(since - (now - 25_000)) <= 200
    assert abs(until - (now - 15_000)) <= 200
    with av.open(io.BytesIO(mp4)) as hidden, av.open(io.BytesIO(clear)) as open_:
        assert len(list(hidden.decode(video=0))) == len(list(open_.decode(video=0))) == pytest.approx(51, abs=1)
    clips.serve(connection)
    assert len(clips_of(connection, camera)) == 1


def test_a_clip_waits_for_its_last_pictures_and_is_made_without_them_when_the_camera_died(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    now = now_ms()
    late = [now]
    clips = Clips(stack.postgres_dsn, UTC, lambda: late[0])
    filmed(clips, camera, now - 10_000, 11)
    alert_of(connection, camera, {"device": camera, "at": now, "evidence": "sha256:0"})
    clips.serve(connection)
    assert clips_of(connection, camera) == []
    late[0] = now + 8000
    clips.serve(connection)
    ((_, _, _, until, *_),) = clips_of(connection, camera)
    assert until <= now + 1200


def test_an_alert_that_came_after_the_film_was_over_is_counted_and_left(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    clips = Clips(stack.postgres_dsn, UTC)
    filmed(clips, camera, now_ms() - 20_000, 5)
    alert_of(connection, camera, {"device": camera, "at": now_ms() - 3_600_000})
    before = CLIPS.labels("no_film")._value.get()
    clips.serve(connection)
    clips.serve(connection)
    assert CLIPS.labels("no_film")._value.get() == before + 1
    assert clips_of(connection, camera) == []


async def test_the_thread_finds_alerts_by_itself_and_goes_on_after_the_database_was_away(
    stack: StackUnderTest, line: MisbehavingProxy, connection: store.Connection, camera: str
) -> None:
    clips = Clips(through(stack, line), UTC)
    now = now_ms()
    filmed(clips, camera, now - 20_000, 20)
    line.refuse()
    clips.start()
    try:
        alert_of(connection, camera, {"device": camera, "at": now - 10_000})
        before = CLIPS.labels("store_down")._value.get()

        async def refused() -> bool:
            return bool(CLIPS.labels("store_down")._value.get() > before)

        await eventually(refused, 10)
        line.ok()

        async def there() -> list[Any]:
            return clips_of(connection, camera)

        await eventually(there, 15)
    finally:
        clips.stop()


def test_every_camera_of_an_alert_gets_its_clip_though_they_are_done_at_different_times(
    stack: StackUnderTest, connection: store.Connection, camera: str
) -> None:
    """The second one's id begins with the first one's, as a zone's would; it belongs to another process."""
    now, other = now_ms(), f"{camera}.gate"
    here, there = Clips(stack.postgres_dsn, UTC), Clips(stack.postgres_dsn, UTC)
    filmed(here, camera, now - 20_000, 20)
    filmed(there, other, now - 20_000, 18)
    alert_of(connection, camera, {"device": camera, "at": now - 9000}, {"device": other, "at": now - 6000})
    for clips in (here, there, here):
        clips.serve(connection)
    assert [row[1] for row in clips_of(connection, camera)] == [camera]
    filmed(there, other, now - 2000, 5)
    there.serve(connection)
    assert [row[1] for row in clips_of(connection, camera)] == [camera, other]


async def test_a_folder_that_cannot_be_written_costs_a_clip_and_not_the_thread(
    stack: StackUnderTest, connection: store.Connection, camera: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, now = Clips(stack.postgres_dsn, UTC), now_ms()
    filmed(clips, camera, now - 20_000, 20)
    alert_of(connection, f"{camera}-1", {"device": camera, "at": now - 10_000})
    failed = CLIPS.labels("failed")._value
    before = failed.get()

    async def one_failed() -> bool:
        return bool(failed.get() == before + 1)

    async def there() -> list[Any]:
        return clips_of(connection, f"{camera}-2")

    with monkeypatch.context() as full:
        full.setattr(tempfile, "tempdir", "/nowhere")
        clips.start()
        await eventually(one_failed, 10)
    try:
        alert_of(connection, f"{camera}-2", {"device": camera, "at": now - 10_000})
        await eventually(there, 10)
    finally:
        clips.stop()
    assert clips_of(connection, f"{camera}-1") == []


async def test_whatever_goes_wrong_with_clips_is_counted_and_the_thread_goes_on(
    stack: StackUnderTest, connection: store.Connection, camera: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips, now = Clips(stack.postgres_dsn, UTC), now_ms()
    filmed(clips, camera, now - 20_000, 20)
    alert_of(connection, camera, {"device": camera, "at": now - 10_000})
    broken, serve = CLIPS.labels("broken")._value, clips.serve
    before = broken.get()
    monkeypatch.setattr(clips, "serve", lambda connection: serve(connection) if broken.get() > before else 1 / 0)
    clips.start()

    async def there() -> list[Any]:
        return clips_of(connection, camera)

    try:
        await eventually(there, 10)
    finally:
        clips.stop()
    assert broken.get() == before + 1


def test_retention_deletes_old_clips_with_their_links_and_the_record_of_who_looked(
    connection: store.Connection, camera: str
) -> None:
    now = now_ms()
    for age_days in (29, 31):
        end = now - age_days * DAY_MS
        keep_clip(connection, f"{camera}-{age_days}", Clip(camera, end - 9000, end, f"{camera}{age_days}".encode()))
    opened = "insert into ioc.evidence_opened values (to_timestamp(%s / 1000.0), %s, 'operator', 'd', 'c')"
    for age_days in (729, 731):
        connection.execute(opened, [now - age_days * DAY_MS, camera])
    retention.retain(connection, 30, now)
    assert [len(clips_of(connection, f"{camera}-{age}")) for age in (29, 31)] == [1, 0]
    links = connection.execute("select count(*) from ioc.alert_clip where camera = %s", [camera]).fetchone()
    left = connection.execute("select count(*) from ioc.evidence_opened where person = %s", [camera]).fetchone()
    assert (links, left) == ((1,), (1,))


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
