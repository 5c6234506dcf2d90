"""The wall clock. Only the front doors (gateway, feeds, cameras, console, command line) may read it.

Rules never see it: time passes there by the log (see ARCHITECTURE.md, "Three clocks").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Milliseconds since the epoch, UTC. Injected wherever time is read, so tests can script it."""


def now_ms() -> int:
    """The wall clock in milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def rfc3339(ms: int) -> str:
    """`ms` since the epoch as RFC 3339 text in UTC with milliseconds, e.g. `2026-11-21T01:00:00.000Z`."""
    moment = datetime.fromtimestamp(ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def parse_rfc3339(text: str) -> int:
    """Milliseconds since the epoch of an RFC 3339 date-time; fractions below a millisecond are cut.

    Raises ValueError when the text is no date-time or has no offset from UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write e.g. 2026-11-21T08:00:00+07:00")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
