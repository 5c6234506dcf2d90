"""A camera as strange as a test wants it: RTSP 1.0 with RTP over its TCP connection (RFC 2326, 3550, 6184, 7798).

    class Redirecting(StrangeCamera):
        def answer(self, method, headers): ...

    with StrangeCamera(units_of(film), fps=10) as camera:
        open(camera.url)

Access units are sent in a loop, each connection from its begin. What is strange is overridden, or set at any time.
"""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.core.clock import now_ms

_PT, _SSRC, _MTU = 96, 0x1234, 1400
_START = re.compile(b"\x00\x00\x00?\x01")
_NTP = 2_208_988_800
"""Seconds from 1900 to 1970."""
Unit = tuple[bytes, ...]
"""The NAL units of one picture."""


class StrangeCamera:
    """`ticks`: the RTP time of the n-th picture; `pause`: seconds before it; `ntp`: seconds since 1970 of a report."""

    def __init__(
        self,
        units: Sequence[Unit],
        *,
        fps: float = 10,
        codec: str = "H264",
        sprop: bool = True,
        ticks: Callable[[int], int] | None = None,
        pause: Callable[[int], float] | None = None,
        ntp: Callable[[], float] | None = lambda: now_ms() / 1000,
        stops_after: int = 0,
    ) -> None:
        self.units, self.codec, self.sprop, self.ntp, self.stops_after = units, codec, sprop, ntp, stops_after
        self.ticks = ticks or (lambda n: round(n * 90_000 / fps))
        self.pause = pause or (lambda _: 1 / fps)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/cam1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="strange camera", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listening.close()

    def answer(self, method: str, headers: dict[str, str]) -> tuple[str, list[str]] | None:
        """Status and headers instead of the usual answer; None: the usual one. For whoever overrides it."""
        return None

    def sdp(self) -> str:
        """The description of the stream."""
        lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=cam", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*"]
        lines += [f"m=video 0 RTP/AVP {_PT}", f"a=rtpmap:{_PT} {self.codec}/90000", "a=control:track1"]
        if self.sprop and self.codec == "H264":
            sets = ",".join(base64.b64encode(nal).decode() for nal in self.units[0] if nal[0] & 31 in (7, 8))
            lines += [f"a=fmtp:{_PT} packetization-mode=1;sprop-parameter-sets={sets}"]
        return "\r\n".join([*lines, ""])

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        lock, left, playing = threading.Lock(), b"", False
        with line, contextlib.suppress(OSError):
            while not self._ended.is_set():
                while b"\r\n\r\n" not in left:
                    part = line.recv(4096)
                    if not part:
                        return
                    left = _without_reports(left + part)
                head, _, left = left.partition(b"\r\n\r\n")
                method, headers = _head(head.decode())
                self.asked.append((method, headers))
                with lock:
                    line.sendall(self._said(method, headers))
                if method == "PLAY" and not playing:
                    playing = True
                    threading.Thread(target=self._play, args=(line, lock), daemon=True).start()

    def _said(self, method: str, headers: dict[str, str]) -> bytes:
        own = self.answer(method, headers)
        status, body = "200 OK", ""
        more: list[str] = []
        if own is not None:
            status, more = own
        elif method == "OPTIONS":
            more = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"]
        elif method == "DESCRIBE":
            body = self.sdp()
            more = [f"Content-Base: {self.url}/", "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            more = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1;timeout=60"]
        else:
            more = ["Session: 1;timeout=60"]
        return "\r\n".join([f"RTSP/1.0 {status}", f"CSeq: {headers.get('cseq', '0')}", *more, "", body]).encode()

    def _play(self, line: socket.socket, lock: threading.Lock) -> None:
        sequence = 0
        with contextlib.suppress(OSError):
            for n in range(2**31):
                self._ended.wait(self.pause(n))
                if self._ended.is_set() or 0 < self.stops_after <= n:
                    return
                out = self._report(n) if self.ntp is not None and n % 20 == 0 else b""
                for packet in self._packets(self.units[n % len(self.units)]):
                    header = struct.pack(
                        ">BBHII", 0x80, packet[0], sequence & 0xFFFF, self.ticks(n) & 0xFFFFFFFF, _SSRC
                    )
                    out += _framed(0, header + packet[1:])
                    sequence += 1
                with lock:
                    line.sendall(out)

    def _packets(self, unit: Unit) -> list[bytes]:
        """Marker and payload type, then the payload, of each packet."""
        payloads = [each for nal in unit for each in (_fragments(nal) if self.codec == "H264" else _of_h265(nal))]
        last = len(payloads) - 1
        return [bytes([_PT | (0x80 if n == last else 0)]) + each for n, each in enumerate(payloads)]

    def _report(self, n: int) -> bytes:
        assert self.ntp is not None
        now = self.ntp()
        seconds = int(now) + _NTP if now else 0
        fraction = int(now % 1 * 2**32)
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, _SSRC, seconds, fraction, self.ticks(n) & 0xFFFFFFFF, n, n)
        return _framed(1, report)


def units_of(film: Path, codec: str = "H264") -> list[Unit]:
    """The pictures of a raw stream of one slice a picture."""
    units: list[list[bytes]] = [[]]
    for nal in filter(None, _START.split(film.read_bytes())):
        kind = nal[0] & 31 if codec == "H264" else nal[0] >> 1 & 63
        picture = kind in (1, 5) if codec == "H264" else kind < 32
        units[-1].append(nal)
        if picture:
            units.append([])
    return [tuple(unit) for unit in units if unit]


def repeated(*parts: Iterable[Unit]) -> list[Unit]:
    """One part after the other."""
    return [unit for part in parts for unit in part]


def _fragments(nal: bytes) -> list[bytes]:
    if len(nal) <= _MTU:
        return [nal]
    pieces = [nal[at : at + _MTU] for at in range(1, len(nal), _MTU)]
    marks = [(0x80 if n == 0 else 0) | (0x40 if n == len(pieces) - 1 else 0) for n in range(len(pieces))]
    return [bytes([nal[0] & 0xE0 | 28, mark | nal[0] & 31]) + piece for mark, piece in zip(marks, pieces, strict=True)]


def _of_h265(nal: bytes) -> list[bytes]:
    if len(nal) <= _MTU:
        return [nal]
    pieces, kind = [nal[at : at + _MTU] for at in range(2, len(nal), _MTU)], nal[0] >> 1 & 63
    marks = [(0x80 if n == 0 else 0) | (0x40 if n == len(pieces) - 1 else 0) for n in range(len(pieces))]
    head = bytes([nal[0] & 0x81 | 49 << 1, nal[1]])
    return [head + bytes([mark | kind]) + piece for mark, piece in zip(marks, pieces, strict=True)]


def _framed(channel: int, packet: bytes) -> bytes:
    return struct.pack(">BBH", 0x24, channel, len(packet)) + packet


def _without_reports(raw: bytes) -> bytes:
    """What the viewer sent, without its receiver reports."""
    while len(raw) >= 4 and raw[0] == 0x24:
        raw = raw[4 + struct.unpack(">H", raw[2:4])[0] :]
    return raw


def _head(text: str) -> tuple[str, dict[str, str]]:
    first, *lines = text.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first.split(" ")[0], {name.strip().lower(): value.strip() for name, _, value in pairs}
