"""The quantised model in the cache is that of the recipe at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.local import weights


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What is run in the project's environment: each time a model is put where it is wanted."""
    monkeypatch.setenv("IOC_CACHE", str(tmp_path))
    weights.folder().mkdir()
    commands: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...]) -> None:
        commands.append(command)
        Path(command[-1]).write_bytes(b"a network")

    monkeypatch.setattr("pipeline.local.weights.run", run)
    return commands


def recipe(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """The quantiser of this version."""
    (folder / "stirring.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr("pipeline.local.weights._QUANTISER", "stirring")


def test_a_model_is_made_once_for_each_recipe(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for times, text in ((1, "stir = 1"), (2, "stir = 2")):
        recipe(monkeypatch, tmp_path, text)
        assert weights.eight_bit_model_missing() != ""
        weights.install_eight_bit_model()
        assert weights.eight_bit_model_missing() == ""
        assert len(asked) == times
    weights.eight_bit_model().unlink()
    assert weights.eight_bit_model_missing() != ""


def test_a_model_of_an_unknown_recipe_is_made_anew(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recipe(monkeypatch, tmp_path, "stir = 1")
    weights.eight_bit_model().write_bytes(b"of an older version")
    assert weights.eight_bit_model_missing() != ""


def test_a_version_that_cannot_quantise_misses_nothing(
    asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.local.weights._QUANTISER", "vision_of_another_version")
    assert weights.eight_bit_model_missing() == ""
    assert asked == []
