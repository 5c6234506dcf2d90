"""Property tests of the decoders: whatever a device sends gives items or a rejection, and never stops anybody."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from devices.decoders import DECODERS
from devices.decoders.own import decode
from devices.directory import Known
from devices.doorstep import reading
from devices.gateway import measured
from pipeline.core.catalogue import Device, DeviceType
from pipeline.core.codec import encode_line, readings
from pipeline.core.errors import Reason, Rejected
from pipeline.core.quantities import QUANTITIES

KNOWN = Known(Device(id="d", type="t", site="s"), DeviceType(id="t"))
RECEIVED = 1_795_230_000_000
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
units = sorted({unit for row in QUANTITIES.values() for unit in (row.unit, *row.others)})
nearly_right = st.fixed_dictionaries(
    {"quantity": st.sampled_from(sorted(QUANTITIES)) | anything},
    optional={
        "value": st.floats() | st.integers() | anything,
        "text": st.text(max_size=5) | anything,
        "unit": st.sampled_from(units) | anything,
        "at": st.integers(RECEIVED - 10**9, RECEIVED + 10**6) | st.just("2026-11-21T03:00:00Z") | anything,
        "seq": st.integers(-5, 2**70) | anything,
        "point": st.tuples(st.floats(-400, 400), st.floats(-400, 400)) | anything,
        "status": st.sampled_from(["error", "calibrating"]) | anything,
        "quality": st.sampled_from(["good", "bad"]) | anything,
    },
)


@given(st.sampled_from(sorted(DECODERS)), st.binary(max_size=300))
def test_any_bytes_give_items_or_a_rejection_and_never_another_exception(name: str, payload: bytes) -> None:
    try:
        items = list(DECODERS[name](payload, "ioc/s/d/up"))
    except Rejected as rejection:
        assert rejection.reason in Reason
        return
    assert all((item.measurement is None) != (item.rejection is None) for item in items)


@given(st.lists(nearly_right, min_size=1, max_size=4))
def test_what_the_doorstep_lets_in_is_a_line_that_everybody_behind_can_read_and_store(documents: list[object]) -> None:
    try:
        items = decode(json.dumps(documents).encode(), "ioc/s/d/up")
    except Rejected:
        return
    for item in items:
        try:
            found = reading(measured(item), KNOWN, RECEIVED)
        except Rejected as rejection:
            assert rejection.reason in Reason
            continue
        assert readings.decode_line(encode_line(found)) == found
        assert (found.value is None) != (found.text is None)
        assert found.value is None or math.isfinite(found.value)
        assert "\0" not in (found.text or "")
        assert 0 <= found.seq < 2**63


@given(st.lists(st.sampled_from([b'{"quantity":"ph","value":7}', b'{"quantity":7}', b"7", b'{"quantity":"\xff"}'])))
def test_a_bad_element_of_an_array_is_refused_alone(elements: list[bytes]) -> None:
    if not elements:
        return
    items = decode(b"[" + b",".join(elements) + b"]", "ioc/s/d/up")
    assert [item.measurement is not None for item in items] == [b'"ph"' in element for element in elements]
    assert [item.raw for item in items if item.rejection] == [e for e in elements if b'"ph"' not in e]
