"""Parts of a file over HTTP: RFC 9110, section 14."""

from __future__ import annotations

import pytest

from pipeline.console.evidence import part
from pipeline.console.people import Right, Role

CONTENT = bytes(range(100))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=90-", 90, 99),
        ("bytes=-10", 90, 99),
        ("bytes=95-500", 95, 99),
        ("bytes=-500", 0, 99),
        ("bytes=99-99", 99, 99),
    ],
)
def test_a_range_is_answered_with_its_bytes(asked: str, first: int, last: int) -> None:
    answer = part(CONTENT, asked, "video/mp4", {})
    assert (answer.status_code, bytes(answer.body)) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_beyond_the_file_cannot_be_satisfied(asked: str) -> None:
    answer = part(CONTENT, asked, "video/mp4", {})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */100")


@pytest.mark.parametrize(
    "asked", ["", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,5-6", "lines=0-3", "bytes=5", "bytes=9-3"]
)
def test_what_is_no_single_range_of_bytes_is_answered_with_everything(asked: str) -> None:
    answer = part(CONTENT, asked, "video/mp4", {})
    assert (answer.status_code, bytes(answer.body)) == (200, CONTENT)


def test_operators_and_those_above_see_people_clearly_and_viewers_do_not() -> None:
    assert [role.may(Right.EVIDENCE_CLEAR) for role in Role] == [False, True, True, True]
    assert Role.VIEWER.rights == []
    assert Role.ADMIN.rights == list(Right)
