"""Clips of alerts on the real database, also while it is gone."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from datetime import UTC
from typing import Any

import av
import numpy as np
import pytest

from pipeline.core.catalogue import Camera
from pipeline.core.clock import now_ms
from tests.conftest import StackUnderTest
from tests.integration.conftest import through
from tests.integration.log_harness import eventually
from tests.misbehaving_proxy import MisbehavingProxy
from vision import retention, store
from vision.clip import Clip
from vision.clips import CLIPS, Clips
from vision.clips import keep as keep_clip
from vision.picture import Box, Picture, Seen

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
DAY_MS = 86_400_000


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
