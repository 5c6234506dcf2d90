"""Reading validated values out of a plain document, collecting every mistake with its place."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pipeline.core.alerts import Text
from pipeline.core.errors import BadInput, Misread
from pipeline.core.misfit import REQUIRED
from pipeline.core.quantities import QUANTITIES
from rules.engine.duration import parse_duration
from rules.engine.yamltext import Path

T = TypeVar("T")
Where = Callable[[Path], str]


class Fields:
    """One mapping of a document. Every reader returns a usable value even after a mistake, so all are found."""

    def __init__(self, data: object, path: Path, where: Where, mistakes: list[BadInput]) -> None:
        self.path, self._where, self.mistakes = path, where, mistakes
        self._seen: set[str] = set()
        self.data: Mapping[str, Any] = data if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            self._mistake(path, data, "a mapping of fields", "các trường dạng tên: giá trị")

    def wrong(self, field: str, expected: str, value: object = None, *, vi: str) -> None:
        """Note that `field` is wrong, and in both languages what would be right."""
        self._mistake((*self.path, field), self.data.get(field) if value is None else value, expected, vi)

    def unwanted(self, field: str, why: str, *, vi: str) -> None:
        """Note that `field` should not be there, and why not."""
        self.wrong(field, f"no {field}: {why}", vi=f"bỏ {field}: {vi}")

    def not_above_0(self, field: str) -> None:
        """Note that `field` is no duration above 0."""
        self.wrong(field, "a duration above 0", vi="khoảng thời gian lớn hơn 0")

    def below_1s(self, field: str) -> None:
        """Note that `field` is a duration below one second."""
        self.wrong(field, "a duration of at least 1s", vi="khoảng thời gian ít nhất 1s")

    def no_quantity(self, field: str, name: str) -> None:
        """Note that `name`, the value of `field`, is not in the table of quantities."""
        hint = near(name, QUANTITIES)
        self.wrong(field, f"a name of the table of quantities{hint.en}", vi=f"một tên trong bảng đại lượng{hint.vi}")

    def bare(self, expected: str, *, vi: str) -> None:
        """Note that the mapping itself lacks something."""
        self._mistake(self.path, dict(self.data), expected, vi)

    def _mistake(self, path: Path, value: object, expected: str, vi: str) -> None:
        name = ".".join(str(part) for part in path) or "document"
        self.mistakes.append(BadInput(name, value, expected, self._where(path), vi=vi))

    def __contains__(self, field: str) -> bool:
        return self.data.get(field) is not None

    def names(self) -> list[str]:
        """The names of the fields given."""
        return list(self.data)

    def raw(self, field: str) -> Any:
        """The value as written, None when missing."""
        self._seen.add(field)
        return self.data.get(field)

    def require(self, *fields: str) -> None:
        """Note each of `fields` that is missing."""
        for field in fields:
            if field not in self:
                self._mistake((*self.path, field), None, REQUIRED.en, REQUIRED.vi)

    def text(self, field: str, default: str = "") -> str:
        """A text; numbers are not taken for texts."""
        value = self.raw(field)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(field, "a text", vi="chuỗi ký tự")
            return default
        return value

    def texts(self, field: str) -> frozenset[str]:
        """A list of texts, or one."""
        value = self.raw(field)
        if value is None:
            return frozenset()
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.wrong(field, "a list of texts", vi="danh sách chuỗi ký tự")
            return frozenset()
        return frozenset(items)

    def choice(self, field: str, allowed: Iterable[str], default: str) -> str:
        """One of `allowed`."""
        value, names = self.raw(field), list(allowed)
        if value is None:
            return default
        if value not in names:
            known, hint = ", ".join(names), near(value, names)
            self.wrong(field, f"one of {known}{hint.en}", vi=f"một trong {known}{hint.vi}")
            return default
        return str(value)

    def flag(self, field: str) -> bool:
        """True or false; false when missing."""
        value = self.raw(field)
        if value is not None and not isinstance(value, bool):
            self.wrong(field, "true or false", vi="true hoặc false")
        return value is True

    def duration(self, field: str, default: T) -> int | T:
        """A duration in milliseconds."""
        value = self.raw(field)
        if value is None:
            return default
        try:
            return parse_duration(value)
        except Misread as wrong:
            self.wrong(field, wrong.expected, vi=wrong.vi)
            return default

    def number(self, field: str, default: float | None = None) -> float | None:
        """A finite number."""
        value = self.raw(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.wrong(field, "a number", vi="một số")
            return default
        return float(value)

    def count(self, field: str, default: int, low: int = 1, high: int = 100_000) -> int:
        """A whole number between `low` and `high`."""
        value = self.raw(field)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.wrong(field, f"a whole number from {low} to {high}", vi=f"số nguyên từ {low} đến {high}")
            return default
        return value

    def title(self, field: str) -> Text:
        """A text in Vietnamese and English; a bare text counts as Vietnamese."""
        value = self.raw(field)
        if value is None:
            return Text()
        if isinstance(value, str):
            return Text(value)
        inner = self.inner(field)
        found = Text(inner.text("vi"), inner.text("en"))
        inner.no_more()
        return found

    def titles(self, field: str) -> tuple[Text, ...]:
        """A list of texts in two languages."""
        value = self.raw(field)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.wrong(field, "a list of texts", vi="danh sách chuỗi ký tự")
            return ()
        return tuple(_title(self, field, index, item) for index, item in enumerate(value))

    def inner(self, field: str) -> Fields:
        """The mapping under `field`."""
        return Fields(self.raw(field) or {}, (*self.path, field), self._where, self.mistakes)

    def items(self, field: str) -> list[Fields]:
        """The list of mappings under `field`."""
        value = self.raw(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(field, "a list", vi="một danh sách")
            return []
        return [
            Fields(item, (*self.path, field, index), self._where, self.mistakes) for index, item in enumerate(value)
        ]

    def no_more(self) -> None:
        """Note every field that nobody has read."""
        for field in self.data:
            if field not in self._seen:
                known, hint = ", ".join(sorted(self._seen)), near(field, self._seen)
                vi = f"bỏ trường này, không có tên như vậy{hint.vi}; các trường có: {known}"
                self.wrong(field, f"no such field{hint.en}; known: {known}", vi=vi)


def _title(fields: Fields, field: str, index: int, item: object) -> Text:
    if isinstance(item, str):
        return Text(item)
    inner = Fields(item, (*fields.path, field, index), fields._where, fields.mistakes)
    found = Text(inner.text("vi"), inner.text("en"))
    inner.no_more()
    return found


def near(value: object, names: Iterable[str]) -> Text:
    """` (did you mean ...?)` when a name is close to `value`, else empty."""
    close = difflib.get_close_matches(str(value), list(names), n=1)
    return Text(f" (có phải là {close[0]}?)", f" (did you mean {close[0]}?)") if close else Text()
