"""What a process knew of a camera's view is what the next one goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from pipeline.core.clock import now_ms
from pipeline.core.events import Edge, TamperKind
from tests.unit.vision.test_tamper import covered, said, timed
from vision import retention, store
from vision.picture import Image
from vision.tamper import Tamper
from vision.views import SAVE_MS, Views

pytestmark = [pytest.mark.stack, pytest.mark.timeout(60)]
NOW = 1_795_230_000
"""Seconds; what the cameras' clocks say."""
Pictures = Iterable[tuple[int, Image]]


def views(seconds: Callable[[], int] = lambda: NOW) -> Views:
    return Views(lambda: seconds() * 1000)


def clear(since: int, count: int) -> Pictures:
    return timed(NOW + since, count)


def hidden(since: int, count: int) -> Pictures:
    return timed(NOW + since, count, covered(1))


def a_process(connection: store.Connection, camera: str, *pictures: Pictures, view: str = "street") -> list[Tamper]:
    """A process that begins to follow the camera, sees these pictures, and is killed."""
    process = views()
    watch = process.of(camera)
    watch.watch(view)
    process.serve(connection)
    found = []
    for some in pictures:
        found += said(watch, some)
        process.serve(connection)
    return found


def test_a_process_that_starts_before_a_covered_lens_says_when_it_is_clear(
    connection: store.Connection, camera: str
) -> None:
    (begun,) = a_process(connection, camera, clear(0, 15), hidden(15, 15))
    (ended,) = a_process(connection, camera, hidden(40, 30), clear(70, 15))
    assert (begun.kind, begun.edge, ended.kind, ended.edge) == (begun.kind, Edge.BEGIN, begun.kind, Edge.END)
    assert ended.at <= (NOW + 80) * 1000
    assert a_process(connection, camera, clear(90, 30)) == []


def test_a_lens_that_is_covered_while_no_process_looks_is_found(connection: store.Connection, camera: str) -> None:
    a_process(connection, camera, clear(0, 15))
    (begun,) = a_process(connection, camera, hidden(60, 15))
    assert (begun.kind, begun.edge) == (TamperKind.COVERED, Edge.BEGIN)


def test_a_view_that_was_accepted_between_two_processes_ends_what_was_said(
    connection: store.Connection, camera: str
) -> None:
    (begun,) = a_process(connection, camera, clear(0, 15), hidden(15, 15))
    found = a_process(connection, camera, hidden(40, 30), view="street 2")
    assert found == [Tamper(begun.kind, Edge.END, (NOW + 40) * 1000)]


def test_an_old_scene_is_left_for_its_light_may_be_another_but_what_was_said_of_one_is_not(
    connection: store.Connection, camera: str
) -> None:
    a_process(connection, camera, clear(0, 15))
    a_process(connection, f"{camera}-covered", clear(0, 15), hidden(15, 15))
    age = "update ioc.camera_view set written = written - interval '11 minutes' where camera like %s"
    connection.execute(age, [f"{camera}%"])
    assert a_process(connection, camera, hidden(700, 30)) == []
    assert [each.edge for each in a_process(connection, f"{camera}-covered", clear(700, 15))] == [Edge.END]


def test_what_is_known_is_written_once_a_minute_and_when_something_else_is_said(
    connection: store.Connection, camera: str
) -> None:
    process = views()
    watch = process.of(camera)
    process.serve(connection)
    at = "select xmin::text::bigint from ioc.camera_view where camera = %s"
    written = []
    for second in range(SAVE_MS // 1000 + 15):
        said(watch, timed(NOW + second, 1))
        process.serve(connection)
        written.append(connection.execute(at, [camera]).fetchone())
    assert len(set(written) - {None}) == 2  # once it is learned, and a minute later
    said(watch, hidden(80, 15))
    process.serve(connection)
    assert connection.execute(at, [camera]).fetchone() not in written


def test_a_camera_that_comes_back_after_hours_learns_its_view_anew(connection: store.Connection, camera: str) -> None:
    now = [NOW]
    process = views(lambda: now[0])
    assert said(process.of(camera), clear(0, 15)) == []
    now[0] = NOW + 20
    assert process.of(camera) is process.of(camera)
    now[0] = NOW + 20_000
    assert said(process.of(camera), hidden(20_000, 15)) == []
    now[0] = NOW + 200_000
    process.serve(connection)
    process.serve(connection)
    assert process._watches == {}


def test_views_of_cameras_that_nobody_follows_go_after_a_day(connection: store.Connection, camera: str) -> None:
    a_process(connection, camera, clear(0, 15))
    connection.execute("update ioc.camera_view set written = written - interval '25 hours' where camera = %s", [camera])
    retention.retain(connection, 30, now_ms())
    assert connection.execute("select 1 from ioc.camera_view where camera = %s", [camera]).fetchone() is None
