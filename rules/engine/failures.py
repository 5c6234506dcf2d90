"""What goes wrong inside: a rule that throws is put out of service, a lost piece of the log is reported."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import ConditionEdge, EndReason, Severity, Why
from rules.engine.episodes import lose
from rules.engine.fold import Fold, Source
from rules.engine.settings import Rule
from rules.engine.watch import STATE_PREFIX, Watch
from rules.engine.world import World

RULE_FAILED = "sys.rule_failed"
GAP = "sys.gap"
VERSION = "system"
PREFIX = b"f|"
_SHOWN = 600
"""Room for a mistake of a rule in both languages, with a list of all kinds in each."""


class FailureState(msgspec.Struct, frozen=True, array_like=True):
    """A rule out of service: the version that failed, and since when."""

    version: str
    episode: int


def fail(fold: Fold, world: World, rule: Rule, error: Exception) -> None:
    """Put a rule out of service: end its conditions, and begin the one that tells of it."""
    prefix = f"{STATE_PREFIX}{rule.id}|".encode()
    for key in sorted(key for key in {*fold.states, *fold.changed} if key.startswith(prefix)):
        watch = world.watch(key)
        if watch is not None and fold.state(key) is not None:
            _retire(fold, watch, key)
    report_failed(fold, rule.id, rule.version, f"{type(error).__name__}: {error}")


def report_failed(fold: Fold, rule: str, version: str, detail: str) -> None:
    """Begin `sys.rule_failed|<rule>`."""
    fold.counts["ioc_rules_failed_total"] += 1
    fold.changed[PREFIX + rule.encode()] = FailureState(version, fold.log)
    fold.out_of_service.add(rule)
    _source(rule).emit(
        fold,
        ConditionEdge.BEGIN,
        episode=fold.log,
        n=0,
        severity=Severity.MAJOR,
        at=fold.log,
        why=Why(detail=detail[:_SHOWN]),
    )


def mend(fold: Fold, rule: str) -> None:
    """End `sys.rule_failed|<rule>`: the rule was changed or removed."""
    state: FailureState | None = fold.state(PREFIX + rule.encode())
    if state is None:
        return
    fold.changed[PREFIX + rule.encode()] = None
    fold.out_of_service.discard(rule)
    _source(rule).emit(
        fold, ConditionEdge.END, episode=state.episode, n=1, severity=Severity.MAJOR, at=fold.log, why=Why()
    )


def report_gap(fold: Fold) -> None:
    """Tell that retention removed records before they were judged: begin and end at once."""
    place = f"{fold.frame.topic}/{fold.frame.partition}"
    why = Why(count=fold.frame.lost, detail=f"{fold.frame.lost} records before offset {fold.frame.offset} were lost")
    for n, edge in enumerate((ConditionEdge.BEGIN, ConditionEdge.END)):
        Source(GAP, VERSION, f"{GAP}|{place}").emit(
            fold, edge, episode=fold.log, n=n, severity=Severity.MAJOR, at=fold.log, why=why
        )


def _source(rule: str) -> Source:
    return Source(RULE_FAILED, VERSION, f"{RULE_FAILED}|{rule}")


def _retire(fold: Fold, watch: Watch, key: bytes) -> None:
    try:
        lose(fold, watch, fold.log, EndReason.RULE_FAILED)
    except Exception:  # noqa: BLE001 - it fails even in ending: its state goes; counted
        fold.counts["ioc_rules_failed_total"] += 1
        fold.changed[key] = None
