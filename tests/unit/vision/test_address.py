"""A login enters a camera's URL only where it is opened: before the host, and in the path where the camera wants it."""

from __future__ import annotations

import pytest

from vision.address import Address, Login

LOGIN = Login("kỹ thuật", "m@t/kh&u?=%")


def test_a_login_stands_before_the_host_and_where_the_path_says_so() -> None:
    address = Address("rtsp://10.0.0.7:554/user={user}&password={password}&channel=1&stream=1.sdp?", LOGIN)
    path = "user=k%E1%BB%B9%20thu%E1%BA%ADt&password=m%40t%2Fkh%26u%3F%3D%25&channel=1&stream=1.sdp?"
    assert address.asked() == f"rtsp://10.0.0.7:554/{path}"
    assert address.opened() == f"rtsp://kỹ%20thuật:m%40t%2Fkh&u%3F=%25@10.0.0.7:554/{path}"
    assert "kh" not in f"{address} {address!r}"


@pytest.mark.parametrize("url", ["rtsp://10.0.0.7/Streaming/Channels/102", "rtsp://10.0.0.7/x={y}"])
def test_an_address_that_wants_no_login_in_its_path_is_asked_for_as_it_is(url: str) -> None:
    assert Address(url, LOGIN).asked() == Address(url).asked() == url


def test_without_a_login_nothing_is_filled_in() -> None:
    assert Address("rtsp://10.0.0.7/password={password}").opened() == "rtsp://10.0.0.7/password={password}"
