"""Benchmarks: each runs on a stack of its own and gives figures. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.core.extensions import ExtensionTable

Figures = Mapping[str, float]
"""Name of a figure, with its unit at the end (`_per_s`, `_ms`), and its value; a ratio has no unit."""

BENCHMARKS: ExtensionTable[Callable[[], Figures]] = ExtensionTable(
    "benchmark", {"gateway": "pipeline.bench.gateway:measure"}
)
