"""Level of service of a road, A (free) to F (broken down)."""

from __future__ import annotations

from rules.formulas.formula import Formula, Known, Result

_SPEED = ((80.0, "A"), (67.0, "B"), (50.0, "C"), (40.0, "D"), (30.0, "E"))
_VOLUME = ((0.35, "A"), (0.5, "B"), (0.75, "C"), (0.9, "D"), (1.0, "E"))


def by_speed(known: Known) -> Result:
    """From mean speed as a share of the free-flow speed (attribute `free_flow_speed`, km/h).

    Highway Capacity Manual, urban streets: A above 80 %, B 67, C 50, D 40, E 30, else F.
    """
    speed, free = known.values.get("mean_speed"), known.number("free_flow_speed")
    if speed is None or free is None:
        return None
    share = 100 * speed / free
    return next((level for bound, level in _SPEED if share > bound), "F")


def by_volume(known: Known) -> Result:
    """From flow as a share of the capacity (attribute `capacity`, vehicles an hour).

    TCXDVN 104:2007, Z = V/C: A up to 0.35, B 0.50, C 0.75, D 0.90, E 1.0, else F.
    """
    flow, capacity = known.values.get("traffic_flow"), known.number("capacity")
    if flow is None or capacity is None:
        return None
    return next((level for bound, level in _VOLUME if flow / capacity <= bound), "F")


LOS = Formula("level_of_service", ("mean_speed",), by_speed)
LOS_VOLUME = Formula("level_of_service", ("traffic_flow",), by_volume)
