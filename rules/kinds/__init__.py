"""Kinds of rules: one file and one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.core.extensions import ExtensionTable

if TYPE_CHECKING:
    from rules.engine.stage2 import SecondKind
    from rules.engine.watch import RuleKind

KINDS: ExtensionTable[RuleKind] = ExtensionTable(
    "kind",
    {
        "absence": "rules.kinds.absence:KIND",
        "area": "rules.kinds.area:KIND",
        "baseline": "rules.kinds.baseline:KIND",
        "cluster": "rules.kinds.cluster:KIND",
        "composite": "rules.kinds.composite:KIND",
        "deadline": "rules.kinds.deadline:KIND",
        "derive": "rules.kinds.derive:KIND",
        "flatline": "rules.kinds.flatline:KIND",
        "forecast": "rules.kinds.forecast:KIND",
        "geofence": "rules.kinds.geofence:KIND",
        "jump": "rules.kinds.jump:KIND",
        "range": "rules.kinds.range:KIND",
        "rate": "rules.kinds.rate:KIND",
        "recurrence": "rules.kinds.recurrence:KIND",
        "repeat": "rules.kinds.repeat:KIND",
        "sequence": "rules.kinds.sequence:KIND",
        "threshold": "rules.kinds.threshold:KIND",
        "window": "rules.kinds.window:KIND",
    },
)
"""Every kind by the name that a rule's `kind` gives."""

STAGE2: ExtensionTable[SecondKind] = ExtensionTable(
    "kind",
    {
        "area": "rules.kinds.area:STAGE2",
        "cluster": "rules.kinds.cluster:STAGE2",
        "composite": "rules.kinds.composite:STAGE2",
        "recurrence": "rules.kinds.recurrence:STAGE2",
    },
)
"""The kinds that the alerts worker judges too."""

OVER_CONDITIONS = frozenset({"cluster", "composite", "recurrence"})
"""The kinds that no reading goes to: they have no scope."""
CASE_KINDS = frozenset({"deadline"})
"""Kinds that watch cases."""
TRACK_KINDS = frozenset({"geofence"})
"""Kinds that watch each track of a camera by itself."""
