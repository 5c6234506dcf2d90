"""The doorstep: from what a device said to a reading that everybody behind can rely on.

Checks quantity, unit, range and clock; measures each device's clock skew and the gaps in its numbering. Reads
the receive time that it is given, never a clock.
"""

from __future__ import annotations

from typing import NamedTuple

from devices.decoders import Measurement
from devices.directory import Known
from pipeline.core.clock import parse_rfc3339
from pipeline.core.errors import Reason, Rejected
from pipeline.core.events import MAX_MS, Quality, Reading
from pipeline.core.quantities import Nature, Quantity, quantity

MAX_AHEAD_MS = 120_000
MAX_AGE_MS = 7 * 86_400_000
SKEW_EVERY_MS = 60_000
RESTART_SEQ = 16
"""A device whose number falls to at most this has started again; it is no gap."""


class Stamp(NamedTuple):
    """When it happened, what the device itself said, and whether that was nothing at all."""

    at: int
    device_at: int | None
    missing: bool


def reading(measurement: Measurement, known: Known, received: int) -> Reading:
    """The reading of a measurement received at `received` (ms).

    Raises Rejected: unknown_quantity, wrong_unit, wrong_type, clock_ahead, too_old.
    """
    row = quantity(measurement.quantity)
    stamp = _stamp(measurement, known, received)
    value, plausible = _value(measurement, row)
    return Reading(
        device=known.device.id,
        quantity=row.name,
        at=stamp.at,
        unit=row.unit,
        value=value,
        text=measurement.text,
        quality=_quality(measurement, stamp, plausible),
        site=known.device.site,
        seq=measurement.seq,
        raw=measurement.raw,
        status=measurement.status,
        point=measurement.point,
        origin=measurement.origin,
        historical=measurement.historical,
        device_at=stamp.device_at,
    )


def _stamp(measurement: Measurement, known: Known, received: int) -> Stamp:
    if measurement.at is None:
        return Stamp(received, None, missing=True)
    at = _milliseconds(measurement.at)
    if known.type.clock == "arrival":
        return Stamp(received, at, missing=False)
    if at > received + MAX_AHEAD_MS:
        ahead = (at - received) / 1000
        raise Rejected(Reason.CLOCK_AHEAD, f"at: {measurement.at} is {ahead:.0f} s ahead of us; set the device's clock")
    if at < received - MAX_AGE_MS:
        raise Rejected(Reason.TOO_OLD, f"at: {measurement.at} is more than 7 days old; import it with `ioc replay`")
    return Stamp(at, None, missing=False)


def _milliseconds(at: int | str) -> int:
    if isinstance(at, int):
        if 0 <= at < MAX_MS:
            return at
        raise Rejected(Reason.WRONG_TYPE, f"at: {at} is not in milliseconds since 1970")
    try:
        return parse_rfc3339(at)
    except ValueError:
        raise Rejected(Reason.WRONG_TYPE, f"at: {at!r} is no RFC 3339 date-time") from None


def _value(measurement: Measurement, row: Quantity) -> tuple[float | None, bool]:
    if (measurement.value is None) != (row.nature is Nature.STATE):
        expected = "a state in `text`" if row.nature is Nature.STATE else "a number in `value`"
        raise Rejected(Reason.WRONG_TYPE, f"value: {row.name} is {row.nature}; expected {expected}")
    if measurement.value is None:
        return None, True
    value = row.canonical(measurement.value, measurement.unit)
    return value, row.plausible(value)


def _quality(measurement: Measurement, stamp: Stamp, plausible: bool) -> Quality:
    if measurement.status is not None:
        return Quality.BAD  # only a station that is measuring may feed an index (Circular 10/2021/TT-BTNMT)
    if measurement.quality is not None and measurement.quality is not Quality.GOOD:
        return measurement.quality
    return Quality.UNCERTAIN if stamp.missing or not plausible else Quality.GOOD


class Bookkeeping:
    """What the gateway itself finds out about each device: clock skew and gaps in its numbering.

    State is bounded by the number of registered devices; after a restart of the gateway the first message of
    a device sets the count anew.
    """

    def __init__(self) -> None:
        self._seq: dict[str, int] = {}
        self._skew: dict[str, tuple[int, int]] = {}

    def gap(self, found: Reading) -> Reading | None:
        """A `seq_gap` reading when messages are missing before this one."""
        last = self._seq.get(found.device)
        if found.seq <= 0:
            return None
        if last is None or found.seq > last or found.seq <= RESTART_SEQ < last:
            self._seq[found.device] = found.seq
        if last is None or found.seq <= last + 1:
            return None
        return _about(found, "seq_gap", "{message}", float(found.seq - last - 1))

    def skew(self, found: Reading, received: int) -> Reading | None:
        """Once a minute and device, the least of (received - the device's time): clock skew plus shortest way."""
        said = found.device_at if found.device_at is not None else found.at
        if found.historical or found.quality is Quality.UNCERTAIN:
            return None
        since, least = self._skew.get(found.device, (received, received - said))
        least = min(least, received - said)
        if received - since < SKEW_EVERY_MS:
            self._skew[found.device] = (since, least)
            return None
        self._skew[found.device] = (received, received - said)
        return _about(found, "clock_skew", "ms", float(least))


def _about(found: Reading, name: str, unit: str, value: float) -> Reading:
    return Reading(
        device=found.device, quantity=name, at=found.at, unit=unit, value=value, site=found.site, seq=found.seq
    )
