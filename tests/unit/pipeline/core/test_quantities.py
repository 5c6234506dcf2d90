"""Conversions against published factors, and refusals that say what would be right."""

from __future__ import annotations

import pytest

from pipeline.core.errors import Reason, Rejected
from pipeline.core.quantities import quantity


@pytest.mark.parametrize(
    ("name", "value", "unit", "canonical"),
    [
        ("air_temperature", 212.0, "[degF]", 100.0),  # boiling water
        ("air_temperature", -40.0, "[degF]", -40.0),  # where the two scales meet
        ("air_temperature", 273.15, "K", 0.0),
        ("water_level", 626.0, "cm", 6.26),
        ("wind_speed", 36.0, "km/h", 10.0),
        ("mean_speed", 10.0, "m/s", 36.0),
        ("vessel_speed", 18.52, "km/h", 10.0),  # 1 knot = 1.852 km/h
        ("water_flow", 1000.0, "L/s", 1.0),
        ("air_pressure", 101325.0, "Pa", 1013.25),  # standard atmosphere
        ("no2", 100.0, "[ppb]", 188.2),  # factors at 25 degrees Celsius, 760 mmHg
        ("co", 1.0, "[ppm]", 1145.6),
        ("pm2_5", 0.05, "mg/m3", 50.0),
        ("relative_humidity", 0.8, "1", 80.0),
        ("noise_level", 70.0, "dB(A)", 70.0),
        ("salinity", 4.0, "‰", 4.0),
        ("rain_depth", 5.2, "", 5.2),
    ],
)
def test_values_are_converted_to_the_canonical_unit(name: str, value: float, unit: str, canonical: float) -> None:
    assert quantity(name).canonical(value, unit) == pytest.approx(canonical, rel=1e-6, abs=1e-9)


def test_a_wrong_unit_is_refused_with_the_units_that_would_be_right() -> None:
    with pytest.raises(Rejected, match="expected one of m, cm, mm") as caught:
        quantity("water_level").canonical(1.0, "mmHg")
    assert caught.value.reason == Reason.WRONG_UNIT


def test_an_unknown_quantity_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="'watrlevel'") as caught:
        quantity("watrlevel")
    assert caught.value.reason == Reason.UNKNOWN_QUANTITY


def test_the_bounds_of_a_range_are_plausible_and_beyond_them_nothing_is() -> None:
    ph = quantity("ph")
    assert [ph.plausible(value) for value in (-0.01, 0, 14, 14.01)] == [False, True, True, False]
