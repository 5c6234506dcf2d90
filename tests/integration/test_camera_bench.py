"""`ioc bench cameras`: what it says adds up, and a core has room for the quiet cameras that it must have."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.bench.cameras import run
from tests.slowness import slowness

pytestmark = pytest.mark.timeout(120)
QUIET_CAMERAS = 40
READER_TO_DECODE = 2
"""What a reader may cost, over decoding alone."""
TRIES = 3


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    found = once()
    for _ in range(TRIES - 1):
        quiet = found["quiet"]
        # the bars, which one try of three should reach
        if quiet["cameras_a_core"] < room(found) or quiet["reader_to_decode"] > READER_TO_DECODE:
            found = once()
    return found


def once() -> dict[str, Any]:
    with slowness() as machine:
        found = run(20, ("4CIF",), pictures=70)
    print(f"\n{machine.times:.2f} times as slow, {found['quiet']}")
    return found | {"slowness": machine.times}


def room(found: dict[str, Any]) -> float:
    """The bar, as slow as the machine is."""
    return QUIET_CAMERAS / float(found["slowness"])


def test_a_core_has_room_for_forty_quiet_cameras(measured: dict[str, Any]) -> None:
    quiet = measured["quiet"]
    assert quiet["looked_at"] <= 0.05  # one of the twenty pictures after the first ten seconds
    assert quiet["cameras_a_core"] >= room(measured)
    assert quiet["reader_to_decode"] <= READER_TO_DECODE
    assert quiet["cameras_a_core"] == pytest.approx(1000 / (5 * quiet["whole_ms"]), rel=0.01)
    assert quiet["reader_to_decode"] >= 1


def test_a_street_full_of_people_is_looked_at_in_every_picture(measured: dict[str, Any]) -> None:
    assert measured["busy"]["looked_at"] == 1.0


def test_key_frames_alone_cost_a_part_of_the_whole(measured: dict[str, Any]) -> None:
    assert set(measured["decode"]) == {"4CIF H.264", "4CIF H.265"}
    for row in measured["decode"].values():
        assert 0 < row["key_to_full"] < 0.7
        assert row["streams_a_core"] == pytest.approx(1000 / (25 * row["full_ms"]), rel=0.01)
