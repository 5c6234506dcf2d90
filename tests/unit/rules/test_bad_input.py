"""Wrong rule files: refused with file, line, field and what would be right; suspicious ones are pointed at."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rules.check import check_paths, overlaps, unknown_members
from rules.engine.loader import load_paths, load_text

HOT = "id: hot\nkind: threshold\nscope: {quantity: air_temperature}\nraise: {above: 30}\n"
CLUSTER = "id: c\nkind: cluster\nrule: hot\nk: 3\nradius: 1km\nseverity: major\n"
COMPOSITE = "id: c\nkind: composite\nof: [hot, wet]\nseverity: major\n"
AREA = "id: a\nkind: area\nscope: {quantity: rain_rate, area: x}\naggregate: mean\nevery: 5m\nraise: {above: 3}\n"


@pytest.mark.parametrize(
    ("text", "line", "field", "expected"),
    [
        (HOT + "colour: red\n", 5, "colour", "no such field"),
        (HOT.replace("air_temperature", "air_temprature"), 3, "scope.quantity", "did you mean air_temperature?"),
        (
            HOT.replace("{above: 30}", "{urgent: {above: 30}}"),
            4,
            "raise.urgent",
            "a severity (critical, major, minor, warning, indeterminate) or a comparison (above",
        ),
        (HOT.replace("threshold", "magic"), 2, "kind", "one of absence, area, baseline, cluster"),
        (HOT + "schedule: {when: 'workdays 6-8'}\n", 5, "schedule.when", "days and hours such as"),
        (CLUSTER.replace("k: 3", "k: 1"), 4, "k", "a whole number from 2 to 1000"),
        (CLUSTER.replace("1km", "1 mile"), 5, "radius", "a distance above 0 such as 500m or 3km"),
        (CLUSTER.replace("1km", "0m"), 5, "radius", "a distance above 0"),
        (CLUSTER.replace("major", "terrible"), 6, "severity", "one of critical, major, minor, warning"),
        (CLUSTER + "scope: {quantity: rain_rate}\n", 7, "scope", "no such field"),
        (CLUSTER + "raise: {above: 3}\n", 7, "raise", "no raise: this kind has none"),
        (COMPOSITE + "clear: {below: 3}\n", 5, "clear", "only {for: ..}"),
        (COMPOSITE + "match: most\n", 5, "match", "all, any, {at_least: k} or {score: x, weights"),
        (COMPOSITE + "match: {at_least: 3}\n", 5, "match.at_least", "a whole number from 1 to 2"),
        (COMPOSITE + "match: {score: 9, weights: {hot: 1, wet: 2}}\n", 5, "match.score", "at most 3"),
        (COMPOSITE + "match: {score: 1, weights: {hot: 1, dry: 2}}\n", 5, "match.weights.dry", "no such field"),
        (COMPOSITE + "same: province\n", 5, "same", "entity, site, area or {radius: 3km}"),
        (COMPOSITE.replace("major", "+3"), 4, "severity", "+1 or +2"),
        (COMPOSITE.replace("[hot, wet]", "[]"), 3, "of", "a list of 1 to 100 rule ids"),
        (AREA.replace("mean", "median"), 4, "aggregate", "one of mean, sum, min, max"),
        (AREA.replace("mean", "share"), 4, "of", "a comparison such as"),
        (AREA.replace(", area: x", ""), 3, "scope", "one area or one group"),
        (AREA.replace("5m", "10ms"), 5, "every", "at least 1s"),
    ],
)
def test_a_wrong_field_is_named_with_its_line_and_what_would_be_right(
    text: str, line: int, field: str, expected: str
) -> None:
    found = load_text(text, "f.yaml")
    told = {mistake.field: mistake for mistake in found.mistakes}
    assert field in told
    assert expected in told[field].expected
    assert told[field].where.startswith("f.yaml:")
    if field != "of" or "share" not in text:
        assert told[field].where == f"f.yaml:{line}"
    assert found.rules == ()


def test_rules_that_count_one_another_in_a_circle_are_refused_at_their_places() -> None:
    ring = "\n---\n".join(f"id: {x}\nkind: composite\nof: [{y}]" for x, y in (("a", "b"), ("b", "c"), ("c", "a")))
    mistakes = load_text(ring, "f.yaml").mistakes
    assert [(one.where, one.value) for one in mistakes] == [
        ("f.yaml:1", "a > b > c > a"),
        ("f.yaml:5", "b > c > a > b"),
        ("f.yaml:9", "c > a > b > c"),
    ]


def test_rules_that_share_members_without_a_circle_are_accepted() -> None:
    text = HOT + "---\n" + COMPOSITE.replace("[hot, wet]", "[hot]") + "---\nid: d\nkind: composite\nof: [hot, c]\n"
    assert load_text(text).mistakes == ()


def test_an_alias_bomb_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join('*' + before for _ in range(9))}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (tmp_path / "bomb.yaml").write_text(bomb)
    (mistake,) = load_paths([tmp_path]).mistakes
    assert (mistake.field, mistake.where) == ("yaml", f"{tmp_path}/bomb.yaml:1")


def test_ten_megabytes_are_refused_without_being_parsed(tmp_path: Path) -> None:
    (tmp_path / "big.yaml").write_text("- x\n" * 2_500_000)
    (tmp_path / "huge.yaml").write_text("- x\n" * 2_600_000)
    begin = time.perf_counter()
    mistakes = load_paths([tmp_path]).mistakes
    assert time.perf_counter() - begin < 2
    assert [Path(one.where.split(":")[0]).name for one in mistakes] == ["big.yaml", "huge.yaml"]
    assert all("at most 1000000 bytes" in one.expected for one in mistakes)


def test_a_broken_file_among_good_ones_is_named_and_the_good_ones_are_still_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOT)
    (tmp_path / "b.yaml").write_text("id: [\n")
    found = load_paths([tmp_path])
    assert [rule.id for rule in found.rules] == ["hot"]
    assert found.mistakes[0].where == f"{tmp_path}/b.yaml:2"


def test_the_linter_points_at_levels_that_are_never_shown_values_out_of_range_and_missing_tests(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOT.replace("{above: 30}", "{minor: {above: 50}, major: {above: 40}}"))
    (tmp_path / "b.yaml").write_text(HOT.replace("hot", "far").replace("30", "4000"))
    found = {(one.rule, one.field) for one in check_paths([tmp_path])[1]}
    assert {("hot", "raise.minor"), ("far", "raise.warning"), ("hot", "tests"), ("far", "tests")} <= found


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, True),
        ({"{quantity: air_temperature}": "{quantity: air_temperature, sites: [x]}"}, True),
        ({"air_temperature": "pm2_5"}, False),
        ({"above: 30": "above: 31"}, False),
        ({"id: warm": "id: warm\nshadow: true"}, False),
    ],
)
def test_two_rules_that_say_the_same_of_the_same_are_pointed_at(change: dict[str, str], told: bool) -> None:
    second = HOT.replace("id: hot", "id: warm")
    for old, new in change.items():
        second = second.replace(old, new)
    rules = load_text(HOT + "---\n" + second).checked()
    assert [one.rule for one in overlaps(rules)] == (["warm"] if told else [])


def test_scopes_that_cannot_meet_do_not_overlap() -> None:
    here = HOT.replace("}", ", sites: [a]}", 1)
    there = HOT.replace("}", ", sites: [b]}", 1).replace("id: hot", "id: warm")
    assert overlaps(load_text(here + "---\n" + there).checked()) == []


def test_a_member_that_is_not_there_is_pointed_at() -> None:
    (found,) = unknown_members(load_text(CLUSTER).checked())
    assert found.message == "counts hot, which is not here / đếm quy tắc hot, nhưng ở đây không có"


def test_the_linter_speaks_vietnamese_too_with_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOT.replace("30", "1000.5"))
    found = {one.field: one.message for one in check_paths([tmp_path])[1]}
    assert " / không bao giờ đo được 1000,5 Cel: air_temperature hợp lý từ" in found["raise.warning"]
    assert " / chưa có phép thử nào" in found["tests"]
