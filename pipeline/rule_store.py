"""Rules from files into the registry: where the rules room and the devices room meet."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from devices.registry import Registry
from pipeline.core.catalogue import Document, Kind, RuleDocument
from rules.engine.loader import dropping
from rules.engine.settings import Rule


def document_of(rule: Rule) -> RuleDocument:
    """The catalogue document of a rule, without its tests."""
    content = {name: value for name, value in rule.source.items() if name != "tests"}
    return RuleDocument(
        id=rule.id,
        title=rule.title,
        rule=content,
        sha256=rule.version,
        pack=rule.origin.pack,
        pack_version=rule.origin.version,
        overridden=rule.origin.overridden,
    )


def store_rules(registry: Registry, rules: Iterable[Rule], *, prune: bool = False) -> list[str]:
    """Store rules as documents; returns a sentence for each that changed.

    `prune`: active rules that are not among `rules` are deactivated; their conditions end with `rule_removed`.
    """
    told = []
    kept = set()
    for rule in rules:
        kept.add(rule.id)
        before = registry.find(Kind.RULE, rule.id)
        stored = registry.put(document_of(rule))
        if before is None or before.version != stored.version:
            told.append(f"{rule.id} is active, version {stored.version}{_fate(before, stored)}")
    for document in registry.list(Kind.RULE) if prune else ():
        if document.active and document.id not in kept:
            registry.put(msgspec.structs.replace(document, active=False))
            told.append(f"{document.id} is no longer active")
    return told or ["nothing has changed"]


def _fate(before: Document | None, after: RuleDocument) -> str:
    """What happens to the rule's state: SEMANTICS.md, "Changes"."""
    if not isinstance(before, RuleDocument) or not before.active:
        return ""
    fields = dropping(before.rule, after.rule)
    if not fields:
        return "; its state is kept, the change acts at the next reading"
    return f"; {', '.join(fields)} changed: its state is dropped, its conditions end with rule_changed"
