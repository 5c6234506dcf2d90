"""How much road a vehicle takes. Metres; usual sizes, for what is not measured."""

from __future__ import annotations

from typing import NamedTuple


class Footprint(NamedTuple):
    """A vehicle's length, and the width of road that it needs to itself."""

    length_m: float
    width_m: float


LANE_M = 3.5
CAR = Footprint(4.5, LANE_M)
FOOTPRINTS = {
    "bicycle": Footprint(1.8, 1.2),
    "bike": Footprint(2.0, 1.2),
    "motorcycle": Footprint(2.0, 1.2),
    "motorbike": Footprint(2.0, 1.2),
    "bus": Footprint(12.0, LANE_M),
    "truck": Footprint(8.0, LANE_M),
}
"""What is not a car's: who has two wheels shares a lane with others."""


def footprint(label: str) -> Footprint:
    """A vehicle's, by its label; a car's for what is not told more precisely."""
    return FOOTPRINTS.get(label, CAR)
