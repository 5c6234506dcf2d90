"""State as bytes and back: a tag and the state's own fields, MessagePack."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.core.errors import BadInput
from rules.engine.episodes import PastState
from rules.engine.failures import FailureState
from rules.engine.generations import GenerationState
from rules.engine.producers import ProducerState
from rules.engine.reorder import ReorderState
from rules.kinds import KINDS

_OWN: dict[str, type] = {
    "producer": ProducerState,
    "failure": FailureState,
    "past": PastState,
    "generation": GenerationState,
    "ReorderState": ReorderState,
}
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
    """One state, encoded; that of a kind inside another state is encoded by itself."""
    if isinstance(state, ReorderState):
        inner = None if state.inner is None else dump_state(state.inner)
        return _ENCODER.encode((ReorderState.__name__, (state.waiting, inner)))
    return _ENCODER.encode((_tags()[type(state)], state))


def load_state(raw: bytes) -> Any:
    """One state, decoded. Raises BadInput for a state that this version does not know."""
    tag, body = msgspec.msgpack.decode(raw, type=tuple[str, msgspec.Raw])
    if tag not in _DECODERS:
        types = {tag: kind for kind, tag in _tags().items()}
        if tag not in types:
            raise BadInput.one_of("state", tag, sorted(types))
        _DECODERS[tag] = msgspec.msgpack.Decoder(types[tag])
    state = _DECODERS[tag].decode(body)
    if isinstance(state, ReorderState) and state.inner is not None:
        return ReorderState(state.waiting, load_state(state.inner))
    return state
