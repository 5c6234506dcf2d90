"""How a login is written in a URL, and how long it may be."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from pipeline.core.errors import BadInput
from pipeline.core.logins import LONGEST, TOO_LONG, check_login, fits, in_url


def test_only_what_has_a_meaning_in_a_url_is_percent_encoded() -> None:
    # RFC 3986, section 3.2.1: sub-delims may stand in a login as they are, gen-delims, % and others not
    assert in_url("a", "!$&'()*+,;=-._~9Z") == "a:!$&'()*+,;=-._~9Z"
    assert in_url("a:b", ':/?#[]@% "') == "a%3Ab:%3A%2F%3F%23%5B%5D%40%25%20%22"
    assert in_url("kỹ", "đê") == "kỹ:đê"  # RFC 3987, section 2.2


@pytest.mark.parametrize("password", ["p", "kỹ-thuật viên@/#%", "%41+é\n\x7f", "\U0001f511"])
def test_what_is_written_reads_as_what_was_given(password: str) -> None:
    assert unquote(in_url("", password)) == f":{password}"


@pytest.mark.parametrize(
    ("password", "fit"),
    [
        ("a" * 123, True),  # with "cam:" 127
        ("a" * 124, False),
        ("đ" * 61, True),  # two bytes each
        ("đ" * 62, False),
        ("/" * 41, True),  # three as %2F
        ("/" * 42, False),
    ],
)
def test_a_login_may_have_127_bytes_as_it_is_written(password: str, fit: bool) -> None:
    assert fits("cam", password) is fit


def test_a_login_that_is_too_long_is_refused_in_both_languages_without_repeating_it() -> None:
    check_login("f", "cam", "s3cret" * 20)
    with pytest.raises(BadInput) as caught:
        check_login("f", "cam", "s3cret" * 21)
    assert TOO_LONG.vi in str(caught.value)
    assert TOO_LONG.en in str(caught.value)
    assert str(LONGEST) in TOO_LONG.vi
    assert "s3cret" not in str(caught.value)
