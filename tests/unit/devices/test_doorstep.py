"""What the doorstep lets in, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from devices.decoders import Measurement
from devices.directory import Known
from devices.doorstep import MAX_AGE_MS, MAX_AHEAD_MS, ClockSkew, StationMode, reading
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


def test_a_dead_letter_of_a_wrong_point_says_in_both_languages_what_would_be_right() -> None:
    said = refusal(point=(181.0, 0.0)).detail
    assert "expected [longitude -180..180, latitude -90..90]" in said
    assert said.endswith("giá trị không hợp lệ; cần [kinh độ -180..180, vĩ độ -90..90]")


def test_an_unknown_quantity_is_refused() -> None:
    assert refusal(quantity="phlogiston").reason is Reason.UNKNOWN_QUANTITY


def sent(seq: int, at: int = NOW, **fields: Any) -> Reading:
    return Reading(device="d1", quantity="ph", value=7.0, at=at, seq=seq, site="s1", **fields)


def test_clock_skew_is_the_least_of_a_minute_once_a_minute() -> None:
    book = ClockSkew()
    lates = [700, 300, 900]
    told = [book.measure(sent(0, NOW + n * 20_000 - late), NOW + n * 20_000) for n, late in enumerate(lates)]
    assert told == [None, None, None]
    found = book.measure(sent(0, NOW + 60_000 - 500), NOW + 60_000)
    assert found is not None
    assert (found.quantity, found.value, found.unit) == ("clock_skew", 300.0, "ms")
    assert book.measure(sent(0, NOW + 61_000), NOW + 61_000) is None


def test_skew_of_a_clock_that_is_not_trusted_is_measured_all_the_same() -> None:
    book = ClockSkew()
    found = [book.measure(sent(0, now, device_at=now - 3_600_000), now) for now in (NOW, NOW + 60_000)]
    assert found[1] is not None
    assert found[1].value == 3_600_000.0


def test_late_history_and_uncertain_times_say_nothing_about_a_clock() -> None:
    book = ClockSkew()
    for now in (NOW, NOW + 60_000):
        assert book.measure(sent(0, now - 9_000_000, historical=True), now) is None
        assert book.measure(sent(0, now, quality=Quality.UNCERTAIN), now) is None


def station(quantity: str, status: StationStatus | None = None, at: int = NOW, **fields: Any) -> Reading:
    return Reading(device="kk-01", quantity=quantity, value=7.0, at=at, seq=1, site="s1", status=status, **fields)


def modes(book: StationMode, *messages: list[Reading], listed: bool = False) -> list[tuple[int, str | None]]:
    found = []
    for message in messages:
        for one in message:
            book.note(one)
        if (made := book.due(listed=listed)) is not None:
            found.append((made.at - NOW, made.text))
    return found


def test_a_stations_mode_is_the_gravest_status_of_its_quantities_told_when_it_changes() -> None:
    calibrating, error = StationStatus.CALIBRATING, StationStatus.ERROR
    assert modes(
        StationMode(),
        [station("so2"), station("pm10")],
        [station("so2", calibrating, NOW + 1), station("pm10", at=NOW + 1)],
        [station("so2", calibrating, NOW + 2), station("pm10", error, NOW + 2)],
        [station("so2", calibrating, NOW + 3), station("pm10", error, NOW + 3)],
        [station("pm10", at=NOW + 4)],
        [station("so2", at=NOW + 5)],
    ) == [(1, "calibrating"), (2, "error"), (4, "calibrating"), (5, "measuring")]


def test_a_mode_that_lasts_is_told_once_a_minute_and_measuring_is_not() -> None:
    faulty = [[station("so2", StationStatus.ERROR, NOW + 30_000 * n)] for n in range(4)]
    assert modes(StationMode(), *faulty) == [(0, "error"), (60_000, "error")]
    assert modes(StationMode(), *([station("so2", at=NOW + 30_000 * n)] for n in range(4))) == []


def test_a_station_whose_type_lists_mode_is_told_at_its_first_message() -> None:
    assert modes(StationMode(), [station("so2")], [station("so2", at=NOW + 1)], listed=True) == [(0, "measuring")]


def test_a_device_that_sends_its_mode_itself_is_left_alone() -> None:
    own = Reading(device="kk-01", quantity="mode", text="flushing", at=NOW, site="s1")
    assert modes(StationMode(), [own, station("so2", StationStatus.ERROR)]) == []


def test_history_says_nothing_of_a_stations_mode_now() -> None:
    assert modes(StationMode(), [station("so2", StationStatus.ERROR, historical=True)]) == []
