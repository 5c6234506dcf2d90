"""Which worker's word on a camera counts: that of the newest generation.

A camera belongs to one vision worker at a time. One that was cut off or frozen, and does not know yet that another
took its cameras over, may still send; its generation is lower, and what it says is dropped and counted.
"""

from __future__ import annotations

import msgspec

from pipeline.core.events import Event
from rules.engine.fold import Fold

PREFIX = b"g|"
DROPPED = "ioc_rules_old_generation_total"


class GenerationState(msgspec.Struct, frozen=True, array_like=True):
    """The newest generation seen of one camera, or of one of its zones."""

    newest: int


def is_old(fold: Fold, event: Event) -> bool:
    """Whether a newer generation has spoken of the event's device; takes note of the event's own."""
    generation: int | None = getattr(event, "generation", None)
    if generation is None:
        return False
    key = PREFIX + str(getattr(event, "device", "")).encode()
    state: GenerationState | None = fold.state(key)
    if state is not None and generation < state.newest:
        fold.counts[DROPPED] += 1
        return True
    if state is None or generation > state.newest:
        fold.changed[key] = GenerationState(generation)
    return False
