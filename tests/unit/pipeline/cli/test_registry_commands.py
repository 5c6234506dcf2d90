"""What the commands of the registry do before and after they speak to it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from pipeline.cli.area import as_tree
from pipeline.cli.attribute import followed_by
from pipeline.cli.calendar import group
from pipeline.cli.services import moment
from pipeline.core.catalogue import Area, DatedValue
from pipeline.core.errors import BadInput


def test_a_new_value_ends_the_one_before_it_and_replaces_one_of_the_same_begin() -> None:
    first = followed_by((), DatedValue(4.2))
    second = followed_by(first, DatedValue(4.5, 1000))
    assert second == (DatedValue(4.2, None, 1000), DatedValue(4.5, 1000))
    assert followed_by(second, DatedValue(4.6, 1000)) == (DatedValue(4.2, None, 1000), DatedValue(4.6, 1000))


def test_areas_are_listed_below_the_one_around_them() -> None:
    areas = [Area(id="a", parent="z"), Area(id="b", parent="a"), Area(id="c", parent="z"), Area(id="z")]
    assert [(depth, area.id) for depth, area in as_tree(areas)] == [(0, "z"), (1, "a"), (2, "b"), (1, "c")]


def test_a_time_that_is_none_is_refused() -> None:
    assert moment("--from", "") is None
    with pytest.raises(BadInput, match=r"--from: 'gestern' is not valid"):
        moment("--from", "gestern")


def test_the_days_of_tet_and_a_deadline_over_it_need_no_database() -> None:
    listed = CliRunner().invoke(group, ["list", "vn", "--year", "2026"])
    assert "2026-02-17  no" in listed.stdout
    assert "2026-08-22  yes" in listed.stdout
    due = CliRunner().invoke(group, ["deadline", "vn", "--from", "2026-02-13T16:00:00+07:00", "--after", "2h"])
    assert due.stdout.startswith("2026-02-23T01:30:00")
