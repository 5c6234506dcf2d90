"""A value of a zone that is too high for a while: begin and end with hysteresis. Pure."""

from __future__ import annotations

from pipeline.core.events import DetectionEvent, Edge
from vision.analytics.zone import Finding

HOLD_MS = 5000
OFF = 0.8
"""It is over below this part of the limit."""


class Level:
    """Begins when the value was at or over 1 for HOLD_MS, ends when it was under OFF for as long.

    Both are dated to the end of that time, whenever the next picture came.
    """

    def __init__(self, event: DetectionEvent, place: str) -> None:
        self._event, self._place = event, place
        self._since: int | None = None
        self._high = False

    def update(self, value: float, at: int) -> list[Finding]:
        """The value, as a part of the limit, at `at` (ms)."""
        turns = value < OFF if self._high else value >= 1
        if not turns:
            self._since = None
            return []
        self._since = at if self._since is None else self._since
        return self._turn(self._since + HOLD_MS) if at - self._since >= HOLD_MS else []

    def close(self, at: int) -> list[Finding]:
        """Nothing is seen there any more."""
        self._since = None
        return self._turn(at) if self._high else []

    def _turn(self, at: int) -> list[Finding]:
        self._high, self._since = not self._high, None
        return [Finding(self._event, at, self._place, edge=Edge.BEGIN if self._high else Edge.END)]
