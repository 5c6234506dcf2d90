"""The `window` field of a rule: which windows there are, and what each of them takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.core.conditions import Window as WindowEvidence
from pipeline.core.quantities import QUANTITIES
from rules.engine.fields import Fields
from rules.engine.predicates import OPERATORS
from rules.kinds.aggregates import AGGREGATES, Memory
from rules.kinds.grid import read_zone

MAX_PANES = 10_000
TYPES = ("tumbling", "hopping", "sliding", "session", "count")
CLOCK = ("tumbling", "hopping")


class WindowSettings(msgspec.Struct, frozen=True):
    """Sizes in ms; `size` of a count window is a number of readings. A tumbling window's step is its size."""

    type: str
    size: int
    every: int
    gap: int
    aggregate: str
    min_coverage: float
    zone: str
    early: bool


def aggregated(
    settings: WindowSettings, start: int, end: int, memory: Memory, count: int, coverage: float | None
) -> WindowEvidence:
    """The aggregate of `count` readings, withheld when there are too few of them."""
    aggregate = AGGREGATES[settings.aggregate]
    insufficient = coverage is not None and coverage < settings.min_coverage
    value = aggregate.value(memory, count) if count else aggregate.empty
    if settings.aggregate == "coverage" and coverage is not None:
        value = 100 * coverage
    return WindowEvidence(
        type=settings.type,
        start=start,
        end=end,
        aggregate=settings.aggregate,
        value=None if insufficient else value,
        count=count,
        coverage=coverage,
        insufficient=insufficient,
    )


def read_window(fields: Fields) -> WindowSettings:
    """`window`: type, size or gap, every, aggregate, min_coverage, timezone, early."""
    fields.require("window")
    inner = fields.inner("window")
    kind = inner.choice("type", TYPES, "tumbling")
    inner.require("gap" if kind == "session" else "size", "aggregate")
    size = inner.count("size", 1, low=1) if kind == "count" else inner.duration("size", 60_000)
    if kind == "hopping":
        inner.require("every")
    every = inner.duration("every", size)
    found = WindowSettings(
        type=kind,
        size=size,
        every=every,
        gap=inner.duration("gap", 0),
        aggregate=inner.choice("aggregate", sorted(AGGREGATES), "mean"),
        min_coverage=inner.number("min_coverage", 0.0) or 0.0,
        zone=read_zone(inner),
        early=inner.flag("early"),
    )
    _check(inner, found)
    if found.early:
        _check_early(fields, inner, found)
    inner.no_more()
    return found


def _check(inner: Fields, found: WindowSettings) -> None:
    clock = found.type in CLOCK
    if (clock or found.type == "sliding") and found.size < 1000:
        inner.below_1s("size")
    if found.type == "tumbling" and found.every != found.size:
        inner.unwanted(
            "every", "a tumbling window's step is its size", vi="cửa sổ tumbling có bước bằng chính độ dài size"
        )
    if clock and (found.every < 1000 or found.size % found.every or found.size // found.every > MAX_PANES):
        inner.wrong(
            "every",
            f"a step of at least 1s that goes into the size, at most {MAX_PANES} times",
            vi=f"bước ít nhất 1s và chia hết size, tối đa {MAX_PANES} lần",
        )
    if found.type == "session" and found.gap < 1000:
        inner.below_1s("gap")
    for field, types in (("every", CLOCK), ("timezone", CLOCK), ("gap", ("session",)), ("early", CLOCK)):
        if field in inner and found.type not in types:
            inner.unwanted(field, f"a {found.type} window has none", vi=f"cửa sổ {found.type} không có")
    if found.type == "session" and "size" in inner:
        inner.unwanted("size", "a session is as long as it is", vi="phiên (session) dài bao nhiêu là tùy số liệu")
    _check_coverage(inner, found)


def _check_coverage(inner: Fields, found: WindowSettings) -> None:
    if found.type in ("session", "count"):
        why, vi = f"nothing is expected of a {found.type} window", f"cửa sổ {found.type} không biết trước số lần đo"
        if "min_coverage" in inner:
            inner.unwanted("min_coverage", why, vi=vi)
        if found.aggregate == "coverage":
            inner.wrong("aggregate", f"no coverage: {why}", vi=f"cách gộp khác coverage: {vi}")
    if not 0 <= found.min_coverage <= 1:
        inner.wrong("min_coverage", "a share from 0 to 1", vi="tỷ lệ từ 0 đến 1")


def _check_early(fields: Fields, inner: Fields, found: WindowSettings) -> None:
    """Only what can never stop to hold before the window's end may begin before it."""
    side = {"count": "above", "sum": "above", "max": "above", "min": "below"}.get(found.aggregate)
    if side is None or (found.aggregate == "sum" and not _never_negative(fields)):
        inner.wrong(
            "early",
            "count, sum of a quantity that is never negative, max or min",
            vi="cách gộp count, max, min, hoặc sum của đại lượng không bao giờ âm",
        )
    elif not set(_comparisons(fields.data.get("raise"))) <= {side}:
        inner.wrong(
            "early",
            f"{side} only, for {found.aggregate} may begin early only on that side",
            vi=f"chỉ {side}: {found.aggregate} chỉ báo sớm được ở phía đó",
        )
    if "for" in fields or "min_coverage" in inner:
        inner.wrong(
            "early",
            "no for and no min_coverage beside early: they ask for the whole window",
            vi="bỏ for và min_coverage khi có early: chúng đòi đủ cả cửa sổ",
        )


def _never_negative(fields: Fields) -> bool:
    scope: Any = fields.data.get("scope")
    row = QUANTITIES.get(str(scope.get("quantity"))) if isinstance(scope, dict) else None
    return row is not None and row.low is not None and row.low >= 0


def _comparisons(raised: Any) -> Iterable[str]:
    """The names of the comparisons under `raise`, and of what must not stand beside early."""
    for name, inner in raised.items() if isinstance(raised, dict) else ():
        if name in OPERATORS or name == "for":
            yield name
        elif isinstance(inner, dict) and name != "clear":
            yield from _comparisons(inner)
