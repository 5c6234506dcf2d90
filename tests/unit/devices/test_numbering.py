"""Which numbers are missing, and which only came late."""

from __future__ import annotations

from devices.numbering import GRACE_MS, Came, Numbering
from pipeline.core.events import Reading

NOW = 1_795_230_000_000
LATER = NOW + GRACE_MS


def sent(seq: int, at: int = NOW) -> Came:
    return Came("d1", seq, at, at, "s1")


def missing(*messages: Came, numbering: Numbering | None = None, stamped: bool = True) -> list[tuple[int, float]]:
    """(seq, numbers missing before it), after the time of grace."""
    found = numbering or Numbering()
    for message in messages:
        found.came(message, NOW, stamped=stamped)
    return [(gap.seq, gap.value or 0) for gap in found.due(LATER)]


def test_a_gap_says_how_many_are_missing_before_the_message_that_showed_it() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.came(sent(9, NOW + 1), NOW)
    assert numbering.due(LATER) == [
        Reading(device="d1", quantity="seq_gap", at=NOW + 1, seq=9, value=3.0, unit="{message}", site="s1")
    ]
    assert numbering.due(LATER + GRACE_MS) == []


def test_a_gap_waits_for_what_comes_late() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.came(sent(9, NOW + 1), NOW)
    assert numbering.due(LATER - 1) == []


def test_what_comes_late_is_not_missing() -> None:
    assert missing(sent(1), sent(5, NOW + 5), *(sent(n, NOW + n) for n in (2, 3, 4))) == []


def test_what_comes_late_divides_the_rest_into_runs() -> None:
    assert missing(sent(1), sent(9, NOW + 9), sent(4, NOW + 4)) == [(4, 2.0), (9, 4.0)]


def test_the_first_message_of_a_device_shows_no_gap() -> None:
    assert missing(sent(500)) == []


def test_numbers_that_follow_each_other_or_are_shared_by_one_message_show_no_gap() -> None:
    assert missing(sent(1), sent(2), sent(2), sent(3)) == []


def test_repeats_after_a_crash_show_no_gap() -> None:
    messages = [sent(n, NOW + n) for n in range(1, 21)]
    assert missing(*messages, *messages[9:], sent(21, NOW + 21)) == []


def test_one_repeat_of_a_low_number_is_not_taken_for_a_restart() -> None:
    messages = [sent(n, NOW + n) for n in range(1, 21)]
    assert missing(*messages, messages[9], sent(21, NOW + 21)) == []


def test_a_device_that_starts_again_is_no_gap_and_is_counted_from_there() -> None:
    again = [sent(n, NOW + 1000 + n) for n in (1, 2, 5)]
    assert missing(sent(900), *again) == [(5, 2.0)]


def test_a_device_that_starts_again_at_a_high_number_is_known_by_its_time() -> None:
    assert missing(sent(900), sent(400, NOW + 1), sent(402, NOW + 2)) == [(402, 1.0)]


def test_without_a_clock_only_a_low_number_is_a_restart() -> None:
    assert missing(sent(900), sent(400, NOW + 1), sent(901, NOW + 2), stamped=False) == []
    assert missing(sent(900), sent(1, NOW + 1), sent(3, NOW + 2), stamped=False) == [(3, 1.0)]


def test_messages_without_a_number_are_not_counted() -> None:
    assert missing(sent(5), sent(0, NOW + 5), sent(6, NOW + 6)) == []


def test_a_message_that_came_and_was_refused_is_not_missing() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.refused("d1", 7)
    numbering.refused("d1", 7)
    assert missing(sent(10, NOW + 1), numbering=numbering) == [(7, 1.0), (10, 2.0)]


def test_a_refused_message_that_comes_late_is_not_missing_either() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.came(sent(7, NOW + 1), NOW)
    numbering.refused("d1", 6)
    assert numbering.due(LATER) == []


def test_what_the_log_reported_already_is_not_reported_again() -> None:
    numbering = Numbering()
    for message in (sent(5), sent(9, NOW + 1), sent(12, NOW + 2)):
        numbering.came(message, NOW)
    numbering.reported("d1", 9)
    assert missing(numbering=numbering) == [(12, 2.0)]


def test_what_was_open_long_before_the_log_ended_was_judged_then() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.came(sent(9, NOW + 1), NOW)
    numbering.resume(NOW + 1, NOW)
    assert missing(sent(12, NOW + 2), numbering=numbering) == [(12, 2.0)]


def test_what_was_open_when_the_log_ended_gets_its_time_anew() -> None:
    numbering = Numbering()
    numbering.came(sent(5), NOW)
    numbering.came(sent(9, NOW + 1), NOW)
    numbering.resume(NOW, NOW + 60_000)
    assert numbering.due(NOW + 60_000) == []
    numbering.came(sent(7, NOW), NOW + 60_000)
    assert [gap.seq for gap in numbering.due(NOW + 60_000 + GRACE_MS)] == [7, 9]
