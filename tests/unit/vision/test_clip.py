"""Film and clips: what is kept of a camera's pictures, for how long, and the MP4 that is made of it."""

from __future__ import annotations

import io
from zoneinfo import ZoneInfo

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Camera
from pipeline.core.errors import ConfigError
from vision.clip import Clip, clip
from vision.clips import Wanted, chosen, zone_of
from vision.film import BUSY_MS, KEEP_MS, QUIET_MS, Film, Shot, reduced
from vision.picture import Box, Image, Picture

UTC = ZoneInfo("UTC")
STRIPES = np.zeros((240, 320, 3), np.uint8)
STRIPES[:, ::4] = STRIPES[:, 1::4] = 255
PERSON = Box(100, 60, 40, 100)


def shots(count: int, people: tuple[Box, ...] | None = (), apart_ms: int = 200) -> list[Shot]:
    film = Film()
    for n in range(count):
        film.take(Picture(STRIPES, 1_700_000_000_000 + n * apart_ms), people)
    return film.cut(0, 2**62)


def frames(mp4: bytes) -> list[tuple[float, Image]]:
    with av.open(io.BytesIO(mp4)) as video:
        return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in video.decode(video=0)]


def test_a_clip_is_h264_in_mp4_with_the_times_of_its_pictures() -> None:
    made = clip("cam", shots(50), UTC)
    with av.open(io.BytesIO(made.mp4)) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 320, 240)
        assert stream.codec_context.pix_fmt == "yuv420p"  # what every browser plays
    assert [round(at, 3) for at, _ in frames(made.mp4)] == [n / 5 for n in range(50)]
    assert (made.since, made.until) == (1_700_000_000_000, 1_700_000_010_000)
    assert made.mp4.index(b"moov") < made.mp4.index(b"mdat")


def test_people_are_blurred_in_the_clip_and_clear_in_the_other_one() -> None:
    made = clip("cam", shots(10, (PERSON,)), UTC)
    (_, hidden), (_, clear) = frames(made.mp4)[5], frames(made.clear)[5]
    person = (slice(60, 160), slice(100, 140))
    assert hidden[person].std() < 25
    assert clear[person].std() > 90
    assert hidden[20:200, 200:300].std() > 90
    assert made.digest != Clip("cam", 0, 0, made.clear).digest


def test_somebody_whom_the_detector_misses_in_one_picture_is_blurred_there_too() -> None:
    found = shots(10, (PERSON,))
    found[5] = found[5]._replace(people=())
    _, image = frames(clip("cam", found, UTC).mp4)[5]
    assert image[60:160, 100:140].std() < 25


def test_pictures_in_which_nobody_looked_are_blurred_as_a_whole() -> None:
    made = clip("cam", shots(5, None), UTC)
    assert all(image[:200].std() < 25 for _, image in frames(made.mp4))
    assert frames(made.clear)[2][1][:200].std() > 90


def test_without_people_there_is_one_clip() -> None:
    assert clip("cam", shots(5), UTC).clear == b""


def test_a_clip_of_a_single_picture_can_be_played() -> None:
    assert len(frames(clip("cam", shots(1), UTC).mp4)) == 1


def test_a_clip_goes_on_where_the_pictures_change_their_size_for_the_alert_may_come_after() -> None:
    film = Film()
    film.take(Picture(STRIPES, 1000), ())
    film.take(Picture(np.full((120, 200, 3), 200, np.uint8), 1200), ())
    made = frames(clip("cam", film.cut(0, 9999), UTC).mp4)
    assert [(round(at, 1), image.shape) for at, image in made] == [(0.0, STRIPES.shape), (0.2, STRIPES.shape)]
    assert made[1][1][:200].mean() == pytest.approx(200, abs=5)


def test_a_busy_camera_is_filmed_five_times_a_second_and_a_quiet_one_once() -> None:
    def kept(busy: bool) -> int:
        film = Film()
        for at in range(0, 10_000, 40):  # 25 pictures a second
            if film.due(at, busy=busy):
                film.add(Shot(at, b"x", ()))
        return len(film.cut(0, 10_000))

    assert BUSY_MS == 200
    assert QUIET_MS == 1000
    assert kept(busy=True) == pytest.approx(50, abs=1)
    assert kept(busy=False) == pytest.approx(10, abs=1)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 400)), max_size=200))
def test_a_film_holds_no_more_than_its_bytes_and_its_time(steps: list[tuple[int, int]]) -> None:
    film, at = Film(keep_ms=5000, max_bytes=1000), 0
    for step, size in steps:
        at += step
        film.add(Shot(at, bytes(size), ()))
        held = film.cut(0, at)
        assert film.bytes == sum(len(shot.jpeg) for shot in held) <= 1000
        assert held[-1].at == at
        assert all(at - shot.at <= 5000 for shot in held)


def test_what_is_let_go_before_its_time_is_counted() -> None:
    film = Film(max_bytes=100)
    for at in range(5):
        film.add(Shot(at, bytes(30), ()))
    assert (film.cut_short, len(film.cut(0, 9))) == (2, 3)


def test_a_camera_that_is_gone_leaves_no_film_behind() -> None:
    film = Film()
    film.add(Shot(1000, bytes(30), ()))
    film.expire(1000 + 2 * KEEP_MS)
    assert film.bytes == 30
    film.expire(1001 + 2 * KEEP_MS)
    assert (film.bytes, film.newest) == (0, None)


def test_a_clock_that_went_back_begins_a_new_film() -> None:
    film = Film()
    film.add(Shot(5000, bytes(30), ()))
    assert film.due(1000, busy=False)
    film.add(Shot(1000, bytes(20), ()))
    assert ([shot.at for shot in film.cut(0, 9999)], film.bytes) == ([1000], 20)


def test_film_is_at_most_640_wide_and_boxes_shrink_with_it() -> None:
    image, factor = reduced(np.zeros((1081, 1921, 3), np.uint8))
    assert (image.shape, round(factor, 4)) == ((360, 640, 3), 0.3332)
    film = Film()
    film.take(Picture(np.zeros((720, 1280, 3), np.uint8), 1), [Box(100, 200, 300, 400)])
    assert film.cut(0, 9)[0].people == (Box(50, 100, 150, 200),)


def test_of_an_alert_the_newest_operand_of_each_camera_here_makes_a_clip() -> None:
    films = {"cam-1": Film(), "cam-2.north": Film()}
    rows = [("a", "cam-1", 10), ("a", "cam-1", 30), ("a", "cam-1.gate", 20), ("a", "elsewhere", 99)]
    rows += [("b", "cam-2.north.yard", 5), ("b", "cam-2", 7), ("c", "", 1)]
    assert chosen(rows, films) == [Wanted("a", "cam-1", 30), Wanted("b", "cam-2.north", 5)]


def test_a_camera_may_stand_in_another_time_zone() -> None:
    camera = Camera(id="cam", site="s", url="rtsp://127.0.0.1/", attributes={"timezone": "Asia/Tokyo"})
    assert zone_of(camera, UTC) == ZoneInfo("Asia/Tokyo")
    with pytest.raises(ConfigError, match=r"camera\.attributes\.timezone: Mars/Olympus is no time zone"):
        zone_of(Camera(id="cam", site="s", url="rtsp://127.0.0.1/", attributes={"timezone": "Mars/Olympus"}), UTC)
