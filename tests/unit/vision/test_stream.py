"""Addresses keep their secrets, faults keep none, and a frame's time is the camera's where it can be trusted."""

from __future__ import annotations

import traceback

import av.error
import numpy as np
import pytest

from pipeline.core.events import CameraState
from vision.address import Address, Login
from vision.backends.opencv import Taken
from vision.backends.pyav import fault_of
from vision.capture import CLOCK_TRUSTED_MS, moment
from vision.reader import is_leftover
from vision.stream import BACKENDS, Frame, StreamFault, opened

PASSWORD = "s3cret/p@ss:word"
NOW = 1_795_230_000_000


def test_a_login_shows_itself_in_no_text_form() -> None:
    address = Address("rtsp://cam.example/1", Login("admin", PASSWORD))
    for text in (str(address), repr(address), f"{address.login}", repr([address.login])):
        assert "s3cret" not in text
        assert "admin" not in text


def test_the_opened_url_has_user_and_password_percent_encoded() -> None:
    # RFC 3986, section 2.1: "/" is %2F, "@" is %40, ":" is %3A
    opened_url = Address("rtsp://cam.example:554/1", Login("ad min", PASSWORD)).opened()
    assert opened_url == "rtsp://ad%20min:s3cret%2Fp%40ss%3Aword@cam.example:554/1"
    assert Address("rtsp://cam.example/1").opened() == "rtsp://cam.example/1"


def test_a_typed_url_is_split_into_its_public_part_and_its_login() -> None:
    url = "rtsp://ad%20min:s3cret%2Fp%40ss%3Aword@cam.example:554/1?a=b"
    assert Address.parse(url) == Address("rtsp://cam.example:554/1?a=b", Login("ad min", PASSWORD))
    assert Address.parse("rtsp://cam.example/1") == Address("rtsp://cam.example/1")


@pytest.mark.parametrize("password", ["p[x", "s3\u2100", "a]b", "@@", "50%"])
def test_a_password_that_no_url_may_have_is_understood_all_the_same(password: str) -> None:
    assert Address.parse(f"rtsp://u:{password}@h:554/x") == Address("rtsp://h:554/x", Login("u", password))


@pytest.mark.parametrize("password", ["s3#cret", "s3/cret", "s3?cret"])
def test_where_nobody_can_say_what_is_the_password_there_is_no_address(password: str) -> None:
    assert Address.parse(f"rtsp://admin:{password}@10.0.0.7/x") == Address("")


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_login_that_would_be_cut_is_not_tried(backend: str) -> None:
    """127 bytes with the user's name and the colon are the most that libav keeps."""
    with pytest.raises(StreamFault, match="login is longer"):
        opened(Address("rtsp://127.0.0.1:9/1", Login("cam", "a" * 124)), open_s=2, read_s=1, backend=backend)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (av.error.HTTPUnauthorizedError, CameraState.UNAUTHORISED),
        (av.error.HTTPForbiddenError, CameraState.UNAUTHORISED),
        (av.error.HTTPNotFoundError, CameraState.OFFLINE),
        (av.error.HTTPOtherClientError, CameraState.OFFLINE),
        (av.error.ConnectionRefusedError, CameraState.OFFLINE),
        (av.error.InvalidDataError, CameraState.OFFLINE),
        (av.error.ExitError, CameraState.OFFLINE),
        (av.error.DecoderNotFoundError, CameraState.UNSUPPORTED),
        (av.error.OSError, CameraState.OFFLINE),
    ],
)
def test_faults_are_told_apart_and_lose_the_text_that_holds_the_url(
    kind: type[av.error.FFmpegError], state: CameraState
) -> None:
    fault = fault_of(kind(1, f"Server returned something: 'rtsp://admin:{PASSWORD}@cam/1'"))
    assert fault.state is state
    assert "s3cret" not in str(fault)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_fault_carries_no_cause_with_the_password(backend: str) -> None:
    address = Address("rtsp://127.0.0.1:9/1", Login("admin", PASSWORD))
    with pytest.raises(StreamFault) as caught, opened(address, open_s=2, read_s=1, backend=backend):
        pass
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


def test_a_kind_of_address_that_nobody_knows_is_unsupported() -> None:
    with pytest.raises(StreamFault) as caught, opened(Address("wibble://x/1"), open_s=2, read_s=1):
        pass
    assert caught.value.state is CameraState.UNSUPPORTED


def test_the_camera_s_clock_is_the_report_s_time_plus_the_stream_s() -> None:
    assert moment((NOW - 5000) * 1000, 4.9, NOW) == (NOW - 100, "rtcp")


def test_before_the_first_report_arrival_counts() -> None:
    assert moment(None, 4.9, NOW) == (NOW, "arrival")
    assert moment(NOW * 1000, None, NOW) == (NOW, "arrival")


@pytest.mark.parametrize("off", [-CLOCK_TRUSTED_MS - 1, CLOCK_TRUSTED_MS + 1])
def test_a_camera_clock_that_is_far_off_is_not_used(off: int) -> None:
    assert moment((NOW + off) * 1000, 0.0, NOW) == (NOW, "arrival")


@pytest.mark.parametrize(
    ("gap_ms", "stream_gap_s", "leftover"),
    [(100, 0.1, False), (15_000, 0.1, True), (15_000, 15.0, False), (15_000, None, False)],
)
def test_a_frame_held_back_over_a_silence_is_no_sign_of_life(
    gap_ms: int, stream_gap_s: float | None, leftover: bool
) -> None:
    shown = Taken(np.zeros((2, 2, 3), np.uint8))
    before = Frame(shown, NOW, "arrival", NOW, 7.0)
    stream_s = None if stream_gap_s is None else 7.0 + stream_gap_s
    assert is_leftover(before, Frame(shown, NOW, "arrival", NOW + gap_ms, stream_s), 10.0) is leftover
