"""A camera's login as it stands in an RTSP URL: how it is written there, and how long it may be.

Some cameras want it in the path: `/user=admin&password=…&channel=1&stream=1.sdp`. A document says USER_HERE and
PASSWORD_HERE there, and the login is put in when the stream is opened.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from pipeline.core.alerts import Text
from pipeline.core.errors import BadInput

LONGEST = 127
"""libav keeps a URL's `user:password`, as it is written, in 128 bytes with the closing zero, and cuts what is longer
(rtsp.c, `ff_rtsp_connect`; measured with PyAV 18 and OpenCV 4.14): the camera then refuses the login."""
TOO_LONG = Text(
    f"tên và mật khẩu cộng lại tối đa {LONGEST} byte trong địa chỉ: chữ có dấu tính 2 hoặc 3,"
    " ký tự như @ : / ? # % và dấu cách tính 3",
    f"name and password together have at most {LONGEST} bytes in an address: letters with marks count 2 or 3,"
    " characters like @ : / ? # % and spaces 3",
)
_MUST = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=\x80-\U0010ffff-]")
"""What may not stand in a login's parts: RFC 3986, section 3.2.1, but letters of all languages may (RFC 3987, 2.2)."""

USER_HERE, PASSWORD_HERE = "{user}", "{password}"
IN_PATH = Text(
    f"tên và mật khẩu trong đường dẫn viết là {USER_HERE} và {PASSWORD_HERE}, mật khẩu thật khai báo bằng --user và"
    " IOC_CAMERA_PASSWORD",
    f"a name and password in the path written as {USER_HERE} and {PASSWORD_HERE}; the real ones are given by --user"
    " and IOC_CAMERA_PASSWORD",
)
_IN_PATH = re.compile(
    r"[/?&;_](?:authbasic=|(?:password|passwd|passw|pass|psw|pwd)=(?!\{password\}(?:[&;_]|$)|[&;]|_channel=|$))", re.I
)
"""An empty password is no secret."""


def shows_password(url: str) -> bool:
    """Whether a URL has a password in its path or query, as makers of cameras name it there."""
    return _IN_PATH.search(url.partition("://")[2]) is not None


def filled(url: str, user: str, password: str) -> str:
    """A URL with a login where it says so; never to be shown."""
    return url.replace(USER_HERE, quote(user, safe="")).replace(PASSWORD_HERE, quote(password, safe=""))


def in_url(user: str, password: str) -> str:
    """`user:password` as it is written in a URL; never to be shown."""
    return ":".join(_MUST.sub(lambda found: f"%{ord(found.group()):02X}", part) for part in (user, password))


def fits(user: str, password: str) -> bool:
    """Whether what opens a camera's stream takes so long a login."""
    return len(in_url(user, password).encode()) <= LONGEST


def check_login(field: str, user: str, password: str) -> None:
    """Raises BadInput, in both languages and without the login, when it is too long."""
    if not fits(user, password):
        raise BadInput(field, "…", TOO_LONG.en, vi=TOO_LONG.vi)


def check_path(field: str, url: str, *, with_login: bool) -> None:
    """Raises BadInput, in both languages and without the URL, when its path shows a password, or wants a login that
    there is not."""
    wants = any(mark in url for mark in (USER_HERE, PASSWORD_HERE))
    if shows_password(url) or (wants and not with_login):
        raise BadInput(field, f"{url.partition('://')[0]}://…", IN_PATH.en, vi=IN_PATH.vi)
