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
        "flatline": "rules.kinds.flatline:KIND",
        "forecast": "rules.kinds.forecast:KIND",
        "jump": "rules.kinds.jump:KIND",
        "range": "rules.kinds.range:KIND",
        "rate": "rules.kinds.rate:KIND",
        "repeat": "rules.kinds.repeat:KIND",
        "threshold": "rules.kinds.threshold:KIND",
        "window": "rules.kinds.window:KIND",
    },
)
"""Every kind by the name that a rule's `kind` gives."""
