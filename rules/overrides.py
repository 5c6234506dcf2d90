"""A centre's own layer over the packs: documents of an `id` and the fields that it changes.

Each is a JSON merge patch (RFC 7396) of the rule of that id: mappings are merged, any other value takes the old one's
place, null removes. `tests` are not taken over, for those of a pack are worked out for its numbers. The packs are
package data and overrides a folder of the centre, so an upgrade never writes over them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from pipeline.core.errors import BadInput
from rules.engine.fields import Fields, near
from rules.engine.loader import Loaded, files_of, load_paths, read_file, read_rule, together
from rules.engine.settings import Rule
from rules.engine.yamltext import Parsed, parse_yaml


def load_with_overrides(paths: list[Path], overrides: list[Path]) -> Loaded:
    """The rules of `paths` with the documents of `overrides` laid over them, and every mistake of both."""
    loaded = load_paths(paths)
    rules, mistakes = {rule.id: rule for rule in loaded.rules}, list(loaded.mistakes)
    places: dict[str, str] = {}
    for file in files_of(overrides, mistakes):
        for parsed in parse_yaml(read_file(file, mistakes), str(file)):
            _lay_over(parsed, rules, places, mistakes)
    return together(list(rules.values()), mistakes) if overrides else loaded


def merged(old: Any, patch: Any) -> Any:
    """The merge patch of RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    found = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def _lay_over(parsed: Parsed, rules: dict[str, Rule], places: dict[str, str], mistakes: list[BadInput]) -> None:
    """Put the overridden rule in the place of its own; with any mistake the rule stays as it was."""
    found = list(parsed.mistakes)
    if parsed.data is not None and not found:
        rule = _target(Fields(parsed.data, (), parsed.where, found), rules, places)
        places.setdefault(str(parsed.data.get("id")) if isinstance(parsed.data, dict) else "", parsed.where(()))
        new = None if rule is None or found else _overridden(rule, parsed, found)
        if new is not None and not found:
            rules[new.id] = new
    mistakes.extend(found)


def _target(fields: Fields, rules: dict[str, Rule], places: dict[str, str]) -> Rule | None:
    """The rule that an override speaks of."""
    fields.require("id")
    name = fields.text("id")
    if name and name not in rules:
        hint = near(name, rules)
        fields.wrong("id", f"the id of one of the rules{hint.en}", vi=f"mã của một quy tắc đã có{hint.vi}")
    elif name in places:
        wanted = f"one override a rule; {places[name]} has it already"
        fields.wrong("id", wanted, vi=f"mỗi quy tắc chỉ một bản sửa; {places[name]} đã sửa quy tắc này")
    if "kind" in fields:
        fields.unwanted("kind", "a rule of another kind is a rule of its own", vi="loại khác thì phải là quy tắc khác")
    if not set(fields.names()) - {"id"}:
        fields.bare("the fields to change, beside id", vi="các trường muốn sửa, ngoài id")
    return rules.get(name)


def _overridden(rule: Rule, parsed: Parsed, mistakes: list[BadInput]) -> Rule:
    base = {name: value for name, value in rule.source.items() if name != "tests"}
    changed = tuple(sorted(set(parsed.data) - {"id", "tests"}))
    new = read_rule(Fields(merged(base, parsed.data), (), parsed.where, mistakes))
    origin = msgspec.structs.replace(rule.origin, overridden=changed)
    return msgspec.structs.replace(new, place=parsed.where(()), origin=origin)
