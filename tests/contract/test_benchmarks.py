"""Every row of the table of benchmarks keeps the contract."""

from __future__ import annotations

import inspect

import pytest

from pipeline.bench import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_resolves_and_needs_no_argument(name: str) -> None:
    parameters = inspect.signature(BENCHMARKS[name]).parameters.values()
    assert all(parameter.default is not inspect.Parameter.empty for parameter in parameters)
