"""The doorstep: from what a device said to a reading that everybody behind can rely on.

Checks quantity, unit, range and clock, measures each device's clock skew, and tells what a station says of itself.
Reads the receive time that it is given, never a clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from devices.decoders import Measurement
from devices.directory import Known
from pipeline.core.clock import parse_rfc3339
from pipeline.core.errors import BadInput, Reason, Rejected, shown
from pipeline.core.events import MAX_MS, Position, Quality, Reading, StationStatus
from pipeline.core.places import check_position
from pipeline.core.quantities import Nature, Quantity, quantity

MAX_AHEAD_MS = 120_000
MAX_AGE_MS = 7 * 86_400_000
SKEW_EVERY_MS = 60_000
MAX_SEQ = 2**53
"""What every JSON parser keeps exactly; far below what the store's 64 bits hold."""
MAX_TEXT = 256


class Stamp(NamedTuple):
    """When it happened, what the device itself said, and whether that was nothing at all."""

    at: int
    device_at: int | None
    missing: bool


def reading(measurement: Measurement, known: Known, received: int) -> Reading:
    """The reading of a measurement received at `received` (ms).

    Raises Rejected: unknown_quantity, wrong_unit, wrong_type, not_finite, clock_ahead, too_old.
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
        seq=_seq(measurement.seq),
        raw=measurement.raw,
        status=measurement.status,
        point=_point(measurement.point),
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
        raise Rejected(Reason.TOO_OLD, f"at: {measurement.at} is more than 7 days old; set the device's clock")
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
        _check_state(measurement.text or "")
        return None, True
    value = row.canonical(measurement.value, measurement.unit)
    if not math.isfinite(value):  # JSON has no infinity, but a conversion may lead there: 1e308 km in metres
        raise Rejected(Reason.NOT_FINITE, f"value: {measurement.value} {measurement.unit} is beyond all numbers")
    return value, row.plausible(value)


def _check_state(text: str) -> None:
    """PostgreSQL keeps no NUL, and a state is a word. Raises Rejected."""
    if not (0 < len(text) <= MAX_TEXT and text.isprintable()):
        expected = f"1 to {MAX_TEXT} printable characters"
        raise Rejected(Reason.WRONG_TYPE, f"text: {shown(text)} is no state; expected {expected}")


def _seq(seq: int) -> int:
    if not 0 <= seq <= MAX_SEQ:
        raise Rejected(Reason.WRONG_TYPE, f"seq: {shown(seq)} is no message number; expected 0 to 2^53")
    return seq


def _point(point: Position | None) -> Position | None:
    try:
        return None if point is None else check_position("point", point)
    except BadInput as error:
        raise Rejected(Reason.WRONG_TYPE, str(error)) from None


def _quality(measurement: Measurement, stamp: Stamp, plausible: bool) -> Quality:
    if measurement.status is not None:
        return Quality.BAD  # only a station that is measuring may feed an index (Circular 10/2021/TT-BTNMT)
    if measurement.quality is not None and measurement.quality is not Quality.GOOD:
        return measurement.quality
    return Quality.UNCERTAIN if stamp.missing or not plausible else Quality.GOOD


class ClockSkew:
    """Measures every device's clock. State is bounded by the number of registered devices."""

    def __init__(self) -> None:
        self._least: dict[str, tuple[int, int]] = {}

    def measure(self, found: Reading, received: int) -> Reading | None:
        """Once a minute and device, the least of (received - the device's time): clock skew plus shortest way."""
        if found.historical or found.quality is Quality.UNCERTAIN:
            return None
        late = received - said(found)
        since, least = self._least.get(found.device, (received, late))
        if received - since < SKEW_EVERY_MS:
            self._least[found.device] = (since, min(least, late))
            return None
        self._least[found.device] = (received, late)
        skew = float(min(least, late))
        return Reading(
            device=found.device,
            quantity="clock_skew",
            at=found.at,
            unit="ms",
            value=skew,
            site=found.site,
            seq=found.seq,
        )


MODE = "mode"
MODE_EVERY_MS = 60_000
MEASURING = "measuring"


class StationMode:
    """Makes a reading of `mode` out of the status that a station gives each of its values.

    The gravest status of the station's quantities counts (Circular 10/2021/TT-BTNMT gives one to each): it is told
    when it changes, and once a minute while it is not `measuring`. A station whose type lists `mode` is told at its
    first message too, so that a calibration that ended while nobody listened ends here. A device that sends `mode`
    itself is left alone. State is bounded by the registered devices and the table of quantities.
    """

    def __init__(self) -> None:
        self._statuses: dict[str, dict[str, StationStatus | None]] = {}
        self._told: dict[str, tuple[str, int]] = {}
        self._own: set[str] = set()
        self._newest: Reading | None = None

    def note(self, found: Reading) -> None:
        """Take in one reading of the message in hand."""
        if found.quantity == MODE:
            self._own.add(found.device)
        elif not found.historical:
            self._statuses.setdefault(found.device, {})[found.quantity] = found.status
            self._newest = found

    def due(self, *, listed: bool) -> Reading | None:
        """What the message is to be told for, once all its readings are noted. `listed`: its type lists `mode`."""
        newest, self._newest = self._newest, None
        if newest is None or newest.device in self._own:
            return None
        mode = _gravest(self._statuses[newest.device].values())
        before, at = self._told.get(newest.device, ("" if listed else MEASURING, newest.at))
        if mode == before and (mode == MEASURING or newest.at - at < MODE_EVERY_MS):
            return None
        self._told[newest.device] = (mode, newest.at)
        return Reading(device=newest.device, quantity=MODE, at=newest.at, text=mode, site=newest.site, seq=newest.seq)


def _gravest(statuses: Iterable[StationStatus | None]) -> str:
    found = set(statuses)
    return next((str(one) for one in (StationStatus.ERROR, StationStatus.CALIBRATING) if one in found), MEASURING)


def said(found: Reading) -> int:
    """What the device's own clock said (ms)."""
    return found.at if found.device_at is None else found.device_at
