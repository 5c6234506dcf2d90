"""What the loader accepts, and how it names what it does not."""

from __future__ import annotations

import pytest

from rules.engine.loader import dropping, load_text
from rules.engine.yamltext import MAX_BYTES

GOOD = """id: a
kind: threshold
scope: {quantity: rain_rate}
raise: {warning: {above: 20}, major: {above: 50}}
"""


def mistakes(text: str) -> list[tuple[str, str]]:
    return [(mistake.field, mistake.where) for mistake in load_text(text, "f.yaml").mistakes]


def test_every_mistake_is_found_in_one_go_with_its_line() -> None:
    text = """id: Bad Id
kind: threshold
scope:
  quantity: rain_rat
  arae: x
raise:
  major: {above: high}
  warning: {}
for: 10 minutes
"""
    found = load_text(text, "f.yaml")
    assert found.rules == ()
    assert sorted(mistakes(text), key=lambda one: one[1]) == [
        ("id", "f.yaml:1"),
        ("scope.quantity", "f.yaml:4"),
        ("scope.arae", "f.yaml:5"),
        ("raise.major.above", "f.yaml:7"),
        ("raise.warning", "f.yaml:8"),
        ("for", "f.yaml:9"),
    ]
    told = "\n".join(str(mistake) for mistake in found.mistakes)
    assert "did you mean rain_rate?" in told
    assert "did you mean area?" in told


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a: &x [1]\nb: *x\n", "yaml"),
        ("a: [1\n", "yaml"),
        ("[" * 100, "yaml"),
        ("x" * (MAX_BYTES + 1), "yaml"),
        (GOOD + "id: b\n", "id"),
        (GOOD + "severity: major\n", "severity"),
        (GOOD + "kind2: x\n", "kind2"),
        (GOOD + "schedule: {when: 'daily 25:00-26:00'}\n", "schedule.when"),
        (GOOD + "schedule: {when: 'daily 06:00-07:00', timezone: Asia/Saigon2}\n", "schedule.timezone"),
        (GOOD.replace("above: 50", "above: 50, below: 3"), "raise.major.below"),
        (GOOD.replace("above: 50", "outside: [5, 3]"), "raise.major.outside"),
        (GOOD.replace("threshold", "treshold"), "kind"),
        ("- 1\n", "document"),
        (GOOD + "after: 5m\n", "after"),
    ],
)
def test_a_wrong_file_is_refused_by_field(text: str, field: str) -> None:
    found = load_text(text, "f.yaml")
    assert field in [mistake.field for mistake in found.mistakes]


def test_two_rules_with_one_id_are_refused() -> None:
    assert mistakes(GOOD + "---\n" + GOOD) == [("id", "f.yaml:6")]


def test_the_version_leaves_tests_and_titles_out_and_the_shape_numbers_too() -> None:
    one = load_text(GOOD).checked()[0]
    titled = load_text(GOOD + "title: x\ntests: []\n").checked()[0]
    number = load_text(GOOD.replace("50", "60")).checked()[0]
    kind = load_text(GOOD.replace("above: 50", "below: 5")).checked()[0]
    assert one.version == titled.version != number.version
    assert one.shape == number.shape != kind.shape


def test_words_that_yaml_takes_for_something_else_stay_text() -> None:
    rule = load_text(GOOD.replace("{warning: {above: 20}, major: {above: 50}}", "{equals: on}")).checked()[0]
    assert rule.levels[0].predicate.text == "on"


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ("above: 50", "above: 60", []),
        ("above: 50", "below: 5", ["raise"]),
        ("rain_rate", "rain_depth", ["scope"]),
        ("kind: threshold\n", "kind: threshold\nfor: 5m\nlateness: 1m\n", ["lateness"]),
    ],
)
def test_fields_that_cost_a_rule_its_state_are_named(old: str, new: str, fields: list[str]) -> None:
    before, after = (load_text(text).checked()[0] for text in (GOOD, GOOD.replace(old, new)))
    assert dropping(before.source, after.source) == fields
    assert (before.shape == after.shape) == (not fields)
