"""Rules and catalogue together, as of one place in the log, with the watches that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from pipeline.core.catalogue import Kind, RuleDocument
from pipeline.core.events import Case, Detection, Reading
from pipeline.core.machine import CatalogueChange
from rules.engine.catalogue import Catalogue
from rules.engine.loader import BadRules, rule_from_document
from rules.engine.reorder import Reordered
from rules.engine.settings import DEFAULT_LATENESS_MS, Rule
from rules.engine.watch import Entity, Watch, parse_state_key
from rules.kinds import KINDS, OVER_CONDITIONS, STAGE2, TRACK_KINDS

MAX_MEMO = 500_000
Watches = tuple[Watch, ...]


class World:
    """Immutable but for its memo: which watches a device's reading of a quantity goes to.

    `rules`: those in force, in id order. `invalid`: rules whose document does not hold, with the mistake.
    """

    def __init__(self, catalogue: Catalogue, known: Mapping[str, Rule]) -> None:
        self.catalogue = catalogue
        self.rules: dict[str, Rule] = {}
        self.invalid: dict[str, str] = {}
        for rule_id in sorted(catalogue.rules):
            self._take(catalogue.rules[rule_id], known.get(rule_id))
        self._by_quantity: dict[str, list[Rule]] = {}
        self._by_detection: list[Rule] = []
        self._by_case: list[Rule] = []
        for rule in self.rules.values():
            if rule.kind not in OVER_CONDITIONS:
                self._index(rule)
        self._series: dict[tuple[str, str], Watches] = {}
        self._sightings: dict[tuple[str, ...], Watches] = {}
        self._watches: dict[bytes, Watch] = {}
        self._tracks = any(rule.kind in TRACK_KINDS for rule in self._by_detection)
        self._lateness: dict[str, int] = {}

    def _index(self, rule: Rule) -> None:
        if rule.scope.cases is not None:
            self._by_case.append(rule)
        elif rule.scope.detections is not None:
            self._by_detection.append(rule)
        else:
            for quantity in rule.inputs or (rule.scope.quantity,):
                self._by_quantity.setdefault(quantity, []).append(rule)

    def _take(self, document: RuleDocument, known: Rule | None) -> None:
        if not document.active:
            return
        if known is not None and known.version == document.sha256 and known.source == document.rule:
            self.rules[document.id] = known
            return
        try:
            self.rules[document.id] = rule_from_document(document.rule)
        except BadRules as bad:
            self.invalid[document.id] = str(bad)

    def after(self, changes: Iterable[CatalogueChange], at: int) -> World:
        """The world after catalogue changes, as of L = `at`."""
        return World(self.catalogue.with_changes(changes, at), self.rules)

    def lateness(self) -> dict[str, int]:
        """Every rule's lateness in ms."""
        if not self._lateness:
            self._lateness = {rule.id: self.second_lateness(rule) for rule in self.rules.values()}
        return self._lateness

    def second_lateness(self, rule: Rule) -> int:
        """A rule's lateness; that of a rule over conditions is the largest of its members', unless it has its own."""
        if rule.lateness_ms is not None or rule.kind not in OVER_CONDITIONS:
            return self.catalogue.lateness(rule)
        members = (self.rules.get(name) for name in STAGE2[rule.kind].members(rule))
        return max((self.second_lateness(one) for one in members if one is not None), default=DEFAULT_LATENESS_MS)

    def of_reading(self, reading: Reading) -> Watches:
        """The watches that a reading goes to, in rule-id order."""
        key = (reading.device, reading.quantity)
        found = self._series.get(key)
        return self._bind_series(*key) if found is None else found

    def _bind_series(self, device: str, quantity: str) -> Watches:
        rules = [*self._by_quantity.get(quantity, ()), *self._by_quantity.get("", ())]
        watches = self._bind(rules, device, quantity)
        _bound(self._series)
        self._series[(device, quantity)] = watches
        return watches

    def of_detection(self, seen: Detection) -> Watches:
        """The watches that a detection goes to, in rule-id order."""
        key = (seen.camera, seen.event.value, seen.zone, seen.label, seen.track if self._tracks else "")
        found = self._sightings.get(key)
        if found is None:
            _bound(self._sightings)
            found = self._sightings[key] = self._bind_sighting(*key)
        return found

    def _bind_sighting(self, camera: str, event: str, zone: str, label: str, track: str) -> Watches:
        rules = [rule for rule in self._by_detection if _matches(rule, event, zone, label)]
        zones = self._bind([rule for rule in rules if rule.kind not in TRACK_KINDS], camera, zone)
        tracks = self._bind([rule for rule in rules if rule.kind in TRACK_KINDS], camera, track) if track else ()
        return tuple(sorted((*zones, *tracks), key=lambda watch: watch.rule.id))

    def of_case(self, case: Case) -> Watches:
        """The watches that a case goes to, in rule-id order."""
        rules = [rule for rule in self._by_case if _holds_case(rule, case)]
        return tuple(self._watch(rule, Entity(case.case)) for rule in sorted(rules, key=lambda rule: rule.id))

    def _bind(self, rules: list[Rule], device: str, part: str) -> Watches:
        fitting = [rule for rule in rules if self.catalogue.in_scope(rule.scope, device)]
        return tuple(
            self._watch(rule, Entity(device, part if _has_part(rule) else ""))
            for rule in sorted(fitting, key=lambda rule: rule.id)
        )

    def _watch(self, rule: Rule, entity: Entity) -> Watch:
        watch = KINDS[rule.kind].watch(rule, entity, self.catalogue)
        if rule.reorder_ms:
            watch = Reordered(watch, rule.reorder_ms)
        _bound(self._watches)
        return self._watches.setdefault(watch.key, watch)

    def watch(self, key: bytes) -> Watch | None:
        """The watch of a state key; None when its rule is gone or its device is out of scope."""
        found = self._watches.get(key)
        if found is not None:
            return found
        rule_id, entity = parse_state_key(key)
        rule = self.rules.get(rule_id)
        if rule is None:
            return None
        whole = not entity.device and rule.kind in STAGE2
        if not whole and not self.catalogue.in_scope(rule.scope, entity.device):
            return None
        return self._watch(rule, entity)

    def starters(self, owns: Any) -> list[Watch]:
        """Watches of entities that are expected to send even if they never did."""
        rules = [rule for rule in self.rules.values() if KINDS[rule.kind].starts and rule.scope.detections is None]
        devices = sorted(set(self.catalogue.devices) | set(self.catalogue.documents[Kind.CAMERA])) if rules else []
        return [
            self._watch(rule, Entity(device, rule.scope.quantity))
            for rule in rules
            for device in devices
            if owns(device) and self.catalogue.in_scope(rule.scope, device) and self._sends(device, rule)
        ]

    def _sends(self, device: str, rule: Rule) -> bool:
        kind = self.catalogue.type_of(device)
        quantities = () if kind is None else kind.quantities
        wanted = rule.scope.quantity
        return not wanted or not quantities or any(row.quantity == wanted for row in quantities)


def _has_part(rule: Rule) -> bool:
    return bool(rule.scope.quantity) or rule.scope.detections is not None


def _matches(rule: Rule, event: str, zone: str, label: str) -> bool:
    wanted = rule.scope.detections
    return wanted is not None and all(
        not mine or mine == theirs
        for mine, theirs in ((wanted.event, event), (wanted.zone, zone), (wanted.label, label))
    )


def _holds_case(rule: Rule, case: Case) -> bool:
    wanted = rule.scope.cases
    return wanted is not None and wanted.case in ("", case.kind.value) and wanted.department in ("", case.department)


def _bound(memo: dict[Any, Any]) -> None:
    """Keep a memo bounded by dropping its older half; what is dropped is found anew when needed."""
    if len(memo) >= MAX_MEMO:
        for key in list(islice(memo, MAX_MEMO // 2)):
            del memo[key]
