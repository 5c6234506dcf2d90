"""Formulas of derived quantities: one function and one line each. `derive` rules name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.extensions import ExtensionTable

if TYPE_CHECKING:
    from rules.formulas.formula import Formula

FORMULAS: ExtensionTable[Formula] = ExtensionTable(
    "formula",
    {
        "heat_index": "rules.formulas.weather:HEAT_INDEX",
        "los": "rules.formulas.traffic:LOS",
        "los_volume": "rules.formulas.traffic:LOS_VOLUME",
        "nesterov": "rules.formulas.weather:NESTEROV",
        "vn_aqi_day": "rules.formulas.air:VN_AQI_DAY",
        "vn_aqi_hour": "rules.formulas.air:VN_AQI_HOUR",
        "vn_aqi_pollutant": "rules.formulas.air:VN_AQI_POLLUTANT",
        "water_class": "rules.formulas.water:WATER_CLASS",
    },
)
"""Every formula by its name."""


def derived_quantities() -> frozenset[str]:
    """The quantities that formulas make."""
    return frozenset(FORMULAS[name].output for name in FORMULAS)
