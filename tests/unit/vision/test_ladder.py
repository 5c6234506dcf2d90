"""Each rung of the ladder breaks with its own message and remedy, in both languages, in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
import pytest

from pipeline.core.events import CameraState
from vision.address import Address, Login
from vision.ladder import RUNGS, Climb, climb
from vision.probe import Probed
from vision.stream import StreamFault

HELLO = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: Cam\r\n\r\n"
WANTED = b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="r", nonce="n"\r\n\r\n'
SECRET = "mật-khẩu@:/#%1"


def described(body: bytes) -> bytes:
    return b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


VIDEO = described(b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n")


@contextmanager
def camera(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """Something on a port that answers each request as `answer` says; None: never."""
    stopping = threading.Event()
    lines: list[socket.socket] = []

    def talk(line: socket.socket) -> None:
        with line:
            while not stopping.is_set() and (heard := line.recv(4096)):
                said = answer(heard)
                if said is None:
                    stopping.wait(10)
                    return
                line.sendall(said)

    def serve() -> None:
        while True:
            try:
                line, _ = listening.accept()
            except OSError:
                return
            lines.append(line)
            threads.append(threading.Thread(target=talk, args=(line,)))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads = [threading.Thread(target=serve)]
        threads[0].start()
        yield f"rtsp://127.0.0.1:{listening.getsockname()[1]}/1"
        stopping.set()
        listening.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join(5)


def check(found: Climb, broken: str, english: str) -> None:
    """`broken` is the first rung that did not hold; it says so in both languages, and what to do."""
    assert [rung.name for rung in found.rungs] == list(RUNGS)
    at = RUNGS.index(broken)
    assert [rung.passed for rung in found.rungs] == [True] * at + [False] + [None] * (len(RUNGS) - at - 1)
    rung = found.rungs[at]
    assert english in rung.said.en
    assert rung.said.vi
    assert rung.said.vi != rung.said.en
    assert rung.fix.vi
    assert rung.fix.en
    assert found.broken == rung
    assert found.found is None


@pytest.mark.parametrize(
    ("url", "broken", "english"),
    [
        ("http://127.0.0.1/1", "dns", "the address is not rtsp"),
        ("rtsp:///1", "dns", "the address is not rtsp"),
        ("rtsp://no-such-host.invalid/1", "dns", "no host no-such-host.invalid"),  # RFC 2606: never a name
        ("rtsp://127.0.0.1:9/1", "tcp", "nothing listens on port 9"),
    ],
)
def test_an_address_that_leads_nowhere_breaks_below_rtsp(url: str, broken: str, english: str) -> None:
    check(climb(Address(url)), broken, english)


@pytest.mark.parametrize(
    "typed",
    [
        "rtsp://admin:s3#cret@127.0.0.1/",
        "rtsp://admin:s3/cret@127.0.0.1/",
        "rtsp://admin:s3cret",
        "rtsp://u:s3cret@h[/",
        "rtsp://u:s3cret@\u2100/",
    ],
)
def test_what_is_no_address_is_told_without_the_password_and_how_to_give_one(typed: str) -> None:
    found = climb(Address.parse(typed))
    check(found, "dns", "the address is not rtsp")
    assert found.broken is not None
    assert "--user" in found.broken.fix.vi
    assert "--user" in found.broken.fix.en
    assert "cret" not in repr(found)


def test_a_login_that_would_be_cut_is_told_before_the_camera_refuses_it() -> None:
    with camera(lambda heard: HELLO if heard.startswith(b"OPTIONS") else VIDEO) as url:
        check(climb(Address(url, Login("cam", "s3cret" * 21))), "login", "at most 127 bytes")


def test_a_web_server_does_not_speak_rtsp() -> None:
    with camera(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        check(climb(Address(url)), "rtsp", "does not speak RTSP")


def test_a_port_that_never_answers_is_told_in_time() -> None:
    began = time.monotonic()
    with camera(lambda _: None) as url:
        check(climb(Address(url)), "rtsp", "does not answer")
    assert time.monotonic() - began < 8


@pytest.mark.parametrize(("login", "english"), [(None, "wants a login"), (Login("cam", SECRET), "refuses the login")])
def test_a_missing_login_and_a_wrong_one_are_two_things(login: Login | None, english: str) -> None:
    with camera(lambda heard: HELLO if heard.startswith(b"OPTIONS") else WANTED) as url:
        found = climb(Address(url, login))
    check(found, "login", english)
    assert SECRET not in repr(found)


MISSING = b"RTSP/1.0 404 Not Found\r\nCSeq: 2\r\n\r\n"
GIVEN = Login("cam", SECRET)


@pytest.mark.parametrize(
    ("login", "wants", "then", "english"),
    [
        (None, False, VIDEO, "the camera wants no login: anybody can watch"),
        (GIVEN, True, VIDEO, "the login is accepted"),
        (GIVEN, False, VIDEO, "the camera wants no login: the one given is not needed, and anybody can watch"),
        (None, False, MISSING, "the camera has not asked for a login"),
        (GIVEN, False, MISSING, "the camera has not asked for a login"),
        (GIVEN, True, MISSING, "the camera does not refuse the login"),
    ],
)
def test_a_login_is_accepted_where_it_was_asked_for_and_a_stream_was_described(
    monkeypatch: pytest.MonkeyPatch, login: Login | None, wants: bool, then: bytes, english: str
) -> None:
    def unsupported(*_: object, **__: object) -> Probed:
        raise StreamFault(CameraState.UNSUPPORTED, "not the matter here")

    def answer(heard: bytes) -> bytes:
        if heard.startswith(b"OPTIONS"):
            return HELLO
        return WANTED if wants and b"Authorization: Digest" not in heard else then

    monkeypatch.setattr("vision.ladder.probe", unsupported)
    with camera(answer) as url:
        rung = climb(Address(url, login)).rungs[RUNGS.index("login")]
    assert (rung.passed, rung.said.en) == (True, english)
    assert rung.said.vi not in ("", rung.said.en)


@pytest.mark.parametrize(
    ("answer", "english"),
    [
        (b"RTSP/1.0 404 Not Found\r\nCSeq: 2\r\n\r\n", "no stream under this path"),
        (b"RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: 2\r\n\r\n", "RTSP 453"),
        (described(b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"), "no video"),
    ],
)
def test_a_stream_that_cannot_be_described_says_why(answer: bytes, english: str) -> None:
    with camera(lambda heard: HELLO if heard.startswith(b"OPTIONS") else answer) as url:
        check(climb(Address(url)), "describe", english)


def test_a_camera_that_describes_a_stream_and_sends_nothing_breaks_at_the_picture_in_time() -> None:
    def answer(heard: bytes) -> bytes | None:
        number = next(line for line in heard.split(b"\r\n") if line.lower().startswith(b"cseq:"))
        ready = {b"OPTIONS": HELLO, b"DESCRIBE": VIDEO}.get(heard.split(b" ")[0])
        return None if ready is None else ready.replace(b"CSeq: 1", number).replace(b"CSeq: 2", number)

    began = time.monotonic()
    with camera(answer) as url:
        check(climb(Address(url)), "key_frame", "sends no picture")
        assert time.monotonic() - began < 8


def test_a_camera_that_answers_letter_by_letter_cannot_hold_the_climb_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            with listening.accept()[0]:  # the look whether the port is open
                pass
            line, _ = listening.accept()
            with line, suppress(OSError):
                for letter in HELLO:
                    threading.Event().wait(0.2)
                    line.sendall(bytes([letter]))

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        check(climb(Address(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/1")), "rtsp", "does not answer")
        assert time.monotonic() - began < 3
        thread.join(5)


def test_a_camera_that_refuses_while_it_puts_the_last_question_away_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []
    shown = Probed("h264", 384, 288, 10.0, "rtcp", 0.5, 1.0, 0.0, np.zeros((288, 384, 3), np.uint8))

    def refusing_once(*_: object, **__: object) -> Probed:
        asked.append(time.monotonic())
        if len(asked) == 1:
            raise StreamFault(CameraState.OFFLINE, "503")
        return shown

    monkeypatch.setattr("vision.ladder.probe", refusing_once)
    with camera(lambda heard: HELLO if heard.startswith(b"OPTIONS") else VIDEO) as url:
        found = climb(Address(url))
    assert [rung.passed for rung in found.rungs] == [True] * 8
    assert asked[1] - asked[0] >= 0.4


@pytest.mark.parametrize(("ahead_s", "hinted"), [(0.3, False), (-2.0, False), (-2.1, True), (60.0, True)])
def test_a_clock_that_does_not_agree_is_told_to_be_set_by_ntp(
    monkeypatch: pytest.MonkeyPatch, ahead_s: float, hinted: bool
) -> None:
    shown = Probed("h264", 384, 288, 10.0, "rtcp", 0.5, 1.0, ahead_s, np.zeros((288, 384, 3), np.uint8))
    monkeypatch.setattr("vision.ladder.probe", lambda *_, **__: shown)
    with camera(lambda heard: HELLO if heard.startswith(b"OPTIONS") else VIDEO) as url:
        rung = climb(Address(url)).rungs[-1]
    assert rung.passed
    assert ["NTP" in said for said in (rung.said.vi, rung.said.en)] == [hinted, hinted]
