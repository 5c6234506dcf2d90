"""Distances as rules write them: `500m`, `3km`."""

from __future__ import annotations

import re

from rules.engine.fields import Fields

_WHOLE = re.compile(r"(\d+(?:\.\d+)?)(m|km)")


def read_distance(fields: Fields, field: str) -> float:
    """Metres of a field; a mistake is noted there."""
    match = _WHOLE.fullmatch(str(fields.raw(field)))
    metres = 0.0 if match is None else float(match[1]) * (1000 if match[2] == "km" else 1)
    if not metres:
        wanted = "a distance above 0 such as 500m or 3km"
        fields.wrong(field, wanted, vi="khoảng cách lớn hơn 0, ví dụ 500m hoặc 3km")
    return metres or 1.0
