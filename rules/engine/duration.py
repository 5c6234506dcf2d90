"""Durations as rules write them: `250ms`, `90s`, `10m`, `1h`, `7d`, or joined, `1h30m`."""

from __future__ import annotations

import re

from pipeline.core.errors import Misread

_PART = re.compile(r"(\d+)(ms|s|m|h|d|w)")
_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_WHOLE = re.compile(r"(?:\d+(?:ms|s|m|h|d|w))+")
_LONGEST_MS = 366 * 86_400_000


def parse_duration(text: object) -> int:
    """Milliseconds of `text`; 0 may stand without a unit. Raises Misread."""
    if text == 0 and not isinstance(text, bool):
        return 0
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        such = "90s, 10m, 1h"
        raise Misread(f"a duration such as {such} or 1h30m", vi=f"khoảng thời gian như {such} hoặc 1h30m")
    total = sum(int(count) * _MS[unit] for count, unit in _PART.findall(text))
    if total > _LONGEST_MS:
        raise Misread("a duration of at most 366 days", vi="khoảng thời gian tối đa 366 ngày")
    return total


def show_duration(ms: int) -> str:
    """`ms` in the largest unit that divides it, e.g. `10m`."""
    for unit in ("d", "h", "m", "s"):
        if ms and ms % _MS[unit] == 0:
            return f"{ms // _MS[unit]}{unit}"
    return f"{ms}ms"
