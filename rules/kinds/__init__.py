"""Kinds of rules: one file and one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.extensions import ExtensionTable

if TYPE_CHECKING:
    from rules.engine.watch import RuleKind

KINDS: ExtensionTable[RuleKind] = ExtensionTable(
    "kind",
    {
        "absence": "rules.kinds.absence:KIND",
        "baseline": "rules.kinds.baseline:KIND",
        "deadline": "rules.kinds.deadline:KIND",
        "derive": "rules.kinds.derive:KIND",
        "flatline": "rules.kinds.flatline:KIND",
        "forecast": "rules.kinds.forecast:KIND",
        "geofence": "rules.kinds.geofence:KIND",
        "jump": "rules.kinds.jump:KIND",
        "range": "rules.kinds.range:KIND",
        "rate": "rules.kinds.rate:KIND",
        "repeat": "rules.kinds.repeat:KIND",
        "sequence": "rules.kinds.sequence:KIND",
        "threshold": "rules.kinds.threshold:KIND",
        "window": "rules.kinds.window:KIND",
    },
)
"""Every kind by the name that a rule's `kind` gives."""
CASE_KINDS = frozenset({"deadline"})
"""Kinds that watch cases."""
TRACK_KINDS = frozenset({"geofence"})
"""Kinds that watch each track of a camera by itself."""
