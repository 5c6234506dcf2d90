"""What msgspec says of a document that does not fit its type, as field and words in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from pipeline.core.alerts import Text

REQUIRED = Text("có giá trị: trường này bắt buộc", "a value: the field is required")
_TYPES = {
    "object": "các trường dạng tên: giá trị",
    "array": "danh sách",
    "str": "chuỗi ký tự",
    "int": "số nguyên",
    "float": "số",
    "bool": "true hoặc false",
    "null": "trống (null)",
}
_GOT = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_LENGTH = re.compile(r"Expected `array` of (at least |at most |)length (\d+)(?:, got (\d+))?")
_BOUND = re.compile(r"Expected `([^`]+)` (>=|<=|>|<) (\S+)")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_ENUM = re.compile(r"Invalid enum value (.+)", re.DOTALL)
_HOW_MANY = {"at least ": "ít nhất ", "at most ": "tối đa ", "": "đúng "}
_COMPARED = {">=": "từ {} trở lên", "<=": "tối đa {}", ">": "lớn hơn {}", "<": "nhỏ hơn {}"}


class Misfit(NamedTuple):
    """The field that does not fit (`document` for the whole), and what would."""

    field: str
    said: Text


def misfit(error: msgspec.ValidationError) -> Misfit:
    """The field of an error of msgspec, which says "... - at `$.field`", and what would fit there."""
    what, _, where = str(error).partition(" - at ")
    field = where.strip("`").removeprefix("$").removeprefix(".")
    missing = _MISSING.match(what)
    if missing is not None:
        return Misfit(f"{field}.{missing[1]}".lstrip("."), REQUIRED)
    return Misfit(field or "document", _said(what))


def _said(what: str) -> Text:
    for pattern, say in _SENTENCES:
        found = pattern.match(what)
        if found is not None:
            return say(found)
    return Text("giá trị đúng kiểu của trường này", what)


def _got(found: re.Match[str]) -> Text:
    wanted, got = (" hoặc ".join(_TYPES.get(name, name) for name in names.split(" | ")) for names in found.groups())
    return Text(f"{wanted}, không phải {got}", f"`{found[1]}`, got `{found[2]}`")


def _length(found: re.Match[str]) -> Text:
    how, count, got = found.groups()
    vi = f"danh sách gồm {_HOW_MANY[how]}{count} phần tử" + (f", hiện có {got}" if got else "")
    return Text(vi, f"`array` of {how}length {count}" + (f", got {got}" if got else ""))


def _bound(found: re.Match[str]) -> Text:
    vi = "số " + _COMPARED[found[2]].format(found[3].replace(".", ","))
    return Text(vi, f"`{found[1]}` {found[2]} {found[3]}")


def _choice(found: re.Match[str]) -> Text:
    return Text(f"giá trị được phép ở đây; không có {found[1]}", f"a value allowed here; {found[1]} is none")


_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Text]], ...] = (
    (_GOT, _got),
    (_LENGTH, _length),
    (_BOUND, _bound),
    (_UNKNOWN, lambda found: Text(f"bỏ trường `{found[1]}`: không có trường này", f"no field `{found[1]}`")),
    (_ENUM, _choice),
)
