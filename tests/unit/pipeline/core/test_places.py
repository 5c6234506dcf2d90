"""Distances and polygons, with values from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import BadInput
from pipeline.core.events import Position
from pipeline.core.places import check_position, distance_m, inside

SQUARE: list[Position] = [(0, 0), (4, 0), (4, 4), (0, 4)]
positions = st.tuples(st.floats(-180, 180), st.floats(-89, 89))


def test_one_degree_of_latitude_is_111_195_m_on_the_mean_sphere() -> None:
    assert distance_m((109.2, 12.0), (109.2, 13.0)) == pytest.approx(111_195, abs=1)


def test_a_quarter_of_the_equator_is_a_quarter_of_the_circumference() -> None:
    assert distance_m((0, 0), (90, 0)) == pytest.approx(10_007_557, abs=1)


@given(positions, positions)
def test_distance_is_symmetric_and_at_most_half_the_circumference(a: Position, b: Position) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a))
    assert 0 <= distance_m(a, b) <= 20_015_115


@pytest.mark.parametrize(
    ("point", "within"), [((2, 2), True), ((5, 2), False), ((4, 2), True), ((0, 0), True), ((2, 4.001), False)]
)
def test_the_boundary_of_a_polygon_is_inside(point: Position, within: bool) -> None:
    assert inside(point, SQUARE) is within


def test_a_notch_is_outside() -> None:
    notched: list[Position] = [(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)]
    assert not inside((2, 3), notched)
    assert inside((2, 0.5), notched)


def test_a_position_with_swapped_coordinates_is_refused() -> None:
    with pytest.raises(BadInput, match="longitude"):
        check_position("point", (12.2, 109.2))
