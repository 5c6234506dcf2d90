"""A camera's address that may hold a login is refused, whatever the login's characters, and never repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from devices.registry import Registry
from pipeline.core.catalogue import Camera
from pipeline.core.errors import BadInput


class Database:
    """Knows every site, and no device; what is stored is remembered."""

    def __init__(self) -> None:
        self.stored: list[object] = []

    def execute(self, query: object, values: object = None) -> Any:
        self.stored.append(query)
        return self

    def fetchone(self) -> None:
        return None


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Callable[[Camera], object]:
    """Puts a camera of a registered site into a registry without a database."""
    monkeypatch.setattr(Registry, "require", lambda *_: None)
    return Registry(cast("Any", Database()), by="test").put


@pytest.mark.parametrize("field", ["url", "evidence_url"])
@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:s3cret@10.0.0.7/x",
        "rtsp://admin:s3/cret@10.0.0.7/x",
        "rtsp://admin:s3?cret@10.0.0.7/x",
        "rtsp://admin:s3#cret@10.0.0.7/x",
        "rtsp://admin:12/s3cret@10.0.0.7/x",
        "rtsp://admin@10.0.0.7/s3cret",
        "rtsp://admin:s3[cret@10.0.0.7/x",
        "rtsp://admin:s3℀cret@10.0.0.7/x",
        "rtsp://admin:s3cret",
        "rtsp://admin:s3cret/x",
        "admin:s3cret@10.0.0.7/x",
        "http://admin:s3cret@10.0.0.7/x",
        "admin:s3cret://10.0.0.7/x",
        "rtsp:///s3cret",
    ],
)
def test_an_address_that_may_hold_a_login_is_refused_and_not_repeated(
    put: Callable[[Camera], object], field: str, url: str
) -> None:
    main = url if field == "url" else "rtsp://10.0.0.7/x"
    with pytest.raises(BadInput, match=f"camera.{field}") as caught:
        put(Camera(id="c", site="s", url=main, evidence_url="" if field == "url" else url))
    assert "cret" not in str(caught.value)
    assert "rtsp://host:port/path" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://10.0.0.7/Streaming/Channels/102",
        "rtsp://cam-7.lan:8554/cam/realmonitor?channel=1&subtype=1",
        "rtsps://[2001:db8::7]:322/a:b/c%40d",
        "rtsp://10.0.0.7",
    ],
)
def test_an_address_without_a_login_is_stored(put: Callable[[Camera], object], url: str) -> None:
    stored = put(Camera(id="c", site="s", url=url))
    assert isinstance(stored, Camera)
    assert stored.url == url


@pytest.mark.parametrize("field", ["url", "evidence_url"])
@pytest.mark.parametrize(
    "path",
    [
        "user=admin&password=s3cret&channel=1&stream=0.sdp?",
        "user=admin_password=s3cret_channel=1_stream=0.sdp?real_stream",
        "user={user}&password={password}s3cret",
        "cam?user=admin&PWD=s3cret",
        "cam?user=admin;passwd=s3cret",
        "live/ch0?psw=s3cret&user=admin",
        "cam/realmonitor?channel=1&authbasic=YWRtaW46czNjcmV0",
        "user=admin&password=_s3cret&channel=1",
    ],
)
def test_a_password_in_the_path_is_refused_and_not_repeated(
    put: Callable[[Camera], object], field: str, path: str
) -> None:
    url, fine = f"rtsp://10.0.0.7/{path}", "rtsp://10.0.0.7/x"
    main, evidence = (url, "") if field == "url" else (fine, url)
    with pytest.raises(BadInput, match=f"camera.{field}") as caught:
        put(Camera(id="c", site="s", secret="c", url=main, evidence_url=evidence))
    assert "cret" not in str(caught.value)
    assert "czNj" not in str(caught.value)
    assert "{user}" in caught.value.expected
    assert "mật khẩu" in str(caught.value)


def test_a_path_that_wants_a_login_is_stored_with_one_and_refused_without(put: Callable[[Camera], object]) -> None:
    url = "rtsp://10.0.0.7/user={user}&password={password}&channel=1&stream=1.sdp?"
    stored = put(Camera(id="c", site="s", url=url, secret="c"))
    assert isinstance(stored, Camera)
    assert stored.url == url
    with pytest.raises(BadInput, match=r"camera\.url.*--user"):
        put(Camera(id="c", site="s", url=url))


@pytest.mark.parametrize(
    "path", ["user=admin&password=&channel=1", "user=admin_password=_channel=1_stream=1.sdp", "compass=1", "bypass"]
)
def test_what_only_looks_like_a_password_is_stored(put: Callable[[Camera], object], path: str) -> None:
    assert isinstance(put(Camera(id="c", site="s", url=f"rtsp://10.0.0.7/{path}")), Camera)
