"""State of one alert key, and what one fold of it writes."""

from __future__ import annotations

import msgspec

from pipeline.core.alerts import Alert, AlertEvent

RECENT = 32
"""How many verb ids and late episodes a key remembers."""


class KeyState(msgspec.Struct, frozen=True):
    """What is known of an alert key.

    `sequence`: of its newest event. `episode`, `n`: the newest condition applied. `raised_at`, `rose_at`,
    `verb_at`: sequences of the newest raise, rise of severity and verb. `alert`: the open alert, if any.
    `closed_at`: L when the last one closed.
    """

    sequence: int = 0
    episode: int = -1
    n: int = -1
    raised_at: int = 0
    rose_at: int = 0
    verb_at: int = 0
    verbs: tuple[str, ...] = ()
    late: tuple[tuple[int, int], ...] = ()
    alert: Alert | None = None
    closed_at: int = 0


class AlertOutput(msgspec.Struct, frozen=True, kw_only=True):
    """One event for the alert topic. Times are ms; `recorded` is log time.

    `causation`: id of the condition or verb. `correlation`: the incident. `tells_state`: the event changes what
    the compacted state topic holds under `key`; `state` is that, None when the alert is closed.
    """

    type: AlertEvent
    id: str
    key: str
    alert: str
    time: int
    recorded: int
    sequence: int
    causation: str
    correlation: str = ""
    body: Alert
    tells_state: bool = True
    state: Alert | None = None
