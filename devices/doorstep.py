"""The doorstep: from what a device said to a reading that everybody behind can rely on.

Checks quantity, unit, range and clock; measures each device's clock skew and the gaps in its numbering. Reads
the receive time that it is given, never a clock.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from devices.decoders import Measurement
from devices.directory import Known
from pipeline.core.clock import parse_rfc3339
from pipeline.core.errors import BadInput, Reason, Rejected, shown
from pipeline.core.events import MAX_MS, Position, Quality, Reading
from pipeline.core.places import check_position
from pipeline.core.quantities import Nature, Quantity, quantity

MAX_AHEAD_MS = 120_000
MAX_AGE_MS = 7 * 86_400_000
SKEW_EVERY_MS = 60_000
RESTART_SEQ = 16
"""A device without a clock whose number falls to at most this has started again."""
MAX_SEQ = 2**53
"""What every JSON parser keeps exactly; far below what the store's 64 bits hold."""
MAX_TEXT = 256
_MAX_REFUSED = 1000


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


class _Count(NamedTuple):
    """How far a device has counted, and the newest time that it gave."""

    seq: int
    said: int


class Bookkeeping:
    """What the gateway itself finds out about each device: clock skew and gaps in its numbering.

    State is bounded by the number of registered devices. After a restart of the gateway `recall` takes the count
    up where the log ends; a device that the log says nothing of begins anew with its first message.
    """

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._refused: dict[str, set[int]] = {}
        self._skew: dict[str, tuple[int, int]] = {}

    def gap(self, found: Reading, *, stamped: bool = True) -> Reading | None:
        """A `seq_gap` reading when messages are missing before this one.

        `stamped`: the device gave a time. Then a lower number with a later time is a device that has started
        again, and a lower number with an earlier time a repeat.
        """
        last = self._counts.get(found.device)
        missing = self._missing(last, found)
        self._count(last, found, stamped)
        return _about(found, "seq_gap", "{message}", float(missing)) if missing else None

    def recall(self, device: str, seq: int, said: int) -> None:
        """Take up a number that the log holds already."""
        last = self._counts.get(device)
        if seq > 0 and (last is None or seq > last.seq or said > last.said):
            self._counts[device] = _Count(seq, max(said, last.said if last else 0))

    def refused(self, device: str, seq: int) -> None:
        """A message with this number came, and was refused: it is not missing."""
        numbers = self._refused.setdefault(device, set())
        if seq > 0 and len(numbers) < _MAX_REFUSED:
            numbers.add(seq)

    def _missing(self, last: _Count | None, found: Reading) -> int:
        if last is None or found.seq <= last.seq + 1:
            return 0
        came = sum(last.seq < number < found.seq for number in self._refused.pop(found.device, ()))
        return found.seq - last.seq - 1 - came

    def _count(self, last: _Count | None, found: Reading, stamped: bool) -> None:
        if found.seq <= 0:
            return
        said = _said(found)
        if last is None or found.seq > last.seq:
            self._counts[found.device] = _Count(found.seq, max(said, last.said if last else 0))
        elif found.seq < last.seq and (said > last.said if stamped else found.seq <= RESTART_SEQ):
            self._counts[found.device] = _Count(found.seq, said)

    def skew(self, found: Reading, received: int) -> Reading | None:
        """Once a minute and device, the least of (received - the device's time): clock skew plus shortest way."""
        if found.historical or found.quality is Quality.UNCERTAIN:
            return None
        late = received - _said(found)
        since, least = self._skew.get(found.device, (received, late))
        if received - since < SKEW_EVERY_MS:
            self._skew[found.device] = (since, min(least, late))
            return None
        self._skew[found.device] = (received, late)
        return _about(found, "clock_skew", "ms", float(min(least, late)))


def _said(found: Reading) -> int:
    return found.at if found.device_at is None else found.device_at


def _about(found: Reading, name: str, unit: str, value: float) -> Reading:
    return Reading(
        device=found.device, quantity=name, at=found.at, unit=unit, value=value, site=found.site, seq=found.seq
    )
