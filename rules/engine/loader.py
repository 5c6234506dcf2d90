"""From YAML text, or a catalogue document, to rules. Every mistake is found in one go, with file, line and field."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path as FilePath
from typing import Any

import msgspec

from pipeline.core.conditions import Severity
from pipeline.core.errors import BadInput, IocError, Misread
from pipeline.core.events import ID_FORM, ID_FORM_VI, ID_PATTERN, CaseKind, DetectionEvent, Quality
from pipeline.core.quantities import QUANTITIES
from pipeline.core.schedule import DEFAULT_ZONE, Schedule, check_zone, parse_hours
from rules.engine.cycles import NO_CIRCLE, circle
from rules.engine.fields import Fields
from rules.engine.predicates import read_clear, read_levels
from rules.engine.settings import USABLE, AlertText, CaseScope, DetectionScope, Origin, Rule, Scope
from rules.engine.yamltext import Parsed, parse_yaml
from rules.kinds import CASE_KINDS, KINDS, OVER_CONDITIONS

_ID = re.compile(ID_PATTERN)
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_FREE = ("for", "schedule", "alert", "title", "tests", "shadow")
SEVERITIES = [severity.value for severity in Severity if severity is not Severity.CLEARED]


class BadRules(IocError):
    """A set of rules with mistakes; `mistakes` holds each of them."""

    def __init__(self, mistakes: list[BadInput]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class Loaded(msgspec.Struct, frozen=True):
    """The good rules of a text or of files, and every mistake of the others."""

    rules: tuple[Rule, ...]
    mistakes: tuple[BadInput, ...]

    def checked(self) -> tuple[Rule, ...]:
        """The rules; raises BadRules when anything is wrong."""
        if self.mistakes:
            raise BadRules(list(self.mistakes))
        return self.rules


def load_text(text: str, source: str = "rules.yaml") -> Loaded:
    """The rules of a YAML text; a document of `pack` and `version` says which pack those after it are from."""
    rules: list[Rule] = []
    mistakes: list[BadInput] = []
    origin = Origin()
    for parsed in parse_yaml(text, source):
        if isinstance(parsed.data, dict) and "pack" in parsed.data:
            origin = _pack(Fields(parsed.data, (), parsed.where, mistakes))
            continue
        rule = _load_parsed(parsed, mistakes)
        if rule is not None:
            rules.append(msgspec.structs.replace(rule, origin=origin))
    return together(rules, mistakes)


def load_paths(paths: list[FilePath]) -> Loaded:
    """The rules of files and of folders (`*.yaml`, `*.yml`, all levels), in the order of their paths."""
    rules: list[Rule] = []
    mistakes: list[BadInput] = []
    for file in files_of(paths, mistakes):
        loaded = load_text(read_file(file, mistakes), str(file))
        rules.extend(loaded.rules)
        mistakes.extend(loaded.mistakes)
    return together(rules, mistakes)


def rule_from_document(document: dict[str, Any]) -> Rule:
    """The rule of a catalogue document's `rule` field. Raises BadRules."""
    mistakes: list[BadInput] = []
    rule = read_rule(Fields(document, (), lambda _: "catalogue", mistakes))
    if mistakes:
        raise BadRules(mistakes)
    return rule


