"""One solid thing or people side by side: by what a blob has shown, on a level camera 5 m up (see test_tracker)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pipeline.core.catalogue import Calibration
from tests.unit.vision.test_tracker import ground
from vision.detectors.solidity import Mover, Solidity
from vision.picture import Box
from vision.plane import Plane

CAR, PAIR, PERSON, RIDER = (1.8, 1.5), (1.8, 1.7), (0.6, 1.7), (0.8, 1.6)


def mover(x: float, z: float, size: tuple[float, float], fill: float) -> Mover:
    """`size`: width and height in metres, at X, Z."""
    wide, tall = size
    box = Box(400 + 500 * (x - wide / 2) / z, 300 + 2500 / z - 500 * tall / z, 500 * wide / z, 500 * tall / z)
    return Mover(box, fill, wide, tall)


def verdicts(movers: Iterable[Mover], period_ms: int = 200) -> list[bool]:
    """Whether each picture's only blob is a vehicle."""
    solidity = Solidity(ground())
    return [solidity.update([each], n * period_ms) == {each.box} for n, each in enumerate(movers)]


def test_who_fills_the_box_is_a_vehicle_and_who_leaves_gaps_is_people() -> None:
    assert verdicts([mover(0, 14, CAR, 0.9)] * 3) == [True] * 3
    assert verdicts([mover(0, 14, PAIR, 0.7)] * 3) == [False] * 3


def test_one_picture_of_another_kind_changes_nothing() -> None:
    """In the mean of six, one of .5 among .9 leaves .83; one of .95 among .65 leaves .7."""
    assert verdicts([mover(0, 14, CAR, fill) for fill in (0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.9)]) == [True] * 7
    assert verdicts([mover(0, 14, PAIR, fill) for fill in (0.65, 0.65, 0.65, 0.65, 0.65, 0.95)]) == [False] * 6


def test_a_verdict_stays_until_the_opposite_is_clear() -> None:
    """After two seconds nothing is left of the .9, and .77 is a little under what a vehicle fills: not enough."""
    assert verdicts([mover(0, 14, CAR, 0.9)] * 5 + [mover(0, 14, CAR, 0.77)] * 20) == [True] * 25
    assert verdicts([mover(0, 14, CAR, 0.9)] * 5 + [mover(0, 14, PAIR, 0.6)] * 20)[-1] is False


def test_what_is_narrow_is_not_judged_by_its_fill() -> None:
    assert verdicts([mover(0, 14, PERSON, 1.0)] * 5) == [False] * 5


def riding(mps: float, seconds: float, period_ms: int, size: tuple[float, float] = RIDER) -> list[Mover]:
    return [mover(-6 + mps * n * period_ms / 1000, 14, size, 0.6) for n in range(round(seconds * 1000 / period_ms))]


@pytest.mark.parametrize("period_ms", [100, 200, 333])
def test_who_is_as_fast_as_traffic_for_a_second_is_a_vehicle_and_stays_one_when_it_stands(period_ms: int) -> None:
    ride = riding(8.0, 1.5, period_ms)
    found = verdicts(ride + ride[-1:] * 20, period_ms)
    assert found[0] is False
    assert found[len(ride) - 1 :] == [True] * 21


@pytest.mark.parametrize("period_ms", [100, 200, 333])
def test_a_runner_of_five_metres_a_second_is_none(period_ms: int) -> None:
    assert not any(verdicts(riding(5.0, 2.4, period_ms, PERSON), period_ms))


def test_a_blob_that_jumps_to_and_fro_is_not_fast() -> None:
    """As blobs do that merge and part: 2.6 metres in every 0.4 s, but nowhere."""
    assert not any(verdicts([mover(1.3 * (-1) ** n, 14, PERSON, 0.6) for n in range(20)], 400))


def test_without_a_ground_nobody_is_fast_whose_height_trembles() -> None:
    """At the right of the picture, 40 m away: a tenth of the height is 6 of the 62 m to the left border."""
    heights = Plane.of(Calibration(height=((350, 50), (550, 150))), (800, 600), (800, 600))
    solidity = Solidity(heights)
    for n in range(30):
        tall = 20 * (1 + 0.1 * (-1) ** n)
        box = Box(740, 325 - tall, 8, tall)
        assert solidity.update([Mover(box, 0.6, 0.6, 1.7)], n * 400) == set()


def test_what_has_gone_is_forgotten() -> None:
    solidity = Solidity(ground())
    assert solidity.update([mover(0, 14, CAR, 0.9)], 0)
    solidity.update([], 3100)
    assert solidity.update([mover(0, 14, CAR, 0.77)], 3200) == set()
