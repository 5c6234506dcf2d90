"""What the doorstep lets in, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from devices.decoders import Measurement
from devices.directory import Known
from devices.doorstep import MAX_AGE_MS, MAX_AHEAD_MS, Bookkeeping, reading
from pipeline.core.catalogue import Device, DeviceType
from pipeline.core.errors import Reason, Rejected
from pipeline.core.events import Quality, Reading, StationStatus

NOW = 1_795_230_000_000
DEVICE = Device(id="d1", type="t", site="s1")
KNOWN = Known(DEVICE, DeviceType(id="t"))
BY_ARRIVAL = Known(DEVICE, DeviceType(id="t", clock="arrival"))


def taken(known: Known = KNOWN, **fields: Any) -> Reading:
    measurement = {"quantity": "ph", "value": 7.0, "at": NOW, **fields}
    return reading(Measurement(**measurement), known, NOW)


def refusal(known: Known = KNOWN, **fields: Any) -> Rejected:
    with pytest.raises(Rejected) as caught:
        taken(known, **fields)
    return caught.value


def test_a_clock_may_be_two_minutes_ahead_and_no_more() -> None:
    assert taken(at=NOW + MAX_AHEAD_MS).at == NOW + 120_000
    assert refusal(at=NOW + MAX_AHEAD_MS + 1).reason is Reason.CLOCK_AHEAD


def test_data_may_be_seven_days_old_and_no_older() -> None:
    assert taken(at=NOW - MAX_AGE_MS).at == NOW - 604_800_000
    assert refusal(at=NOW - MAX_AGE_MS - 1).reason is Reason.TOO_OLD


def test_a_clock_that_is_not_trusted_is_kept_beside_the_time_of_arrival() -> None:
    found = taken(BY_ARRIVAL, at=NOW + 3_600_000)
    assert (found.at, found.device_at, found.quality) == (NOW, NOW + 3_600_000, Quality.GOOD)


def test_a_missing_time_is_the_time_of_arrival_and_uncertain() -> None:
    found = taken(at=None)
    assert (found.at, found.quality) == (NOW, Quality.UNCERTAIN)


def test_a_value_outside_the_plausible_range_is_uncertain_and_its_bounds_are_inside() -> None:
    assert [taken(value=value).quality for value in (0.0, 14.0, 14.5, -0.1)] == ["good", "good", *["uncertain"] * 2]


def test_a_station_that_calibrates_or_failed_gives_bad_values() -> None:
    assert taken(status=StationStatus.CALIBRATING).quality is Quality.BAD
    assert taken(status=StationStatus.ERROR, quality=Quality.GOOD).quality is Quality.BAD


def test_a_unit_is_converted_and_a_foreign_one_refused_with_those_that_are_right() -> None:
    found = taken(quantity="water_level", value=250.0, unit="cm")
    assert (found.value, found.unit) == (2.5, "m")
    assert refusal(quantity="water_level", unit="Cel").detail == (
        "unit: 'Cel' does not measure water_level; expected one of m, cm, mm"
    )


def test_a_conversion_that_leaves_all_numbers_is_not_finite() -> None:
    assert refusal(quantity="queue_length", value=1e308, unit="km").reason is Reason.NOT_FINITE


@pytest.mark.parametrize(
    "fields",
    [
        {"value": None, "text": "acid"},
        {"quantity": "door"},
        {"quantity": "door", "value": None, "text": ""},
        {"quantity": "door", "value": None, "text": "a\0b"},
        {"quantity": "door", "value": None, "text": "x" * 257},
        {"seq": -1},
        {"seq": 2**53 + 1},
        {"point": (181.0, 0.0)},
        {"at": -1},
        {"at": "yesterday"},
        {"at": "2026-11-21T08:00:00"},
        {"at": NOW * 1000},
    ],
)
def test_what_nobody_behind_could_use_is_a_wrong_type(fields: dict[str, Any]) -> None:
    assert refusal(**fields).reason is Reason.WRONG_TYPE


def test_an_unknown_quantity_is_refused() -> None:
    assert refusal(quantity="phlogiston").reason is Reason.UNKNOWN_QUANTITY


def sent(seq: int, at: int = NOW, **fields: Any) -> Reading:
    return Reading(device="d1", quantity="ph", value=7.0, at=at, seq=seq, site="s1", **fields)


def missing(book: Bookkeeping, *readings: Reading, stamped: bool = True) -> list[float]:
    found = [book.gap(reading, stamped=stamped) for reading in readings]
    return [gap.value for gap in found if gap is not None and gap.value is not None]


def test_a_gap_says_how_many_are_missing_before_the_message_that_showed_it() -> None:
    book = Bookkeeping()
    book.gap(sent(5, NOW))
    gap = book.gap(sent(9, NOW + 1))
    assert gap == Reading(device="d1", quantity="seq_gap", at=NOW + 1, seq=9, value=3.0, unit="{message}", site="s1")


def test_the_first_message_of_a_device_shows_no_gap() -> None:
    assert missing(Bookkeeping(), sent(500)) == []


def test_numbers_that_follow_each_other_or_are_shared_by_one_message_show_no_gap() -> None:
    assert missing(Bookkeeping(), sent(1), sent(2), sent(2), sent(3)) == []


def test_repeats_after_a_crash_show_no_gap() -> None:
    messages = [sent(n, NOW + n) for n in range(1, 21)]
    assert missing(Bookkeeping(), *messages, *messages[9:], sent(21, NOW + 21)) == []


def test_one_repeat_of_a_low_number_is_not_taken_for_a_restart() -> None:
    messages = [sent(n, NOW + n) for n in range(1, 21)]
    assert missing(Bookkeeping(), *messages, messages[9], sent(21, NOW + 21)) == []


def test_a_device_that_starts_again_is_no_gap_and_is_counted_from_there() -> None:
    later = NOW + 1000
    assert missing(Bookkeeping(), sent(900), sent(1, later), sent(2, later + 1), sent(5, later + 2)) == [2.0]


def test_a_device_that_starts_again_at_a_high_number_is_known_by_its_time() -> None:
    assert missing(Bookkeeping(), sent(900), sent(400, NOW + 1), sent(402, NOW + 2)) == [1.0]


def test_without_a_clock_only_a_low_number_is_a_restart() -> None:
    assert missing(Bookkeeping(), sent(900), sent(400, NOW + 1), sent(901, NOW + 2), stamped=False) == []
    assert missing(Bookkeeping(), sent(900), sent(1, NOW + 1), sent(3, NOW + 2), stamped=False) == [1.0]


def test_messages_without_a_number_are_not_counted() -> None:
    assert missing(Bookkeeping(), sent(5), sent(0, NOW + 5), sent(6, NOW + 6)) == []


def test_a_message_that_came_and_was_refused_is_not_missing() -> None:
    book = Bookkeeping()
    book.gap(sent(5))
    book.refused("d1", 6)
    book.refused("d1", 6)
    assert missing(book, sent(9, NOW + 1)) == [2.0]


def test_what_the_log_holds_is_where_counting_goes_on() -> None:
    book = Bookkeeping()
    for seq, at in ((5, NOW), (7, NOW + 2), (6, NOW + 1)):
        book.recall("d1", seq, at)
    assert missing(book, sent(10, NOW + 5)) == [2.0]


def test_clock_skew_is_the_least_of_a_minute_once_a_minute() -> None:
    book = Bookkeeping()
    lates = [700, 300, 900]
    told = [book.skew(sent(0, NOW + n * 20_000 - late), NOW + n * 20_000) for n, late in enumerate(lates)]
    assert told == [None, None, None]
    found = book.skew(sent(0, NOW + 60_000 - 500), NOW + 60_000)
    assert found is not None
    assert (found.quantity, found.value, found.unit) == ("clock_skew", 300.0, "ms")
    assert book.skew(sent(0, NOW + 61_000), NOW + 61_000) is None


def test_skew_of_a_clock_that_is_not_trusted_is_measured_all_the_same() -> None:
    book = Bookkeeping()
    found = [book.skew(sent(0, now, device_at=now - 3_600_000), now) for now in (NOW, NOW + 60_000)]
    assert found[1] is not None
    assert found[1].value == 3_600_000.0


def test_late_history_and_uncertain_times_say_nothing_about_a_clock() -> None:
    book = Bookkeeping()
    for now in (NOW, NOW + 60_000):
        assert book.skew(sent(0, now - 9_000_000, historical=True), now) is None
        assert book.skew(sent(0, now, quality=Quality.UNCERTAIN), now) is None
