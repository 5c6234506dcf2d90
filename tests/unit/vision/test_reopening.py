"""A camera whose clock jumped gets it back by a new connection; one whose clock is no good is left in peace."""

from __future__ import annotations

from vision.reopening import AFTER_MOST_S, AFTER_S, Reopening


def openings(until_s: int, *, good: range = range(0)) -> list[int]:
    """The seconds at which a camera is opened anew that has lost its clock on every connection but the `good` ones."""
    reopening, found = Reopening(), list[int]()
    reopening.connected(0)
    for second in range(until_s):
        if len(found) not in good:
            reopening.jumped()
        if reopening.due(second):
            found.append(second)
            reopening.connected(second)
    return found


def test_the_first_time_comes_after_a_minute_and_each_other_after_twice_as_long() -> None:
    assert openings(1000) == [61, 182, 423, 904]


def test_once_an_hour_is_the_least() -> None:
    found = openings(50_000)
    assert found[-1] - found[-2] == AFTER_MOST_S + 1


def test_a_clock_that_is_there_is_left_alone() -> None:
    assert openings(10_000, good=range(1)) == []


def test_a_connection_with_its_clock_makes_good_for_those_before() -> None:
    reopening = Reopening()
    for begin in (0, 1000, 2000):
        reopening.connected(begin)
        assert reopening.jumped() is True
        assert reopening.jumped() is False
        assert reopening.due(begin + 999)
    reopening.connected(3000)
    reopening.connected(4000)
    assert reopening.jumped()
    assert not reopening.due(4000 + AFTER_S)
    assert reopening.due(4000 + AFTER_S + 1)
