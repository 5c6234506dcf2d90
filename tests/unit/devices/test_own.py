"""The own profile beyond its golden payloads: sizes and depths."""

from __future__ import annotations

import pytest

from devices.decoders.own import MAX_ITEMS, decode
from pipeline.core.errors import Reason, Rejected

ONE = b'{"quantity":"ph","value":7}'


def reason_of(payload: bytes) -> Reason:
    with pytest.raises(Rejected) as caught:
        decode(payload, "ioc/s/d/up")
    return caught.value.reason


def test_an_array_may_hold_500_readings_and_not_one_more() -> None:
    assert len(decode(b"[" + b",".join([ONE] * MAX_ITEMS) + b"]", "")) == 500
    assert reason_of(b"[" + b",".join([ONE] * (MAX_ITEMS + 1)) + b"]") is Reason.TOO_LARGE


@pytest.mark.parametrize("payload", [b"[" * 100_000, b'{"quantity":"ph","value":7,"x":' + b"[" * 100_000])
def test_deep_nesting_is_broken_json_and_no_crash(payload: bytes) -> None:
    assert reason_of(payload) is Reason.BROKEN_JSON


def test_bad_utf8_in_one_element_leaves_the_others() -> None:
    items = decode(b"[" + ONE + b',{"quantity":"\xff","value":1}]', "")
    assert items[0].measurement is not None
    assert items[1].rejection is not None
    assert items[1].rejection.reason is Reason.BROKEN_JSON


def test_white_space_before_an_array_changes_nothing() -> None:
    assert len(decode(b" \n[" + ONE + b"]", "")) == 1
