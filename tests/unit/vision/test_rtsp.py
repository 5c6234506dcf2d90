"""Logins are proved as the RFCs' examples say, and what does not speak RTSP is told apart."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vision.address import Address, Login
from vision.rtsp import Asking, NotRtsp, authorisation

# RFC 2617, section 3.5
OLD = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
# RFC 7616, section 3.9.1
NEW = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
ONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("challenge", "password", "once", "response"),
    [
        (OLD, "Circle Of Life", "0a4f113b", "6629fae49393a05397450978507c4ef1"),
        (NEW.format("MD5"), "Circle of Life", ONCE, "8ca523f5e9506fed4657c9700eebdbec"),
        (
            NEW.format("SHA-256"),
            "Circle of Life",
            ONCE,
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_digest_answers_as_the_rfcs_examples_do(challenge: str, password: str, once: str, response: str) -> None:
    given = authorisation([challenge], Login("Mufasa", password), "GET", "/dir/index.html", once)
    assert f'response="{response}"' in given
    assert 'opaque="' in given


def test_of_several_challenges_the_strongest_is_answered() -> None:
    challenges = ["Basic realm=x", NEW.format("MD5"), NEW.format("SHA-256"), NEW.format("SHA-512-256")]
    assert "algorithm=SHA-256," in authorisation(challenges, Login("Mufasa", "x"), "GET", "/", ONCE)


def test_basic_is_base64_of_utf_8() -> None:
    # RFC 7617, section 2.1: "test" and "123£" in UTF-8
    given = authorisation(['Basic realm="foo", charset="UTF-8"'], Login("test", "123\u00a3"), "GET", "/")
    assert given == "Basic dGVzdDoxMjPCow=="


def test_an_unknown_challenge_is_not_answered() -> None:
    assert authorisation(["Negotiate abc"], Login("a", "b"), "GET", "/") == ""


@contextmanager
def camera(*answers: bytes) -> Iterator[tuple[Address, list[bytes]]]:
    """Something on a port that answers each request with the next of `answers`, then hangs up."""
    heard: list[bytes] = []

    def serve() -> None:
        line, _ = listening.accept()
        with line:
            for answer in answers:
                heard.append(line.recv(4096))
                line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield Address(f"rtsp://127.0.0.1:{listening.getsockname()[1]}/1", Login("cam", "p")), heard
        thread.join(5)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"RTSP/1.0 200 OK\r\nCont"])
def test_what_is_no_rtsp_or_breaks_off_is_no_answer(said: bytes) -> None:
    with camera(said) as (address, _), Asking(address, 2) as asking, pytest.raises(NotRtsp):
        asking.options(2)


def test_a_login_is_given_when_it_is_wanted_and_only_then() -> None:
    wanted = b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Basic realm="cam"\r\n\r\n'
    body = b"v=0\r\nm=video 0 RTP/AVP 96\r\n"
    described = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with camera(wanted, described) as (address, heard), Asking(address, 2) as asking:
        answer = asking.describe(2)
    assert (answer.status, answer.body) == (200, body.decode())
    assert b"Authorization" not in heard[0]
    assert b"Authorization: Basic Y2FtOnA=" in heard[1]
