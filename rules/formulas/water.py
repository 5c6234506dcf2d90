"""Class of surface water, QCVN 08:2023/BTNMT, Table 2 (rivers)."""

from __future__ import annotations

from bisect import bisect_left

from rules.formulas.formula import Formula, Known, Result

CLASSES = "ABCD"
_AT_MOST: dict[str, tuple[float, float, float]] = {
    "bod5": (4, 6, 10),
    "cod": (10, 15, 20),
    "toc": (4, 6, 8),
    "tss": (25, 100, 100),
    "total_phosphorus": (0.1, 0.3, 0.5),
    "total_nitrogen": (0.6, 1.5, 2.0),
    "coliform": (1000, 5000, 7500),
}
"""Highest value of classes A, B, C. Suspended solids above 100 mg/L are C or D by floating waste, which no sensor sees:
D, the worse one."""
_OXYGEN = (6.0, 5.0, 4.0)


def parameter_class(name: str, value: float) -> str:
    """The class of one parameter: mg/L; coliform in CFU or MPN per 100 ml; pH without unit."""
    if name == "ph":
        return "A" if 6.5 <= value <= 8.5 else "B" if 6.0 <= value <= 8.5 else "D"
    if name == "dissolved_oxygen":
        return next((CLASSES[number] for number, low in enumerate(_OXYGEN) if value >= low), "D")
    return CLASSES[bisect_left(_AT_MOST[name], value)]


def water_class(known: Known) -> Result:
    """The worst class of the parameters that are known; QCVN 08:2023/BTNMT names no class without all of them."""
    return max((parameter_class(name, value) for name, value in known.values.items()), default=None)


WATER_CLASS = Formula("water_class", ("ph", "dissolved_oxygen", *_AT_MOST), water_class)
