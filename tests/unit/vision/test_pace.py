"""Speeds of walkers whose way is known, on a level camera 5 m up (see test_tracker)."""

from __future__ import annotations

import pytest

from tests.unit.vision.test_tracker import ground, seen_at
from vision.pace import Pace, PaceMeter
from vision.picture import Seen
from vision.tracker import Tracker


def walked(period: int, until: int, hidden: range = range(0), mps: float = 1.2) -> tuple[PaceMeter, int]:
    """Walk from X -3 at Z 12; returns the meter and the time of the last picture."""
    tracker, meter, at = Tracker("7", 0.5, ground()), PaceMeter(), 0
    for at in range(0, until + 1, period):
        seen: list[Seen] = [] if at in hidden else [seen_at(-3 + mps * at / 1000, 12)]
        meter.update(tracker.update(seen, at), at)
    return meter, at


def pace(period: int, until: int, end: int, hidden: range = range(0)) -> Pace | None:
    return walked(period, until, hidden)[0].pace("7-1", end)


@pytest.mark.parametrize("period", [100, 200, 333])
def test_the_speed_is_that_of_the_walk_at_any_frame_rate(period: int) -> None:
    found = pace(period, 4000, 3400)
    assert found is not None
    assert (found.begin, found.end) == (2400, 3400)
    assert found.mps == pytest.approx(1.2, rel=0.03)
    assert found.vx == pytest.approx(1.2, rel=0.03)
    assert 0 < found.sigma_mps <= 0.15


def test_who_was_hidden_for_over_half_a_second_is_not_measured() -> None:
    assert pace(200, 4000, 3400, hidden=range(2500, 2700)) is not None
    assert pace(200, 4000, 3400, hidden=range(2300, 3100)) is None


def test_a_camera_of_one_picture_a_second_hides_nobody() -> None:
    meter, _ = walked(1000, 9000, mps=0.5)
    found = meter.pace("7-1", 8500)
    assert found is None or found.mps == pytest.approx(0.5, rel=0.1)


def test_who_came_during_the_span_or_is_not_known_is_not_measured() -> None:
    assert pace(200, 1200, 800) is None
    assert walked(200, 4000)[0].pace("7-9", 3400) is None


def test_what_is_remembered_has_an_end() -> None:
    meter, _ = walked(200, 12_000, mps=0.3)
    assert meter.pace("7-1", 3400) is None
    assert meter.pace("7-1", 11_500) is not None
