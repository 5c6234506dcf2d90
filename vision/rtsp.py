"""What a camera answers to OPTIONS and DESCRIBE: a small RTSP client for asking, not for watching (RFC 2326).

Logins by Basic and Digest (RFC 7616: MD5 and SHA-256, `auth` or without a quality of protection), any character.
No text of an answer is ever part of an error: cameras repeat what was sent to them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from vision.address import Address, Login

PORTS = {"rtsp": 554, "rtsps": 322}
_MAX_ANSWER = 65_536
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "md5": lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
    "sha-256": lambda text: hashlib.sha256(text).hexdigest(),
}


class NotRtsp(Exception):
    """What answers here does not speak RTSP, or closed the line."""


class Answer(NamedTuple):
    """A camera's answer; names of headers are in small letters, each has all of its values.

    `challenged`: it is the answer to a login that the camera had asked for.
    """

    status: int
    headers: dict[str, list[str]]
    body: str
    challenged: bool = False


class Asking:
    """A connection to a camera. Raises OSError (TimeoutError among them) and NotRtsp."""

    def __init__(self, address: Address, within_s: float) -> None:
        parts = urlsplit(address.url)
        self._address, self._number, self._until = address, 0, 0.0
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 554)
        self._socket: socket.socket = socket.create_connection((host, port), within_s)
        if parts.scheme == "rtsps":
            unverified = ssl.create_default_context()
            unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE  # cameras sign for themselves
            self._socket = unverified.wrap_socket(self._socket, server_hostname=host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def options(self, within_s: float) -> Answer:
        """Ask what it understands; every RTSP server answers, if only by a refusal."""
        return self._ask("OPTIONS", "", within_s)

    def describe(self, within_s: float) -> Answer:
        """Ask for the description of the stream; a wanted login is given once."""
        answer = self._ask("DESCRIBE", "", within_s)
        login = self._address.login
        if answer.status != 401 or login is None:
            return answer
        given = authorisation(answer.headers.get("www-authenticate", []), login, "DESCRIBE", self._address.asked())
        return self._ask("DESCRIBE", given, within_s)._replace(challenged=True) if given else answer

    def _ask(self, method: str, given: str, within_s: float) -> Answer:
        self._number += 1
        lines = [f"{method} {self._address.asked()} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: ioc"]
        lines += ["Accept: application/sdp"] if method == "DESCRIBE" else []
        lines += [f"Authorization: {given}"] if given else []
        self._until = time.monotonic() + within_s
        self._socket.settimeout(within_s)
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self._answer()

    def _answer(self) -> Answer:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += self._more(raw)
        head, _, body = raw.partition(b"\r\n\r\n")
        status, headers = _head(head.decode(errors="replace"))
        length = min(int(headers.get("content-length", ["0"])[0]), _MAX_ANSWER)
        while len(body) < length:
            body += self._more(body)
        return Answer(status, headers, body[:length].decode(errors="replace"))

    def _more(self, so_far: bytes) -> bytes:
        self._socket.settimeout(max(0.001, self._until - time.monotonic()))  # however small the pieces are
        part = self._socket.recv(4096)
        if not part or len(so_far) > _MAX_ANSWER:
            raise NotRtsp
        return part


def _head(text: str) -> tuple[int, dict[str, list[str]]]:
    first, *lines = text.split("\r\n")
    words = first.split(" ")
    if not words[0].startswith("RTSP/") or len(words) < 2 or not words[1].isdigit():
        raise NotRtsp
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return int(words[1]), headers


def authorisation(challenges: list[str], login: Login, method: str, url: str, once: str = "") -> str:
    """The header's value that answers the strongest challenge that is known here; empty when none is.

    `once`: the client's nonce, random when left empty.
    """
    digests = [dict(_parameters(each)) for each in challenges if each.lower().startswith("digest")]
    known = [each for each in digests if each.get("algorithm", "MD5").lower() in _HASHES]
    if known:
        strongest = max(known, key=lambda each: each.get("algorithm", "MD5").lower() == "sha-256")
        return _digest(strongest, login, method, url, once)
    if any(each.lower().startswith("basic") for each in challenges):
        return f"Basic {base64.b64encode(login.plain().encode()).decode()}"
    return ""


def _parameters(challenge: str) -> list[tuple[str, str]]:
    return [(name.lower(), quoted or bare) for name, quoted, bare in _PARAMETER.findall(challenge)]


def _digest(challenge: dict[str, str], login: Login, method: str, url: str, once: str) -> str:
    """RFC 7616, section 3.4."""
    algorithm = challenge.get("algorithm", "MD5")
    hashed = _HASHES[algorithm.lower()]
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    first = hashed(login.plain(realm).encode())
    second = hashed(f"{method}:{url}".encode())
    given = [f'username="{login.user_quoted()}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{url}"']
    given += [f"algorithm={algorithm}"] if "algorithm" in challenge else []
    given += [f'opaque="{challenge["opaque"]}"'] if "opaque" in challenge else []
    if "auth" in [each.strip() for each in challenge.get("qop", "").split(",")]:
        once = once or secrets.token_hex(8)
        given += ["qop=auth", "nc=00000001", f'cnonce="{once}"']
        proof = hashed(f"{first}:{nonce}:00000001:{once}:auth:{second}".encode())
    else:
        proof = hashed(f"{first}:{nonce}:{second}".encode())
    return "Digest " + ", ".join([*given, f'response="{proof}"'])
