"""Between pictures pass real seconds, whatever the camera's clock says and whenever it says it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.events import CameraState, DetectionEvent
from tests.unit.vision.street import PERSON, SIZE, Mover, Street, by_points, ms
from tests.unit.vision.test_scenes import lane, platoon
from tests.unit.vision.watching import CAMERA, SQUARE, Heard
from vision.address import Address
from vision.analysis import Analysis
from vision.backends.opencv import OpenCvStream, Taken
from vision.capture import CaptureClock
from vision.picture import ClockSource, Image, Picture
from vision.reader import Reader, Timing
from vision.stream import Frame, Opening, StreamFault
from vision.timeline import Timeline

T0 = 1_795_230_000_000
FPS = 10
DELAY_MS = 120
OFFSETS = [-60, 0, 60, -1]
"""The camera's clock against ours, seconds."""
SHOWN = Taken(np.zeros((24, 32, 3), np.uint8))
"""What is in a picture says nothing of its time."""
STREET: Image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
Delay = Callable[[float], float]


def steady(_: float) -> float:
    return DELAY_MS


class Connection:
    """A connection from true second `begin` to `end`; after `report_s` the camera tells its clock, which is `off_s`."""

    codec, fps, broken, came = "h264", float(FPS), 0, 0
    key_frames_only = False
    clock_ahead_ms = None

    def __init__(self, begin: float, end: float, off_s: float, report_s: float = 5, delay: Delay = steady) -> None:
        self.begin, self._end, self._off_s, self._report_s, self._delay = begin, end, off_s, report_s, delay
        self._clock = CaptureClock()
        self.clock_jumped = False

    def stream_s(self, since: float) -> float:
        """What the stream says `since` seconds after its begin."""
        return since

    def frames(self) -> Iterator[Frame]:
        for number in range(round((self._end - self.begin) * FPS)):
            since = number / FPS
            arrived = T0 + ms(self.begin + since) + round(self._delay(since))
            start_us = (T0 + ms(self.begin + self._off_s)) * 1000 if since >= self._report_s else None
            stream_s = self.stream_s(since)
            at, clock = self._clock.of(start_us, stream_s, arrived)
            told = None if self._clock.jumped else stream_s
            yield Frame(SHOWN, at, clock, arrived, told, key=number % FPS == 0)
        raise StreamFault(CameraState.OFFLINE, "the camera ended the stream")


def read(monkeypatch: pytest.MonkeyPatch, *connections: Connection) -> list[Picture]:
    """All pictures that a reader takes of a camera's connections, one after the other."""
    left, over, told = list(connections), threading.Event(), list[Picture]()

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[Connection]:
        if not left:
            over.set()
            raise StreamFault(CameraState.OFFLINE, "nothing listens at this address")
        yield left.pop(0)

    monkeypatch.setattr("vision.reader.opened", opened)
    quick = Timing(pause_low_s=0.0, pause_high_s=0.0)
    reader = Reader("c", lambda: Address("rtsp://x/1"), FPS, told.append, timing=quick)
    reader.start()
    assert over.wait(30)
    reader.stop()
    return told


def taken_s(picture: Picture) -> float:
    """The true second at which a picture was taken, whose line has the steady delay."""
    return (picture.arrived - T0 - DELAY_MS) / 1000


class Moment(NamedTuple):
    """What the timeline told of a frame: when it was taken in truth, ms, its time, and whose clock that is."""

    true: int
    at: int
    clock: ClockSource


def told_of(*connections: Connection) -> list[Moment]:
    timeline, moments = Timeline(), list[Moment]()
    for connection in connections:
        timeline.connected()
        with suppress(StreamFault):
            for number, frame in enumerate(connection.frames()):
                told = timeline.of(frame)
                if told is not None:
                    moments.append(Moment(T0 + ms(connection.begin + number / FPS), *told))
    return moments


def even(moments: list[Moment]) -> bool:
    """Whether between any two of them passed what passed in truth, to a fiftieth and the millisecond of rounding."""
    return all(abs((b.at - a.at) - (b.true - a.true)) <= 0.02 * (b.true - a.true) + 1 for a, b in pairwise(moments))


def watched(told: list[Picture], street: Street, *zones: Zone) -> Heard:
    """All that is said of a street by the times told; each picture shows the street when it was truly taken."""
    camera = Camera(id="c", site="s", url="u", frame_size=SIZE, calibration=CAMERA.calibration(), zones=zones)
    analysis, heard = Analysis(camera, 7), Heard([], [])
    for picture in told:
        said = analysis.update(street.seen(taken_s(picture)), picture._replace(image=STREET)).said
        heard.findings.extend(said.findings)
        heard.measures.extend(said.measures)
    said = analysis.end()
    return Heard(heard.findings + said.findings, heard.measures + said.measures)


def whole(off_s: float) -> list[Connection]:
    return [Connection(0, 90, off_s)]


def broken_off(off_s: float) -> list[Connection]:
    """The line is lost for a second half-way; the camera tells its clock at once the second time."""
    return [Connection(0, 30, off_s), Connection(31, 90, off_s, report_s=0)]


