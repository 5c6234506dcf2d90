"""Every golden folder of a decoder: payloads with the readings that a person worked out, found by listing.

`<case>.payload` is what the device `golden-01` sent, received at 1795230060000; `<case>.yaml` lists the readings
or the reasons for which there are none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from devices.decoders import DECODERS
from devices.directory import Known
from devices.doorstep import reading
from devices.gateway import decoded, measured
from pipeline.core.catalogue import Device, DeviceType
from pipeline.core.errors import Rejected

HERE = Path(__file__).parent / "decoders"
CASES = [(name, file) for name in DECODERS for file in sorted((HERE / name).glob("*.payload"))]
RECEIVED = 1795230060000


@pytest.mark.parametrize(("decoder", "file"), CASES, ids=[f"{name}-{file.stem}" for name, file in CASES])
def test_a_payload_gives_what_was_worked_out_by_hand(decoder: str, file: Path) -> None:
    expected = yaml.safe_load(file.with_suffix(".yaml").read_text("utf-8"))
    found = outcomes(decoder, file.read_bytes())
    assert [_shown(wanted, got) for wanted, got in zip(expected, found, strict=True)] == expected


def outcomes(decoder: str, payload: bytes) -> list[dict[str, Any]]:
    known = Known(Device(id="golden-01", type="t", site="s"), DeviceType(id="t", decoder=decoder))
    try:
        items = list(decoded(payload, "ioc/s/golden-01/up", known))
    except Rejected as rejection:
        return [{"rejected": str(rejection.reason)}]
    found: list[dict[str, Any]] = []
    for item in items:
        try:
            event = reading(measured(item), known, RECEIVED)
            found.append({"quality": "good", "seq": 0, **msgspec.to_builtins(event)})
        except Rejected as rejection:
            found.append({"rejected": str(rejection.reason)})
    return found


def _shown(wanted: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """What was found of the fields that the golden file names."""
    return got if "rejected" in got else {name: got.get(name) for name in wanted}
