"""Reasons that the codec gives, one sentence each."""

from __future__ import annotations

import pytest

from pipeline.core import codec
from pipeline.core.errors import Reason, Rejected
from pipeline.core.events import Quality, Reading

CONTRACT_EXAMPLE = (
    b'{"device":"ks-rain-01","quantity":"rain_rate","value":12.4,"unit":"mm/h",'
    b'"at":1795230000123,"quality":"good","site":"di-linh-01"}'
)


def test_the_example_of_the_contract_decodes() -> None:
    assert codec.readings.decode_line(CONTRACT_EXAMPLE) == Reading(
        device="ks-rain-01",
        quantity="rain_rate",
        value=12.4,
        unit="mm/h",
        at=1795230000123,
        quality=Quality.GOOD,
        site="di-linh-01",
    )


def test_unknown_fields_are_no_error() -> None:
    line = b'{"device":"a","quantity":"q","at":1,"value":2,"from_the_future":{"x":[1]}}'
    assert codec.readings.decode_line(line).value == 2


def test_rfc3339_with_an_offset_is_the_same_moment() -> None:
    line = b'{"device":"a","quantity":"q","at":"2026-11-21T08:00:00.250+07:00"}'
    assert codec.readings.decode_line(line).at == 1795222800250  # 2026-11-21T01:00:00.250Z by `date -d`


@pytest.mark.parametrize(
    ("line", "reason", "named"),
    [
        (b"{", Reason.BROKEN_JSON, "truncated"),
        (b'{"device":"a\xff","quantity":"q","at":1}', Reason.BROKEN_JSON, "utf-8"),
        (b"[" * 100_000, Reason.BROKEN_JSON, ""),
        (b"[1]", Reason.WRONG_TYPE, "object"),
        (b'{"device":"a","quantity":"q","at":1,"value":NaN}', Reason.NOT_FINITE, "value"),
        (b'{"device":"a","quantity":"q","at":1,"value":-Infinity}', Reason.NOT_FINITE, "value"),
        (b'{"device":"a","quantity":"q","at":1,"value":1e999}', Reason.NOT_FINITE, "value"),
        (b'{"device":"a","quantity":"q","at":1,"value":"12,4"}', Reason.WRONG_TYPE, "value"),
        (b'{"device":"a","quantity":"q","at":1.5}', Reason.WRONG_TYPE, "at"),
        (b'{"device":"a","quantity":"q","at":"yesterday"}', Reason.WRONG_TYPE, "yesterday"),
        (b'{"device":"a","quantity":"q","at":"2026-11-21T08:00:00"}', Reason.WRONG_TYPE, "at"),
        (b'{"device":"a","quantity":"q","at":1795230000123000}', Reason.WRONG_TYPE, "at"),
        (b'{"device":"a","quantity":"q","at":-1}', Reason.WRONG_TYPE, "at"),
        (b'{"device":"a","quantity":"q"}', Reason.WRONG_TYPE, "at"),
        (b'{"device":"a","quantity":"q","at":1,"quality":"superb"}', Reason.WRONG_TYPE, "quality"),
        (b'{"device":true,"quantity":"q","at":1}', Reason.WRONG_TYPE, "device"),
    ],
)
def test_a_bad_line_has_its_own_reason_and_names_the_field(line: bytes, reason: Reason, named: str) -> None:
    with pytest.raises(Rejected) as caught:
        codec.readings.decode_line(line)
    assert caught.value.reason == reason
    assert named in caught.value.detail


def test_a_tick_is_a_frame_without_lines() -> None:
    assert codec.readings.decode_frame(b"") == ((), ())