WAYS = pytest.mark.parametrize("connections", [whole, broken_off], ids=["one connection", "two"])


@WAYS
@pytest.mark.parametrize("off_s", OFFSETS)
def test_cars_at_36_are_told_at_36_and_nobody_speeds(
    monkeypatch: pytest.MonkeyPatch, off_s: float, connections: Callable[[float], list[Connection]]
) -> None:
    told = read(monkeypatch, *connections(off_s))
    heard = watched(told, platoon(*[36.0] * 20, every_s=3), lane(speed_limit_kmh=50))
    speeds = heard.values("vehicle_speed")
    assert len(speeds) >= 18  # one or two are on the way while the line is lost
    assert speeds == [pytest.approx(36, rel=0.04)] * len(speeds)
    assert set(heard.values("speeding_share")) == {0.0}


@WAYS
@pytest.mark.parametrize("off_s", OFFSETS)
def test_a_person_who_stays_for_forty_seconds_dwells_from_the_tenth_to_the_fortieth(
    monkeypatch: pytest.MonkeyPatch, off_s: float, connections: Callable[[float], list[Connection]]
) -> None:
    visit = by_points((0, 0, 30), (10, 0, 24), (12, 0, 19), (48, 0, 19), (50, 0, 24), (60, 0, 30))  # in from 10 to 50
    zone = Zone(id="san", polygon=SQUARE, labels=("person",), dwell_s=10)
    heard = watched(read(monkeypatch, *connections(off_s)), Street([Mover(PERSON, visit)], CAMERA), zone)
    begin, end = heard.of(DetectionEvent.DWELL)
    assert (end.at - begin.at) / 1000 == pytest.approx(30, abs=0.8)


@pytest.mark.parametrize("report_s", [0, 0.5, 2.5, 5, 10])
@pytest.mark.parametrize("off_s", OFFSETS)
def test_real_seconds_pass_whenever_the_camera_tells_its_clock(off_s: float, report_s: float) -> None:
    one = told_of(Connection(0, 60, off_s, report_s))
    assert even(one)
    again = told_of(*(Connection(begin, begin + 58, off_s, report_s) for begin in (0, 60, 120, 180)))
    assert even(again)
    other = told_of(*(Connection(n * 60, n * 60 + 58, off_s, (report_s, 0)[n % 2]) for n in range(4)))
    assert even(other)


@pytest.mark.parametrize("off_s", [-1, 0, 1])
def test_a_camera_s_clock_that_agrees_is_the_time_in_the_end_and_is_named(off_s: float) -> None:
    moments = told_of(Connection(0, 90, off_s))
    # told after 5 s, off by 1120, 120 or 880 ms with the delay; but for 100 ms made up at 20 ms a second: 51, 1, 39 s
    named_s = {-1: 56, 0: 6, 1: 44}[round(off_s)]
    assert {each.clock for each in moments if each.true < T0 + named_s * 1000 - 200} == {"arrival"}
    assert {each.clock for each in moments if each.true > T0 + named_s * 1000 + 200} == {"rtcp"}
    assert {each.at - each.true for each in moments if each.true > T0 + 62_000} == {off_s * 1000}


@pytest.mark.parametrize("off_s", [-60, 60])
def test_a_clock_that_is_a_minute_off_is_the_time_from_the_first_picture_on_or_not_at_all(off_s: float) -> None:
    late = told_of(Connection(0, 60, off_s))
    assert {(each.at - each.true, each.clock) for each in late} == {(DELAY_MS, "arrival")}
    at_once = told_of(Connection(0, 60, off_s, report_s=0))
    assert {(each.at - each.true, each.clock) for each in at_once} == {(off_s * 1000, "rtcp")}


def test_a_camera_s_clock_is_remembered_over_a_connection_that_is_late_to_tell_it() -> None:
    moments = told_of(Connection(0, 30, 60, report_s=0), Connection(31, 60, 60))
    assert {each.at - each.true for each in moments} == {60_000}
    late = {each.true for each in moments if each.clock == "arrival"}
    assert (min(late), max(late)) == (T0 + 31_100, T0 + 35_900)


def test_a_clock_that_is_not_told_any_more_is_forgotten_after_half_a_minute() -> None:
    moments = told_of(Connection(0, 30, -1, report_s=0), Connection(31, 200, -1, report_s=math.inf))
    assert {each.clock for each in moments if each.true < T0 + 30_000} == {"rtcp"}
    assert {each.clock for each in moments if each.true > T0 + 30_000} == {"arrival"}
    assert {each.at - each.true for each in moments if each.true < T0 + 61_000} == {-1000}
    assert moments[-1].at - moments[-1].true == DELAY_MS  # 1.12 s at a fiftieth: 56 s
    assert even(moments)


def test_a_clock_that_was_set_right_by_a_minute_is_come_back_to_at_a_fiftieth_of_time() -> None:
    moments = told_of(Connection(0, 30, 60, report_s=0), Connection(31, 3131, 0, report_s=0))
    assert even(moments)
    assert moments[-1].clock == "rtcp"
    assert moments[-1].at == moments[-1].true  # 60 s at a fiftieth: 50 minutes


