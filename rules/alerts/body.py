"""The whole alert: from a condition, its rule and the catalogue. At most 64 KiB; what is cut is counted."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.alerts import MAX_ALERT_BYTES, Alert, AlertState, Entity, Flag, Text, Times
from pipeline.core.catalogue import RuleDocument, Site
from pipeline.core.clock import rfc3339
from pipeline.core.conditions import Condition, Severity, Why, alert_id
from rules.alerts.texts import Facts, description, headline
from rules.engine.catalogue import Catalogue
from rules.engine.loader import BadRules, rule_from_document
from rules.engine.settings import AlertText

MAX_COMMENTS = 50
MAX_NOTE = 2000
_MAX_TEXTS = 4096
_SYSTEM_TITLES = {
    "sys.producer": Text("Nguồn gửi dữ liệu không còn hoạt động", "A source of data has fallen silent"),
    "sys.rule_failed": Text("Luật cảnh báo bị lỗi, đã ngừng chạy", "A rule failed and was put out of service"),
    "sys.gap": Text("Mất một phần dữ liệu chưa được xử lý", "Part of the log was lost before it was judged"),
}


class Describer:
    """Makes bodies from conditions, with the names and texts of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._texts: dict[str, tuple[Text, AlertText]] = {}

    def raised(self, condition: Condition, sequence: int, log: int) -> Alert:
        """The alert that a begin raises."""
        alert = Alert(
            alert=alert_id(condition.rule, condition.key, condition.episode),
            key=condition.key,
            rule=condition.rule,
            rule_version=condition.rule_version,
            episode=condition.episode,
            sequence=sequence,
            state=AlertState(active=Flag(True, rfc3339(condition.at)), acked=Flag(False)),
            severity=condition.severity,
            highest=condition.severity,
            entity=self._entity(condition),
            location=self._location(condition),
            times=Times(begin=rfc3339(condition.at)),
            late=condition.late,
        )
        _, texts = self._rule(condition.rule)
        alert = replace(
            alert,
            instruction=texts.instruction,
            steps=texts.steps,
            category=texts.category,
            legal=texts.legal,
        )
        return self.told(alert, condition, log)

    def told(self, alert: Alert, condition: Condition, log: int) -> Alert:
        """The alert with the texts, evidence and times of its newest condition."""
        title, _ = self._rule(condition.rule)
        facts = Facts(condition, title, self._place(condition))
        times = replace(alert.times, event=rfc3339(condition.at), log=rfc3339(condition.log), evaluated=rfc3339(log))
        return fitted(
            replace(
                alert,
                rule_version=condition.rule_version,
                headline=headline(facts),
                description=description(facts),
                why=condition.why,
                times=times,
                reason=condition.reason.value if condition.reason else "",
            )
        )

    def _rule(self, rule_id: str) -> tuple[Text, AlertText]:
        document = self._catalogue.rules.get(rule_id)
        if document is None:
            return _SYSTEM_TITLES.get(rule_id, Text(rule_id, rule_id)), AlertText()
        if document.sha256 not in self._texts:
            self._texts[document.sha256] = _texts_of(document)
        return self._texts[document.sha256]

    def _entity(self, condition: Condition) -> Entity:
        parts = condition.key.split("|")
        found = self._catalogue.device(condition.device)
        site = self._site(condition)
        if site is not None:
            areas = self._catalogue.chain(site.area)
            return Entity(kind="site", id=site.id, name=self._place(condition), site=site.id, areas=areas)
        area = self._catalogue.area(parts[-1]) if not condition.device else None
        return Entity(
            kind=_kind(parts, area is not None or self._catalogue.group(parts[-1]) is not None),
            id="|".join(parts[1:]),
            name=self._place(condition),
            site="" if found is None else found.site,
            areas=self._catalogue.areas_of(condition.device) if area is None else self._catalogue.chain(area.id),
        )

    def _site(self, condition: Condition) -> Site | None:
        """The site, of a condition over what is the same site's; areas may have the same ids."""
        threshold = condition.why.threshold
        if condition.device or threshold is None or threshold.predicate.get("same") != "site":
            return None
        return self._catalogue.site(condition.key.partition("|")[2])

    def _place(self, condition: Condition) -> Text:
        found = self._catalogue.device(condition.device)
        if found is not None and (found.title.vi or found.title.en):
            return found.title
        site = self._site(condition) if found is None else self._catalogue.site(found.site)
        if site is not None and (site.title.vi or site.title.en):
            return site.title
        name = condition.device or "|".join(condition.key.split("|")[1:])
        whole = None if condition.device else self._catalogue.area(name) or self._catalogue.group(name)
        return whole.title if whole is not None and (whole.title.vi or whole.title.en) else Text(name, name)

    def _location(self, condition: Condition) -> dict[str, Any] | None:
        site = self._site(condition)
        point = self._catalogue.position(condition.device) if site is None else site.point
        return None if point is None else {"type": "Point", "coordinates": list(point)}


def _kind(parts: list[str], whole: bool) -> str:
    """What an alert key names, if not a site: a part of the system, an area or group, a series, a device."""
    if parts[0].startswith("sys."):
        return parts[0]
    if len(parts) > 2:
        return "series"
    return "area" if whole else "device"


def _texts_of(document: RuleDocument) -> tuple[Text, AlertText]:
    try:
        rule = rule_from_document(document.rule)
    except BadRules:
        return document.title if document.title.vi else Text(document.id, document.id), AlertText()
    title = rule.title if rule.title.vi or rule.title.en else Text(rule.id, rule.id)
    return title, rule.alert


def fitted(alert: Alert) -> Alert:
    """The alert in at most 64 KiB: operands go first, then steps and old comments, and what went is counted."""
    if _size(alert) <= MAX_ALERT_BYTES:
        return alert
    why, cut = _fewer_operands(alert.why)
    alert = replace(alert, why=replace(why, detail=f"{why.detail[:200]} ({cut} operands cut)".strip()))
    if _size(alert) <= MAX_ALERT_BYTES:
        return alert
    gone = len(alert.comments)
    alert = replace(alert, comments=alert.comments[-5:], steps=alert.steps[:5], location=None)
    note = f"{why.detail[:200]} ({cut} operands, {max(gone - 5, 0)} comments and all texts beyond a limit cut)"
    short = {name: _shorter(getattr(alert, name)) for name in ("headline", "description", "instruction")}
    return replace(alert, why=replace(why, detail=note), steps=tuple(_shorter(step) for step in alert.steps), **short)


def _fewer_operands(why: Why) -> tuple[Why, int]:
    if len(why.operands) <= 4:
        return why, 0
    return replace(why, operands=(*why.operands[:2], *why.operands[-2:])), len(why.operands) - 4


def _shorter(text: Text) -> Text:
    return Text(text.vi[:_MAX_TEXTS], text.en[:_MAX_TEXTS])


def _size(alert: Alert) -> int:
    return len(msgspec.json.encode(alert))


def cleared(alert: Alert, at: int) -> Alert:
    """The alert once its condition is over. Clearing never acknowledges."""
    return replace(
        alert,
        severity=Severity.CLEARED,
        state=replace(alert.state, active=Flag(False, rfc3339(at))),
        times=replace(alert.times, end=rfc3339(at)),
    )
