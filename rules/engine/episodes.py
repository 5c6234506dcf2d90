"""The newest episode of a key whose state a change has taken: none of the key's later episodes may be below it.

The alerts worker takes an episode that is not above the newest one of its key for a repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from pipeline.core.conditions import EndReason
from rules.engine.fold import Fold

if TYPE_CHECKING:
    from rules.engine.watch import Watch

PREFIX = b"e|"
KEPT_MS = 7 * 86_400_000
"""How long an episode is remembered after its state has gone; a live reading that old does not come any more."""


class PastState(msgspec.Struct, frozen=True, array_like=True):
    """`log`: L when the state went."""

    log: int
    episode: int


def past_key(alert_key: str) -> bytes:
    """Where the newest episode of an alert key without a state is kept."""
    return PREFIX + alert_key.encode()


def lose(fold: Fold, watch: Watch, at: int, reason: EndReason) -> None:
    """End what is active, at `at` for `reason`, and forget the state, but for the newest episode."""
    episode = watch.episode(fold.state(watch.key))
    watch.retire(fold, at, reason)
    if episode is not None:
        fold.changed[past_key(watch.entity.alert_key(watch.rule.id))] = PastState(fold.log, episode)


def newest(fold: Fold, alert_key: str) -> int | None:
    """The newest episode of a key whose state has gone; None when none is remembered."""
    past: PastState | None = fold.state(past_key(alert_key))
    return None if past is None else past.episode


def forget(fold: Fold) -> None:
    """Drop what is older than `KEPT_MS`."""
    for key in sorted({*fold.states, *fold.changed}):
        if key.startswith(PREFIX):
            past: PastState | None = fold.state(key)
            if past is not None and fold.log - past.log > KEPT_MS:
                fold.changed[key] = None
