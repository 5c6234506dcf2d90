"""A centre's overrides: laid over the packs, refused with file, line and field, told in the rule's document."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.rule import app
from pipeline.rule_store import document_of
from rules.engine.loader import Loaded
from rules.overrides import load_with_overrides, merged
from rules.testing import run_tests

PACK = """pack: rain
version: "1.2.0"
---
id: rain
kind: threshold
scope: {quantity: rain_rate}
raise: {minor: {above: 40}, major: {above: 60}}
clear: {below: 15}
tests: [{name: x, given: [{device: d, quantity: rain_rate, at: 1795222800000, value: 45}], then: []}]
"""


def load(folder: Path, override: str) -> Loaded:
    """The pack with one override file."""
    (folder / "pack.yaml").write_text(PACK)
    (folder / "local").mkdir()
    (folder / "local" / "centre.yaml").write_text(override)
    return load_with_overrides([folder / "pack.yaml"], [folder / "local"])


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_follows_the_examples_of_rfc_7396(old: object, patch: object, new: object) -> None:
    assert merged(old, patch) == new


def test_an_override_changes_what_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, "id: rain\nraise: {minor: {above: 30}}\nclear: {below: 10}\n").checked()
    assert rule.source["raise"] == {"minor": {"above": 30}, "major": {"above": 60}}
    assert rule.source["clear"] == {"below": 10}
    assert rule.scope.quantity == "rain_rate"


def test_the_tests_of_a_pack_are_not_those_of_an_override(tmp_path: Path) -> None:
    reading = "{device: d, quantity: rain_rate, at: 1795222800000, value: 31}"
    test = f"{{name: y, given: [{reading}], until: 1m, then: [{{edge: begin}}]}}"
    (rule,) = load(tmp_path, f"id: rain\nraise: {{minor: {{above: 30}}}}\ntests: [{test}]\n").checked()
    assert [outcome.name for outcome in run_tests(rule) if outcome.passed] == ["y"]


def test_the_document_says_which_pack_it_is_from_and_what_was_overridden(tmp_path: Path) -> None:
    (rule,) = load(tmp_path, "id: rain\nraise: {minor: {above: 30}}\n").checked()
    document = document_of(rule)
    assert (document.pack, document.pack_version, document.overridden) == ("rain", "1.2.0", ("raise",))
    (plain,) = load_with_overrides([tmp_path / "pack.yaml"], []).checked()
    assert document_of(plain).overridden == ()


@pytest.mark.parametrize(
    ("override", "line", "field", "said"),
    [
        ("id: rain\nraise:\n  minor: {abov: 30}\n", 3, "raise.minor.abov", "did you mean above"),
        ("id: rian\nclear: {below: 1}\n", 1, "id", "did you mean rain"),
        ("clear: {below: 1}\n", 1, "id", "required"),
        ("id: rain\nkind: rate\n", 2, "kind", "a rule of its own"),
        ("id: rain\n", 1, "document", "fields to change"),
        ("id: rain\nraise: {minor: {above: high}}\n", 2, "raise.minor.above", "a number"),
        ("id: rain\nshadow: true\n---\nid: rain\nshadow: false\n", 4, "id", "has it already"),
        ("[rain]\n", 1, "document", "a mapping"),
        ("id: rain\nclear: {below: 1\n", 3, "yaml", "well-formed YAML"),
    ],
)
def test_what_does_not_hold_is_refused_with_file_line_and_field(
    tmp_path: Path, override: str, line: int, field: str, said: str
) -> None:
    mistakes = load(tmp_path, override).mistakes
    assert (f"{tmp_path / 'local' / 'centre.yaml'}:{line}", field) in [(one.where, one.field) for one in mistakes]
    assert said in " ".join(map(str, mistakes))


def test_a_pack_without_a_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text("pack: rain\nversion: new\n")
    (mistake,) = load_with_overrides([tmp_path / "pack.yaml"], []).mistakes
    assert (mistake.where, mistake.field) == (f"{tmp_path / 'pack.yaml'}:2", "version")


def test_check_asks_for_tests_of_what_was_overridden(tmp_path: Path) -> None:
    load(tmp_path, "id: rain\nraise: {minor: {above: 30}}\n")
    found = CliRunner().invoke(app, ["check", str(tmp_path / "pack.yaml"), "--overrides", str(tmp_path / "local")])
    assert found.exit_code == 1
    assert "centre.yaml:1: rain: no test in which the rule fires" in found.stdout.replace("\n", " ")
