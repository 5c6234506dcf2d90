"""Lines and frames: events to NDJSON and back, with the reason for everything that is not an event.

A frame is NDJSON, 1 to 500 lines and at most 256 KiB, one event a line. A bad line never spoils its
neighbours: `decode_frame` returns what is good and, beside it, what was rejected and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from pipeline.core.clock import parse_rfc3339
from pipeline.core.conditions import ConditionLine
from pipeline.core.errors import Reason, Rejected
from pipeline.core.events import Case, Detection, Reading

MAX_FRAME_LINES = 500
MAX_FRAME_BYTES = 256 * 1024

E = TypeVar("E")
_NOT_FINITE = re.compile(rb"[:\[,]\s*-?(NaN|Infinity|nan|inf|Inf)\b")
_encoder = msgspec.json.Encoder()


class BadLine(NamedTuple):
    """A line that is no event: its number from 0, its bytes, and why."""

    number: int
    raw: bytes
    rejection: Rejected


class Decoded(NamedTuple, Generic[E]):
    """A decoded frame: (line number, event) of the good lines, and the bad ones."""

    lines: tuple[tuple[int, E], ...]
    bad: tuple[BadLine, ...]


class LineCodec(Generic[E]):
    """Decoder of one kind of line. Fast when the whole frame is good; line by line when it is not."""

    def __init__(self, type_: Any) -> None:
        self._decoder: msgspec.json.Decoder[E] = msgspec.json.Decoder(type_)
        self._type = type_

    def decode_line(self, raw: bytes) -> E:
        """One event. RFC 3339 text is accepted for `at`. Raises Rejected with reason and field."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            return self._decode_texts(raw, error)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, bad UTF-8 too
            raise malformed(raw, error) from None

    def decode_frame(self, value: bytes) -> Decoded[E]:
        """All lines of a frame; empty lines are passed over."""
        try:
            events = self._decoder.decode_lines(value)
            return Decoded(tuple(enumerate(events)), ())
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return self._decode_each(value)

    def _decode_each(self, value: bytes) -> Decoded[E]:
        good: list[tuple[int, E]] = []
        bad: list[BadLine] = []
        for number, raw in enumerate(value.split(b"\n")):
            if not raw.strip():
                continue
            try:
                good.append((number, self.decode_line(raw)))
            except Rejected as rejection:
                bad.append(BadLine(number, raw, rejection))
        return Decoded(tuple(good), tuple(bad))

    def _decode_texts(self, raw: bytes, error: msgspec.ValidationError) -> E:
        try:
            document = msgspec.json.decode(raw)
        except (ValueError, RecursionError) as broken:  # wrong in its first field, and broken further on
            raise malformed(raw, broken) from None
        if not (isinstance(document, dict) and isinstance(document.get("at"), str)):
            raise wrong_type(error) from None
        try:
            document["at"] = parse_rfc3339(document["at"])
            event: E = msgspec.convert(document, self._type)
        except msgspec.ValidationError as other:
            raise wrong_type(other) from None
        except ValueError:
            raise Rejected(Reason.WRONG_TYPE, f"at: {document['at']!r} is no RFC 3339 date-time") from None
        return event


def wrong_type(error: msgspec.ValidationError) -> Rejected:
    """A rejection that names the field: msgspec says "... - at `$.field`"."""
    what, _, where = str(error).partition(" - at ")
    field = where.strip("`").removeprefix("$.") or "line"
    reason = Reason.NOT_FINITE if "out of range" in what else Reason.WRONG_TYPE
    return Rejected(reason, f"{field}: {what}")


def malformed(raw: bytes, error: Exception) -> Rejected:
    """A rejection of bytes that are no JSON; NaN, Infinity and numbers beyond a double have a reason of their own."""
    if _NOT_FINITE.search(raw) or "out of range" in str(error):
        return Rejected(Reason.NOT_FINITE, "value: NaN and Infinity are never valid; leave the reading out")
    return Rejected(Reason.BROKEN_JSON, str(error))


readings: LineCodec[Reading] = LineCodec(Reading)
detections: LineCodec[Detection] = LineCodec(Detection)
cases: LineCodec[Case] = LineCodec(Case)
conditions: LineCodec[ConditionLine] = LineCodec(ConditionLine)


def encode_line(event: msgspec.Struct) -> bytes:
    """One event as one line of JSON, without the line feed."""
    return _encoder.encode(event)


def pack(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Frames of at most MAX_FRAME_LINES lines and MAX_FRAME_BYTES bytes, in order.

    A single line above MAX_FRAME_BYTES makes a frame of its own; the doors refuse such lines.
    """
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == MAX_FRAME_LINES or size + len(line) + 1 > MAX_FRAME_BYTES):
            yield b"\n".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield b"\n".join(batch)
