"""Whatever the times of the pictures, 3 to 25 a second and as uneven as may be: the same dwell, speeds and counts."""

from __future__ import annotations

from statistics import harmonic_mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.catalogue import Zone
from pipeline.core.events import DetectionEvent
from tests.unit.vision.street import CAR, PERSON, Mover, Street, by_points, straight
from tests.unit.vision.watching import CAMERA, arrow, line, places, play, zone

gaps_s = st.lists(st.floats(0.04, 0.34), min_size=30, max_size=30)
"""Times between pictures, repeated for as long as the scene lasts."""
LANE = CAMERA.ground((-5, 14), (5, 14), (5, 44), (-5, 44))


def pictures(gaps: list[float], length_s: float) -> list[float]:
    """Times of pictures with these gaps, again and again."""
    found, time = [0.0], 0.0
    while time < length_s:
        time += gaps[len(found) % len(gaps)]
        found.append(round(time, 3))
    return found


@settings(max_examples=40, deadline=None)
@given(gaps=gaps_s, arrives_s=st.floats(3, 10), stays_s=st.floats(5, 40), leaves_s=st.floats(3, 10))
def test_dwell_is_what_it_was(gaps: list[float], arrives_s: float, stays_s: float, leaves_s: float) -> None:
    gone = arrives_s + stays_s + leaves_s
    way = by_points((0, 9, 19), (arrives_s, 0, 19), (arrives_s + stays_s, 0, 19), (gone, -9, 19))
    heard = play(places([zone(dwell_s=5)]), Street([Mover(PERSON, way)], CAMERA), pictures(gaps, gone))
    (entered,), (left,) = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    # the border is 5 m from the middle: 5 / 9 of the way in and of the way out are inside
    true_s = stays_s + (arrives_s + leaves_s) * 5 / 9
    assert (left.at - entered.at) / 1000 == pytest.approx(true_s, rel=0.05)
    assert heard.of(DetectionEvent.DWELL)[0].at == entered.at + 5000


@settings(max_examples=40, deadline=None)
@given(gaps=gaps_s, speeds=st.lists(st.floats(4, 16), min_size=5, max_size=8))
def test_mean_speed_and_counts_are_what_they_were(gaps: list[float], speeds: list[float]) -> None:
    lane = Zone(id="z", polygon=LANE, labels=("car",), direction=arrow((0, 40), (0, 15)))
    cars = [Mover(CAR, straight((2.5 * (n % 4) - 3.7, 60), (0, -mps), begin=5.0 * n)) for n, mps in enumerate(speeds)]
    heard = play(places([lane], [line()]), Street(cars, CAMERA), pictures(gaps, 59))
    assert heard.values("mean_speed")[0] == pytest.approx(3.6 * harmonic_mean(speeds), rel=0.05)
    assert heard.values("car_count") == [len(speeds)]
    assert heard.of(DetectionEvent.WRONG_WAY) == []


@settings(max_examples=40, deadline=None)
@given(gaps=gaps_s, stands_s=st.floats(14, 30), seed=st.integers(0, 2**32 - 1))
def test_a_stop_is_one_stop_of_the_same_length(gaps: list[float], stands_s: float, seed: int) -> None:
    lane = Zone(id="z", polygon=LANE, labels=("car",), stopped_s=5)
    way = by_points((0, 1, 60), (6, 1, 25), (6 + stands_s, 1, 25), (12 + stands_s, 1, 5.5))
    heard = play(places([lane]), Street([Mover(CAR, way)], CAMERA), pictures(gaps, 12 + stands_s), shake=seed)
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert begin.at / 1000 == pytest.approx(6 + 5, abs=1.0)
    assert end.at / 1000 == pytest.approx(6 + stands_s, abs=1.0)


@settings(max_examples=60, deadline=None)
@given(gaps=gaps_s, deep_m=st.floats(3, 8), mps=st.floats(8, 20))
def test_who_goes_through_a_short_zone_enters_and_leaves_it_when_it_takes_a_tenth_of_a_second(
    gaps: list[float], deep_m: float, mps: float
) -> None:
    polygon = CAMERA.ground((-5, 20), (5, 20), (5, 20 + deep_m), (-5, 20 + deep_m))
    short = Zone(id="z", polygon=polygon, labels=("car",), direction=arrow((0, 40), (0, 15)))
    heard = play(places([short]), Street([Mover(CAR, straight((0, 60), (0, -mps)))], CAMERA), pictures(gaps, 40 / mps))
    (entered,), (left,) = heard.of(DetectionEvent.ENTER), heard.of(DetectionEvent.LEAVE)
    # its foot is its near end, 2.15 m before the middle
    assert entered.at / 1000 == pytest.approx((60 - 2.15 - 20 - deep_m) / mps, abs=0.05)
    assert (left.at - entered.at) / 1000 == pytest.approx(deep_m / mps, abs=0.05)
