"""What a sick camera sends: RTP inside RTSP (RFC 2326, section 10.12), rewritten on its way by the proxy.

    sick = SickCamera()
    with MisbehavingProxy(port, rewrite=sick.line) as proxy:
        sick.clock_ahead_s = 3600

It changes what is sent after the command, on all of its lines.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

_DOLLAR = 0x24
_SENDER_REPORT = 200
_RTP_HZ = 90_000


class SickCamera:
    """`clock_ahead_s`: the clock jumped by so much; `broken`: this share of the pictures' packets is spoiled; `mute`:
    it answers every request and plays nothing."""

    def __init__(self) -> None:
        self.clock_ahead_s = 0
        self.broken = 0.0
        self.mute = False
        self._random = random.Random(3)

    def line(self) -> Callable[[bytes], bytes]:
        """What rewrites one connection's answers, chunk by chunk."""
        parts = _Parts()
        return lambda chunk: b"".join(map(self._rewritten, parts.feed(chunk)))

    def _rewritten(self, part: bytes) -> bytes:
        if part[0] != _DOLLAR:
            return part
        if self.mute:
            return b""
        packet = bytearray(part)
        if packet[1] % 2 == 0:
            self._picture(packet)
        elif packet[5] == _SENDER_REPORT:
            _add(packet, 12, self.clock_ahead_s)  # NTP seconds; a sender report is RFC 3550, section 6.4.1
            _add(packet, 20, self.clock_ahead_s * _RTP_HZ)
        return bytes(packet)

    def _picture(self, packet: bytearray) -> None:
        _add(packet, 8, self.clock_ahead_s * _RTP_HZ)  # timestamp; RFC 3550, section 5.1
        if self._random.random() < self.broken:
            for at in range(20, len(packet)):
                packet[at] = self._random.randrange(256)


class _Parts:
    """Cuts a stream of bytes into RTSP messages and interleaved packets."""

    def __init__(self) -> None:
        self._bytes = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        self._bytes += chunk
        while (size := self._complete()) and size <= len(self._bytes):
            yield self._bytes[:size]
            self._bytes = self._bytes[size:]

    def _complete(self) -> int:
        """The size of the first part; 0 while it cannot be told."""
        if not self._bytes:
            return 0
        if self._bytes[0] == _DOLLAR:
            return 4 + struct.unpack(">H", self._bytes[2:4])[0] if len(self._bytes) >= 4 else 0
        head, end, _ = self._bytes.partition(b"\r\n\r\n")
        if not end:
            return 0
        return len(head) + 4 + _content_length(head)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _add(packet: bytearray, at: int, amount: int) -> None:
    (value,) = struct.unpack_from(">I", packet, at)
    struct.pack_into(">I", packet, at, (value + amount) % 2**32)