def canonical(document: dict[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, no spaces."""
    return msgspec.json.encode(document, order="deterministic")


def version_of(document: dict[str, Any]) -> str:
    """sha256 of a rule's canonical JSON without tests and titles."""
    kept = {key: value for key, value in document.items() if key not in ("tests", "title")}
    return hashlib.sha256(canonical(kept)).hexdigest()


def shape_of(document: dict[str, Any]) -> str:
    """sha256 of what must not change for state to be kept: all but numbers of raise and clear, for, schedule, texts."""
    return hashlib.sha256(canonical(_shaping(document))).hexdigest()


def dropping(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The fields whose change from `old` to `new` costs a rule its state, by name."""
    before, after = _shaping(old), _shaping(new)
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _shaping(document: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in document.items() if key not in _FREE}
    for key in ("raise", "clear"):
        if key in kept:
            kept[key] = _without_numbers(kept[key])
    return kept


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        if "attribute" in value:
            return 0
        return {key: _without_numbers(inner) for key, inner in value.items() if key != "for"}
    if isinstance(value, list):
        return [_without_numbers(inner) for inner in value]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def files_of(paths: list[FilePath], mistakes: list[BadInput]) -> list[FilePath]:
    """The YAML files among `paths` and in their folders, in order."""
    found: list[FilePath] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml")))
        elif path.is_file():
            found.append(path)
        else:
            wanted = "a file or folder that exists"
            mistakes.append(BadInput("path", str(path), wanted, vi="tệp hoặc thư mục có thật"))
    return found


def read_file(file: FilePath, mistakes: list[BadInput]) -> str:
    """The text of a file, empty when it is too large or not UTF-8."""
    if file.stat().st_size > 10_000_000:
        size, wanted = f"{file.stat().st_size} bytes", "at most 1000000 bytes"
        mistakes.append(BadInput("file", size, wanted, str(file), vi="tối đa 1000000 byte"))
        return ""
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        mistakes.append(BadInput("file", file.name, "text in UTF-8", str(file), vi="văn bản mã UTF-8"))
        return ""


def together(rules: list[Rule], mistakes: list[BadInput]) -> Loaded:
    """Rules as one set: ids of their own, no circles."""
    places: dict[str, str] = {}
    for rule in rules:
        if rule.id in places:
            taken = places[rule.id]
            wanted, vi = f"an id of its own; {taken} has it already", f"mã riêng; {taken} đã dùng mã này"
            mistakes.append(BadInput("id", rule.id, wanted, rule.place, vi=vi))
        places.setdefault(rule.id, rule.place)
    _note_circles({rule.id: rule for rule in rules}, mistakes)
    return Loaded(tuple(rules), tuple(mistakes))


def _note_circles(rules: dict[str, Rule], mistakes: list[BadInput]) -> None:
    told = {mistake.where for mistake in mistakes if mistake.field == "of"}
    for rule in rules.values():
        way = circle(rule, rules)
        if way and rule.place not in told:
            mistakes.append(BadInput("of", " > ".join(way), NO_CIRCLE.en, rule.place, vi=NO_CIRCLE.vi))


def _pack(fields: Fields) -> Origin:
    fields.require("pack", "version")
    found = Origin(fields.text("pack"), fields.text("version"))
    fields.title("title")
    if "version" in fields and not _VERSION.fullmatch(found.version):
        wanted = "a semantic version in quotes, such as '1.0.0'"
        fields.wrong("version", wanted, vi="phiên bản gồm ba số trong dấu nháy, ví dụ '1.0.0'")
    fields.no_more()
    return found


def _load_parsed(parsed: Parsed, mistakes: list[BadInput]) -> Rule | None:
    found = list(parsed.mistakes)
    rule = None
    if parsed.data is not None:
        rule = read_rule(Fields(parsed.data, (), parsed.where, found))
    mistakes.extend(found)
    return None if found or rule is None else msgspec.structs.replace(rule, place=parsed.where(()))


def read_rule(fields: Fields) -> Rule:
    """One rule. Mistakes are noted in `fields`; the returned rule is good only when there are none."""
    fields.require("id", "kind")
    rule_id = fields.text("id", "-")
    _check_id(fields, rule_id)
    name = fields.choice("kind", sorted(KINDS), "threshold")
    kind = KINDS[name]
    document = dict(fields.data)
    severity = "" if name == "composite" else fields.choice("severity", SEVERITIES, "")
    levels = read_levels(fields, severity or None, needed=kind.needs_raise)
    own = kind.read(fields)
    scope = Scope() if name in OVER_CONDITIONS else _scope(fields, kind.needs_quantity, name in CASE_KINDS)
    rule = Rule(
        id=rule_id,
        kind=name,
        scope=scope,
        version=version_of(document),
        shape=shape_of(document),
        title=fields.title("title"),
        levels=levels,
        clear=read_clear(fields, "clear"),
        hold_ms=fields.duration("for", 0),
        schedule=_schedule(fields),
        alert=_alert(fields),
        shadow=fields.flag("shadow"),
        lateness_ms=fields.duration("lateness", None),
        live_for_ms=fields.duration("live_for", None),
        stale_after_ms=fields.duration("stale_after", None),
        quality=_quality(fields),
        own=own,
        inputs=getattr(own, "inputs", ()),
        reorder_ms=_reorder(fields, kind.single),
        tests=_tests(fields),
        source=document,
    )
    fields.no_more()
    return rule


def _check_id(fields: Fields, rule_id: str) -> None:
    if not _ID.match(rule_id) and "id" in fields:
        fields.wrong("id", ID_FORM, vi=ID_FORM_VI)
    if rule_id.startswith("sys."):
        fields.wrong(
            "id",
            "an id that does not begin with sys.: those are the engine's own",
            vi="mã không bắt đầu bằng sys.: các mã đó dành cho hệ thống",
        )


def _reorder(fields: Fields, single: bool) -> int:
    found = fields.duration("reorder", 0)
    if found and not single:
        fields.unwanted(
            "reorder",
            "this kind goes by event time behind W anyway; see lateness",
            vi="loại này vốn xét theo giờ sự kiện sau mốc W; xem lateness",
        )
    return found


def _scope(fields: Fields, needs_quantity: bool, needs_cases: bool) -> Scope:
    fields.require("scope")
    inner = fields.inner("scope")
    cases = _cases(inner, needs_cases)
    quantity = inner.text("quantity")
    if quantity and quantity not in QUANTITIES:
        inner.no_quantity("quantity", quantity)
    detections = _detections(inner.inner("detections")) if "detections" in inner else None
    if detections and quantity:
        inner.wrong("detections", "either quantity or detections", "both", vi="chỉ một: quantity hoặc detections")
    if needs_quantity and not quantity and detections is None and "scope" in fields:
        inner.wrong("quantity", "a quantity, or detections", "nothing", vi="quantity (đại lượng) hoặc detections")
    scope = Scope(
        quantity=quantity,
        area=inner.text("area"),
        group=inner.text("group"),
        types=inner.texts("types"),
        tags=inner.texts("tags"),
        devices=inner.texts("devices"),
        sites=inner.texts("sites"),
        detections=detections,
        cases=cases,
    )
    inner.raw("detections")
    inner.no_more()
    return scope


def _cases(scope: Fields, needed: bool) -> CaseScope | None:
    """The `cases` of a scope: nothing else narrows them, for cases have no registered device."""
    scope.raw("cases")
    if not needed:
        if "cases" in scope:
            kinds = ", ".join(sorted(CASE_KINDS))
            scope.unwanted("cases", f"they are watched by {kinds}", vi=f"hồ sơ do loại quy tắc {kinds} theo dõi")
        return None
    scope.require("cases")
    for name in scope.names():
        if name != "cases":
            scope.wrong(name, f"no {name} beside cases", vi=f"bỏ {name} khi đã có cases")
    if "cases" not in scope:
        return None
    fields = scope.inner("cases")
    found = CaseScope(fields.choice("case", [kind.value for kind in CaseKind], ""), fields.text("department"))
    fields.no_more()
    return found


def _detections(fields: Fields) -> DetectionScope:
    event = fields.choice("event", [event.value for event in DetectionEvent], "")
    found = DetectionScope(event, fields.text("zone"), fields.text("label"))
    fields.no_more()
    return found


def _schedule(fields: Fields) -> Schedule | None:
    if "schedule" not in fields:
        fields.raw("schedule")
        return None
    inner = fields.inner("schedule")
    inner.require("when")
    when, zone = inner.raw("when"), inner.text("timezone", DEFAULT_ZONE)
    calendar = inner.text("calendar")
    inner.no_more()
    field = "when"
    try:
        hours = parse_hours("; ".join(map(str, when)) if isinstance(when, list) else str(when))
        field = "timezone"
        return Schedule(hours, check_zone(zone), calendar)
    except Misread as wrong:
        inner.wrong(field, wrong.expected, vi=wrong.vi)
        return None


def _alert(fields: Fields) -> AlertText:
    inner = fields.inner("alert")
    found = AlertText(
        category=inner.text("category"),
        instruction=inner.title("instruction"),
        steps=inner.titles("steps"),
        legal=inner.text("legal"),
    )
    inner.no_more()
    return found


def _quality(fields: Fields) -> frozenset[Quality]:
    names = fields.texts("quality")
    allowed = sorted(USABLE)
    if not names <= set(allowed):
        known = ", ".join(allowed)
        fields.wrong("quality", f"some of {known}", vi=f"một hoặc nhiều trong {known}")
        return USABLE
    return frozenset(Quality(name) for name in names) or USABLE


def _tests(fields: Fields) -> tuple[dict[str, Any], ...]:
    tests = []
    for test in fields.items("tests"):
        test.text("name")
        for field in ("given", "then", "until", "catalogue"):
            test.raw(field)
        test.no_more()
        tests.append(dict(test.data))
    return tuple(tests)