@pytest.mark.parametrize("report_s", [0, 5, math.inf])
def test_a_line_that_stalls_and_catches_up_changes_no_time_between_pictures(report_s: float) -> None:
    moments = told_of(Connection(0, 60, 0, report_s, lambda since: max(DELAY_MS, 38_000 - since * 1000)
                                 if 30 <= since < 38 else DELAY_MS))  # fmt: skip
    assert even(moments)


@pytest.mark.parametrize("report_s", [0, 5, math.inf])
def test_what_the_camera_had_kept_back_is_not_told_and_makes_no_time_of_the_future(report_s: float) -> None:
    # the first 3 s of pictures come in one burst
    moments = told_of(Connection(0, 60, 0, report_s, lambda since: max(DELAY_MS, 3000 - since * 1000)))
    assert even(moments)
    assert moments[0].true <= T0 + 3100
    assert {each.at - each.true <= DELAY_MS for each in moments} == {True}


class Stepping(Connection):
    """After 30 s the camera sets its clock, and its stream's seconds with it, by `step`."""

    step = 0.0

    def stream_s(self, since: float) -> float:
        return since + (self.step if since >= 30 else 0)


@pytest.mark.parametrize("step", [-40, -3, 5, 60, 3600])
@pytest.mark.parametrize("off_s", [-60, 0, 60])
def test_a_camera_that_sets_its_clock_while_it_sends_changes_no_time_between_pictures(
    off_s: float, step: float
) -> None:
    connection = Stepping(0, 90, off_s, report_s=0)
    connection.step = step
    moments = told_of(connection, Connection(91, 150, off_s + step, report_s=0))
    assert even(moments)


def test_a_stream_that_runs_too_fast_gains_seven_seconds_at_most_however_often_it_is_opened() -> None:
    class Fast(Connection):
        def stream_s(self, since: float) -> float:
            return since * 2

    moments = told_of(*(Fast(begin, begin + 60, 0, math.inf) for begin in range(0, 1800, 61)))
    # its lateness is learned for 5 s, and 2 s more are a jump
    assert max(each.at - each.true for each in moments) <= DELAY_MS + 7_000
    assert [each.at for each in moments] == sorted({each.at for each in moments})


def test_a_stream_that_does_not_say_its_own_seconds_goes_by_arrival() -> None:
    timeline = Timeline()
    timeline.connected()
    told = [timeline.of(Frame(SHOWN, T0 + each, "arrival", T0 + each, None)) for each in (0, 100, 100, 250)]
    assert told == [(T0, "arrival"), (T0 + 100, "arrival"), (T0 + 101, "arrival"), (T0 + 250, "arrival")]


def test_a_reader_of_single_pictures_goes_over_to_the_camera_s_clock_at_once() -> None:
    timeline = Timeline(steps=True)
    timeline.connected()
    first = timeline.of(Frame(SHOWN, T0 + 120, "arrival", T0 + 120, 0.0, key=True))
    second = timeline.of(Frame(SHOWN, T0 + 1000, "rtcp", T0 + 1120, 1.0, key=True))
    assert (first, second) == ((T0 + 120, "arrival"), (T0 + 1000, "rtcp"))


class Capture:
    """An OpenCV capture whose stream says `rate` seconds for each of ours, ten pictures a second."""

    def __init__(self, rate: float) -> None:
        self.rate, self.number = rate, -1

    def read(self) -> tuple[bool, Image]:
        self.number += 1
        return self.number < 600, SHOWN.image()

    def get(self, wanted: int) -> float:
        return self.rate * self.number * 100 if wanted == cv2.CAP_PROP_POS_MSEC else 0.0

    def now(self) -> int:
        return T0 + self.number * 100


@pytest.mark.parametrize(("rate", "told"), [(1.0, 599), (3.0, 61), (0.0, 0)])
def test_seconds_that_opencv_guesses_wrongly_are_not_gone_by(rate: float, told: int) -> None:
    capture = Capture(rate)
    stream = OpenCvStream(capture, Opening(1, 1, capture.now))
    frames = list[Frame]()
    with suppress(StreamFault):
        frames.extend(stream.frames())
    # at three seconds a second it gains 0.2 s a picture: learned for 5 s, to picture 51; a jump after 2 s more, 61
    assert sum(frame.stream_s is not None for frame in frames) == told
    timeline = Timeline()
    timeline.connected()
    times = [found for frame in frames if (found := timeline.of(frame)) is not None]
    assert abs(times[-1][0] - T0 - 59_900) <= 2


def test_of_a_film_that_comes_faster_than_it_plays_every_frame_has_a_time() -> None:
    frames = [Frame(SHOWN, 0, "arrival", 1_000_000 + n, n / 5) for n in range(10)]
    live, film = Timeline(), Timeline(catching_up_s=0)
    assert [live.of(frame) for frame in frames] == [None] * 10
    told = [film.of(frame) for frame in frames]
    assert [at[0] - 1_000_000 for at in told if at] == [pytest.approx(200 * n, rel=0.03) for n in range(10)]
