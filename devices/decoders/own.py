"""Our own profile: one JSON object, or an array of them.

`{"quantity": .., "value": .., "unit"?: .., "at"?: .., "seq"?: ..}`; a state sends `text` in place of `value`.
`at` is milliseconds since the epoch or RFC 3339; `seq` counts the device's messages.
"""

from __future__ import annotations

import msgspec

from devices.decoders import Item, Measurement
from pipeline.core.codec import malformed, wrong_type
from pipeline.core.errors import Reason, Rejected

MAX_ITEMS = 500
_one = msgspec.json.Decoder(Measurement)
_many = msgspec.json.Decoder(list[Measurement])
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def decode(payload: bytes, topic: str) -> list[Item]:
    """Items of a payload. A bad element of an array is rejected alone. Raises Rejected."""
    try:
        if payload.lstrip()[:1] == b"[":
            return _array(payload)
        return [Item(_complete(_one.decode(payload)))]
    except msgspec.ValidationError as error:
        _well_formed(payload)
        raise wrong_type(error) from None
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, bad UTF-8 too
        raise malformed(payload, error) from None


def _array(payload: bytes) -> list[Item]:
    raws = _raws.decode(payload)
    if not 1 <= len(raws) <= MAX_ITEMS:
        reason = Reason.TOO_LARGE if raws else Reason.WRONG_TYPE
        raise Rejected(reason, f"line: {len(raws)} readings in one message; expected 1 to {MAX_ITEMS}")
    try:
        return [_checked(measurement, raw) for measurement, raw in zip(_many.decode(payload), raws, strict=True)]
    except (ValueError, RecursionError):  # an element that is skipped over may still be broken UTF-8 inside
        return [_single(raw) for raw in raws]


def _single(raw: msgspec.Raw) -> Item:
    try:
        return _checked(_one.decode(raw), raw)
    except msgspec.ValidationError as error:
        return Item(rejection=wrong_type(error), raw=bytes(raw))
    except (ValueError, RecursionError) as error:
        return Item(rejection=malformed(bytes(raw), error), raw=bytes(raw))


def _checked(measurement: Measurement, raw: msgspec.Raw) -> Item:
    try:
        return Item(_complete(measurement))
    except Rejected as rejection:
        return Item(rejection=rejection, raw=bytes(raw))


def _complete(measurement: Measurement) -> Measurement:
    if (measurement.value is None) == (measurement.text is None):
        raise Rejected(Reason.WRONG_TYPE, "value: expected either a number in `value` or a state in `text`")
    return measurement


def _well_formed(payload: bytes) -> None:
    """Broken JSON is told as such, also when its first fields have a wrong type. Raises Rejected."""
    try:
        msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise malformed(payload, error) from None
