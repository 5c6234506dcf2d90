"""Extension tables: adding a decoder, detector, rule kind, sink or channel is one file and one line.

A row is `"name": "module.path:attribute"`; the module is imported on first use, so a heavy dependency
costs only those who use it. `tests/contract` resolves every row of every table.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from pipeline.core.errors import BadInput

T = TypeVar("T")


class ExtensionTable(Mapping[str, T], Generic[T]):
    """A read-only table from names to lazily imported objects.

    Raises BadInput, naming the table and the known names, when a name is not in it.
    """

    def __init__(self, table: str, rows: Mapping[str, str]) -> None:
        self.table = table
        self._rows = dict(rows)
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def _load(self, name: str) -> T:
        if name not in self._rows:
            raise BadInput.one_of(self.table, name, sorted(self._rows))
        module, _, attribute = self._rows[name].partition(":")
        loaded: T = getattr(importlib.import_module(module), attribute)
        return loaded
