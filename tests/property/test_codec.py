"""Property tests of the codec: whatever can be said survives the way, and nothing bad spoils its neighbours."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core import codec
from pipeline.core.clock import parse_rfc3339, rfc3339
from pipeline.core.codec import MAX_FRAME_BYTES, MAX_FRAME_LINES, encode_line, pack
from pipeline.core.errors import Reason
from pipeline.core.events import (
    MAX_MS,
    CameraState,
    Case,
    CaseKind,
    CaseState,
    Detection,
    DetectionEvent,
    Edge,
    Origin,
    Quality,
    Reading,
    Speed,
    StationStatus,
)

ids = st.from_regex(r"\A[a-z0-9][a-z0-9._-]{0,20}\Z")
times = st.integers(0, MAX_MS - 1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
positions = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
readings = st.builds(
    Reading,
    device=ids,
    quantity=ids,
    at=times,
    unit=st.text(max_size=8),
    value=st.none() | numbers,
    text=st.none() | st.text(max_size=20),
    quality=st.sampled_from(Quality),
    seq=st.integers(0, 2**53),
    raw=st.none() | numbers,
    status=st.none() | st.sampled_from(StationStatus),
    point=st.none() | positions,
    origin=st.sampled_from(Origin),
    historical=st.booleans(),
)
detections = st.builds(
    Detection,
    camera=ids,
    event=st.sampled_from(DetectionEvent),
    at=times,
    edge=st.none() | st.sampled_from(Edge),
    state=st.none() | st.sampled_from(CameraState),
    zone=st.text(max_size=8),
    label=st.text(max_size=8),
    confidence=st.none() | st.floats(0, 1),
    speed=st.none() | st.builds(Speed, numbers, numbers),
    box=st.none() | st.tuples(numbers, numbers, numbers, numbers),
)
cases = st.builds(
    Case,
    case=ids,
    kind=st.sampled_from(CaseKind),
    state=st.sampled_from(CaseState),
    at=times,
    due_at=st.none() | times,
    attributes=st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(-(2**53), 2**53), max_size=4),
)


@given(readings)
def test_a_reading_survives_the_way(reading: Reading) -> None:
    assert codec.readings.decode_line(encode_line(reading)) == reading


@given(detections)
def test_a_detection_survives_the_way(detection: Detection) -> None:
    assert codec.detections.decode_line(encode_line(detection)) == detection


@given(cases)
def test_a_case_survives_the_way(case: Case) -> None:
    assert codec.cases.decode_line(encode_line(case)) == case


@given(readings)
def test_a_line_is_plain_json_that_any_other_parser_reads_alike(reading: Reading) -> None:
    document = json.loads(encode_line(reading))
    assert document["device"] == reading.device
    assert document.get("value") == reading.value
    assert document["at"] == reading.at


@given(st.lists(readings, max_size=30), st.lists(st.sampled_from([b"{", b"[1]", b"\xff\xfe", b'{"device":1}', b"nul"])))
def test_bad_lines_are_named_by_number_and_their_neighbours_stay(good: list[Reading], bad: list[bytes]) -> None:
    lines = [encode_line(reading) for reading in good]
    mixed = [line for pair in zip(lines, [*bad, *lines], strict=False) for line in pair]
    wrong = {number for number, line in enumerate(mixed) if line in bad}
    decoded = codec.readings.decode_frame(b"\n".join(mixed))
    assert {line.number for line in decoded.bad} == wrong
    assert [number for number, _ in decoded.lines] == [n for n in range(len(mixed)) if n not in wrong]


@given(st.binary(max_size=200))
def test_any_bytes_give_lines_or_reasons_and_never_an_exception(value: bytes) -> None:
    decoded = codec.readings.decode_frame(value)
    given_lines = [line for line in value.split(b"\n") if line.strip()]
    assert len(decoded.lines) + len(decoded.bad) <= max(len(given_lines), 1)
    assert all(bad.rejection.reason in Reason for bad in decoded.bad)


@given(st.lists(st.binary(min_size=1, max_size=3000).filter(lambda line: b"\n" not in line), max_size=1200))
def test_frames_keep_order_and_limits(lines: list[bytes]) -> None:
    frames = list(pack(lines))
    assert [line for frame in frames for line in frame.split(b"\n")] == lines
    assert all(frame.count(b"\n") < MAX_FRAME_LINES and len(frame) <= MAX_FRAME_BYTES for frame in frames)


@given(times)
def test_rfc3339_text_names_the_same_millisecond(ms: int) -> None:
    assert parse_rfc3339(rfc3339(ms)) == ms
    line = b'{"device":"a","quantity":"q","at":"%s"}' % rfc3339(ms).encode()
    assert codec.readings.decode_line(line).at == ms


@given(numbers)
def test_numbers_keep_every_bit(value: float) -> None:
    found = codec.readings.decode_line(encode_line(Reading(device="a", quantity="q", at=0, value=value))).value
    assert found is not None
    assert math.copysign(1, found) == math.copysign(1, value)
    assert found == value
