"""The ladder before cameras that move, prove logins otherwise, or describe themselves by number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.integration.cameras import film, street
from tests.strange_camera import StrangeCamera, Unit, units_of
from vision.address import Address, Login
from vision.ladder import climb

pytestmark = pytest.mark.timeout(60)
LOGIN = Login("us er", 'p"a@s')
MD5, SHA_256 = 'Digest realm="a", nonce="n1", algorithm=MD5', 'Digest realm="b", nonce="n2", algorithm=SHA-256'


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> list[Unit]:
    return units_of(film(tmp_path_factory.mktemp("strange") / "street.h264", street(20, (384, 288))))


class Moved(StrangeCamera):
    """`to`: where the stream is."""

    to = ""

    def answer(self, method: str, headers: dict[str, str]) -> tuple[str, list[str]] | None:
        return ("302 Moved Temporarily", [f"Location: {self.to}"]) if method == "DESCRIBE" else None


class Protected(StrangeCamera):
    """`challenges`: what it asks for; any answer is right."""

    challenges: Sequence[str] = ()

    def answer(self, method: str, headers: dict[str, str]) -> tuple[str, list[str]] | None:
        if method == "OPTIONS" or "authorization" in headers:
            return None
        return "401 Unauthorized", [f"WWW-Authenticate: {each}" for each in self.challenges]


class ByNumber(StrangeCamera):
    """JPEG has the number 26, and sound comes after it."""

    def sdp(self) -> str:
        head = super().sdp().partition("m=video")[0]
        return f"{head}m=video 0 RTP/AVP 26\r\na=control:t1\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCMA/8000\r\n"


def test_a_camera_that_sends_on_is_followed(units: list[Unit]) -> None:
    with StrangeCamera(units) as real, Moved(units) as moved:
        moved.to = real.url
        found = climb(Address(moved.url))
    assert found.broken is None
    assert "sends us on" in found.rungs[4].said.en
    assert found.found is not None


def test_a_login_that_is_taken_when_asked_and_not_when_opened_is_said_to_be_so(units: list[Unit]) -> None:
    with Protected(units) as camera:
        camera.challenges = [MD5, SHA_256]
        found = climb(Address(camera.url, LOGIN))
        camera.challenges = [SHA_256, MD5]
        assert climb(Address(camera.url, LOGIN)).broken is None
    assert found.broken is not None
    assert (found.broken.name, "digest (MD5)" in found.broken.fix.en) == ("key_frame", True)


def test_jpeg_is_known_by_its_number_and_sound_is_not_taken_for_it(units: list[Unit]) -> None:
    with ByNumber(units) as camera:
        assert climb(Address(camera.url)).rungs[4].said.en == "MJPEG video"
