"""State as bytes and back: a tag and the state's own fields, MessagePack."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.core.errors import BadInput
from rules.engine.failures import FailureState
from rules.engine.producers import ProducerState
from rules.kinds import KINDS

_OWN: dict[str, type] = {"producer": ProducerState, "failure": FailureState}
_TAGS: dict[type, str] = {}
_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {}


def _tags() -> dict[type, str]:
    if not _TAGS:
        _TAGS.update({kind: tag for tag, kind in _OWN.items()})
        for name in KINDS:
            _TAGS.update({state: state.__name__ for state in KINDS[name].states})
    return _TAGS


def dump_state(state: object) -> bytes:
    """One state, encoded."""
    return _ENCODER.encode((_tags()[type(state)], state))


def load_state(raw: bytes) -> Any:
    """One state, decoded. Raises BadInput for a state that this version does not know."""
    tag, body = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
    if tag not in _DECODERS:
        types = {tag: kind for kind, tag in _tags().items()}
        if tag not in types:
            raise BadInput("state", tag, f"one of {', '.join(sorted(types))}")
        _DECODERS[tag] = msgspec.msgpack.Decoder(types[tag])
    return _DECODERS[tag].decode(body)
