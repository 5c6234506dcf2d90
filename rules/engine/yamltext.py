"""YAML as rules use it: plain data, every value with its line. Nothing that can surprise is accepted.

Refused: files over the size limit, anchors and aliases (an alias bomb grows a thousandfold), duplicate keys,
deep nesting, tags. `yes`, `on`, times and dates stay text: YAML 1.1 would make other values of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from pipeline.core.alerts import Text
from pipeline.core.errors import BadInput

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
Path = tuple[str | int, ...]
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?")
_WELL_FORMED = Text("YAML đúng cú pháp", "well-formed YAML")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Parsed:
    """One YAML document as plain data, with the line of every value (by its path)."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.data: Any = None
        self.lines: dict[Path, int] = {}
        self.mistakes: list[BadInput] = []

    def where(self, path: Path) -> str:
        """`file:line` of the value at `path`, or of the nearest value around it."""
        while path not in self.lines and path:
            path = path[:-1]
        return f"{self.source}:{self.lines[path]}" if path in self.lines else self.source


class _Composer(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(line, "an anchor or alias", Text("giá trị viết đầy đủ", "the value written out"))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            most = Text(f"tối đa {MAX_DEPTH} cấp lồng nhau", f"at most {MAX_DEPTH} levels")
            raise _Refused(line, "deep nesting", most)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Refused(Exception):
    def __init__(self, line: int, value: str, expected: Text) -> None:
        super().__init__(value)
        self.line, self.value, self.expected = line, value, expected


def parse_yaml(text: str, source: str) -> list[Parsed]:
    """The documents of `text`. A text that is no YAML gives one `Parsed` without data and with the mistake."""
    if len(text.encode()) > MAX_BYTES:
        most = Text(f"tối đa {MAX_BYTES} byte", f"at most {MAX_BYTES} bytes")
        return [_broken(source, f"{len(text)} characters", most, 1)]
    try:
        return [_document(node, source) for node in _compose(text)]
    except _Refused as refused:
        return [_broken(source, refused.value, refused.expected, refused.line)]
    except yaml.MarkedYAMLError as wrong:
        line = wrong.problem_mark.line + 1 if wrong.problem_mark else 1
        return [_broken(source, wrong.problem or "text", _WELL_FORMED, line)]
    except (yaml.YAMLError, ValueError) as wrong:
        return [_broken(source, str(wrong), _WELL_FORMED, 1)]


def _broken(source: str, value: str, expected: Text, line: int) -> Parsed:
    parsed = Parsed(source)
    parsed.mistakes.append(BadInput("yaml", value, expected.en, f"{source}:{line}", vi=expected.vi))
    return parsed


def _compose(text: str) -> Iterator[yaml.Node]:
    loader = _Composer(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    finally:
        loader.dispose()


def _document(node: yaml.Node, source: str) -> Parsed:
    parsed = Parsed(source)
    parsed.data = _value(node, (), parsed)
    return parsed


def _value(node: yaml.Node, path: Path, parsed: Parsed) -> Any:
    parsed.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, parsed)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), parsed) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, parsed: Parsed) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
        if key in found:
            where = f"{parsed.source}:{key_node.start_mark.line + 1}"
            vi = "mỗi trường chỉ ghi một lần"
            parsed.mistakes.append(BadInput(key, "a second value", "each field once", where, vi=vi))
            continue
        found[key] = _value(value_node, (*path, key), parsed)
        parsed.lines[(*path, key)] = key_node.start_mark.line + 1
    return found


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
