"""`ioc camera models`: what is installed, what is missing and how to get it, each with its licence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.camera import group
from tests.unit.vision.test_yolo_export import META, model, raw
from vision.models import Model, models


def named(found: list[Model]) -> dict[str, Model]:
    return {each.model: each for each in found}


def test_an_empty_cache_says_how_to_get_each_model(tmp_path: Path) -> None:
    found = named(models(tmp_path))
    default = found["NanoDet-g (default)"]
    assert (default.detector, default.installed, default.licence, default.get) == (
        "onnx",
        False,
        "Apache-2.0",
        "make setup",
    )
    for name in ("yolo11n.pt", "yolo26n.pt"):
        assert (found[name].installed, found[name].licence) == (False, "AGPL-3.0")
        assert str(tmp_path) in found[name].get
    assert [each.get for each in found.values() if not each.installed and not each.get] == []


def test_a_file_in_the_cache_is_a_row_with_its_own_classes_and_licence(tmp_path: Path) -> None:
    made = model(tmp_path, raw().transpose(0, 2, 1), {**META, "license": "AGPL-3.0 License (https://example.org)"})
    (tmp_path / "nanodet-g.onnx").write_bytes(b"")
    (tmp_path / "yard.pt").write_bytes(b"")
    found = named(models(tmp_path))
    export = found[made.name]
    assert (export.detector, export.installed, export.classes, export.licence) == ("onnx", True, 3, "AGPL-3.0")
    assert found["NanoDet-g (default)"].installed
    assert (found["yard.pt"].installed, found["yard.pt"].licence) == (True, "its maker's")


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    broken = named(models(tmp_path))["broken.onnx"]
    assert not broken.installed
    assert "is no model that onnxruntime can load" in broken.problem


def test_a_file_that_loads_and_takes_no_picture_or_names_no_class_is_not_installed(tmp_path: Path) -> None:
    output = raw().transpose(0, 2, 1)
    batched, unnamed = model(tmp_path, output, shape=(4, 3, 320, 320)), model(tmp_path, output, {})
    found = named(models(tmp_path))
    assert (found[batched.name].installed, found[unnamed.name].installed) == (False, False)
    assert "takes no picture: its input is 4 x 3 x 320 x 320" in found[batched.name].problem
    assert "names no classes in its metadata" in found[unnamed.name].problem


def test_a_nanodet_of_another_name_is_told_by_what_it_gives(tmp_path: Path, nanodet: Path) -> None:
    (tmp_path / "yard.onnx").symlink_to(nanodet)
    found = named(models(tmp_path))["yard.onnx"]
    assert (found.installed, found.classes, found.licence) == (True, 80, "not said in the file")


def test_the_command_prints_a_table_or_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_CACHE", str(tmp_path))
    table = CliRunner().invoke(group, ["models"])
    assert table.exit_code == 0
    assert "NanoDet-g (default)" in table.stdout
    assert "AGPL-3.0" in table.stdout
    rows = json.loads(CliRunner().invoke(group, ["models", "--json"]).stdout)
    assert {"detector", "model", "installed", "licence", "get", "file", "classes"} <= set(rows[0])
