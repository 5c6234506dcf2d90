"""Which labels mean one kind of object, so that a detector may give now the one, now the other for the same object.

A lorry is a car in every fifth picture, and a van has no name of its own among COCO's classes. An object keeps its
id over such a change, and its label is the one with the most confidence behind it since it was first seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType({
    **dict.fromkeys(("car", "bus", "truck", "vehicle", "van", "pickup"), "four wheels"),
    **dict.fromkeys(("motorcycle", "motorbike", "bicycle", "bike"), "two wheels"),
    **dict.fromkeys(("backpack", "handbag", "suitcase"), "bag"),
})  # fmt: skip
MOVERS: Mapping[str, str] = MappingProxyType({"person": "mover", "vehicle": "mover"})
"""Of a detector that tells people from vehicles by how they move."""


def same_kind(a: str, b: str) -> bool:
    """Whether two labels may mean one object."""
    return KINDS.get(a, a) == KINDS.get(b, b)
