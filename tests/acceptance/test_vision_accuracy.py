"""Every detector, the tracker, speeds, occupancy and crossings against public truth (see tests/data/pets09-s2l1).

`pytest -s` prints the tables. What is run is `ioc vision evaluate` on the shipped half of the clip.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli.vision import group
from tests.slowness import slowness
from vision.detectors.nanodet import has_integer_dot_products

FRAME_MS = 25.0
"""The bar, on the machine of tests.slowness when quiet."""
WITHOUT_DOT_PRODUCTS = 2.3
"""How many times as long the default network takes in 32 bits, which processors use that lack integer dot products."""
TRIES = 3
"""What else uses the cores comes and goes while the clip is read: one try should be within the bar."""


def measured(detector: str) -> dict[str, Any]:
    table = once(detector)
    for _ in range(TRIES - 1):
        if table["ms_per_frame"] > FRAME_MS * table["slowness"]:
            table = once(detector)
    return table


def once(detector: str) -> dict[str, Any]:
    with slowness() as machine:
        done = CliRunner().invoke(group, ["evaluate", "--detector", detector, "--json"])
    assert done.exit_code == 0, done.output
    table: dict[str, Any] = json.loads(done.output)
    table["slowness"] = machine.times
    if detector == "onnx" and not has_integer_dot_products():
        table["slowness"] *= WITHOUT_DOT_PRODUCTS
    print(f"\n{json.dumps(table)}")
    return table


@pytest.fixture(scope="module")
def onnx() -> dict[str, Any]:
    return measured("onnx")


@pytest.fixture(scope="module")
def hog() -> dict[str, Any]:
    return measured("hog")


@pytest.fixture(scope="module")
def motion() -> dict[str, Any]:
    return measured("motion")


@pytest.fixture(params=["onnx", "hog"])
def either(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.getfixturevalue(request.param)
    return found


def test_people_are_found(onnx: dict[str, Any], hog: dict[str, Any]) -> None:
    assert onnx["f1"] >= 0.87
    assert hog["f1"] >= 0.85


def test_movers_are_found_by_their_size_alone(motion: dict[str, Any]) -> None:
    assert motion["f1"] >= 0.70
    assert motion["ms_detect"] < 10 * motion["slowness"]


def test_people_are_followed_at_once_and_better_three_seconds_later(either: dict[str, Any]) -> None:
    assert either["mota"] >= 0.72
    assert either["mota_delayed"] >= 0.76


def test_speeds_are_right_at_a_lag_of_under_half_a_second(either: dict[str, Any]) -> None:
    assert either["speed_median"] <= 0.08
    assert either["speed_p90"] <= 0.23
    assert either["speed_coverage"] >= 0.80


def test_people_in_a_zone_are_counted_at_once(onnx: dict[str, Any], hog: dict[str, Any]) -> None:
    assert onnx["occupancy_mae"] <= 0.35
    assert hog["occupancy_mae"] <= 0.40


def test_crossings_are_neither_missed_nor_invented(either: dict[str, Any]) -> None:
    assert either["crossings"] >= 44
    assert either["crossings_wrong"] <= 6
    assert either["crossings_wrong_delayed"] <= 6


def test_a_frame_of_a_busy_street_costs_little(either: dict[str, Any]) -> None:
    assert either["ms_per_frame"] <= FRAME_MS * either["slowness"]
    parts = sum(value for name, value in either.items() if name.startswith("ms_") and name != "ms_per_frame")
    assert either["ms_per_frame"] == pytest.approx(parts, abs=0.01)
