"""What a change of the catalogue does to conditions that live: they go on, or end with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pipeline.core.catalogue import Kind
from pipeline.core.conditions import EndReason
from pipeline.core.machine import CatalogueChange
from rules.engine import episodes, failures
from rules.engine.fold import Fold
from rules.engine.watch import parse_state_key
from rules.engine.world import World

_WIDE = (Kind.AREA, Kind.SITE, Kind.TYPE, Kind.GROUP, Kind.CALENDAR)
_DEVICES = (Kind.DEVICE, Kind.CAMERA)
Owns = Callable[[str], bool]


def take_news(fold: Fold, old: World, news: Iterable[CatalogueChange], owns: Owns) -> World:
    """The world after `news`; conditions that it ends are ended at L, with their reason."""
    changes = list(news)
    new = old.after(changes, fold.log)
    rules = {change.id for change in changes if change.kind is Kind.RULE}
    rules |= {rule for rule, lateness in new.lateness().items() if old.lateness().get(rule) != lateness}
    devices = {change.id for change in changes if change.kind in _DEVICES}
    wide = any(change.kind in _WIDE for change in changes) or old.catalogue.expires(fold.log)
    for key in sorted({*fold.states, *fold.changed}):
        if key.startswith(b"c|") and fold.state(key) is not None:
            rule, entity = parse_state_key(key)
            if wide or rule in rules or entity.device in devices:
                _carry_over(fold, key, rule, old, new)
    episodes.forget(fold)
    for rule in sorted(rules):
        _service(fold, rule, old, new)
    _start(fold, new, owns, fold.log)  # what comes now heard nobody before: that is no silence
    return new


def greet(fold: Fold, world: World, owns: Owns) -> None:
    """At the very first frame: expect the devices that absence rules watch, as of old."""
    _start(fold, world, owns, 0)


def _carry_over(fold: Fold, key: bytes, rule_id: str, old: World, new: World) -> None:
    before, after = old.watch(key), new.watch(key)
    if before is None:
        return
    reason = _reason(rule_id, old, new, in_scope=after is not None)
    if reason is None and after is not None:
        fold.counts["ioc_rules_states_kept_total"] += 1
        after.adopt(fold)
    elif reason is not None:
        fold.counts["ioc_rules_states_dropped_total"] += 1
        episodes.lose(fold, before, fold.log, reason)


def _reason(rule_id: str, old: World, new: World, *, in_scope: bool) -> EndReason | None:
    if rule_id in new.invalid:
        return EndReason.RULE_FAILED
    if rule_id not in new.rules:
        return EndReason.RULE_REMOVED
    if old.rules[rule_id].shape != new.rules[rule_id].shape:
        return EndReason.RULE_CHANGED
    return None if in_scope else EndReason.OUT_OF_SCOPE


def _service(fold: Fold, rule: str, old: World, new: World) -> None:
    """A changed rule is in service again. A broken document is reported once, by the alerts worker."""
    before, after = old.catalogue.rules.get(rule), new.catalogue.rules.get(rule)
    if before is not None and after is not None and before.sha256 == after.sha256 and before.active == after.active:
        return
    failures.mend(fold, rule)


def _start(fold: Fold, world: World, owns: Owns, since: int) -> None:
    for watch in world.starters(owns):
        if fold.state(watch.key) is None and watch.rule.id not in fold.out_of_service:
            watch.start(fold, since)  # type: ignore[attr-defined]
