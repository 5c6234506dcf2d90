"""Passwords and the lock."""

from __future__ import annotations

import re

from pipeline.console import people
from pipeline.console.people import Attempt, after_failure, mark_of, random_password


def test_the_fifth_failure_locks_and_the_fourth_does_not() -> None:
    assert [after_failure(n) for n in (1, 4)] == [Attempt(1, False), Attempt(4, False)]
    assert after_failure(5) == Attempt(0, True)


def test_attempts_side_by_side_beyond_the_fifth_lock_too() -> None:
    assert after_failure(9).locks


def test_a_name_is_locked_for_a_quarter_of_an_hour() -> None:
    assert people.LOCKED_FOR.total_seconds() == 900


def test_passwords_are_random_and_can_be_read_aloud() -> None:
    found = {random_password() for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch(r"([a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}", password) for password in found)


def test_another_password_gives_another_mark() -> None:
    assert mark_of("a") != mark_of("b")
