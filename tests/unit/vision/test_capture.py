"""A frame's time is the camera's, until its clock jumps or drifts away."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vision.capture import CaptureClock
from vision.picture import ClockSource

T0 = 1_795_230_000_000
DELAY_MS = 120
FPS = 10


def watched(
    seconds: float, stream_s: Callable[[float], float], delay_ms: Callable[[float], float] = lambda _: DELAY_MS
) -> Iterable[tuple[float, int, ClockSource]]:
    """(true second, error of the time against the truth in ms, whose clock) of each frame of a camera.

    Its first report came after 2 s and is right; `stream_s` is what its stream says at a true second.
    """
    clock = CaptureClock()
    for frame in range(round(seconds * FPS)):
        true_s = frame / FPS
        arrived = T0 + round(true_s * 1000 + delay_ms(true_s))
        at, whose = clock.of(T0 * 1000 if true_s >= 2 else None, stream_s(true_s), arrived)
        yield true_s, at - T0 - round(true_s * 1000), whose


def test_with_a_report_times_are_those_of_taking_and_without_one_those_of_arrival() -> None:
    for true_s, error, whose in watched(60, lambda now: now):
        assert (error, whose) == ((0, "rtcp") if true_s >= 2 else (DELAY_MS, "arrival"))


def test_from_a_jump_on_arrival_counts_whichever_way_it_went() -> None:
    for step in (3600.0, 60.0, 5.0):
        found = list(watched(60, lambda now, step=step: now + (step if now >= 30 else 0)))  # type: ignore[misc]
        assert {(error, whose) for true_s, error, whose in found if true_s >= 30} == {(DELAY_MS, "arrival")}
    back = list(watched(60, lambda now: now - (40 if now >= 30 else 0)))
    assert {whose for true_s, _, whose in back if true_s > 40.2} == {"arrival"}


def test_a_line_that_stalls_and_catches_up_is_no_jump() -> None:
    def delay_ms(now: float) -> float:
        return max(DELAY_MS, 38_000 - now * 1000) if 30 <= now < 38 else DELAY_MS

    assert {whose for true_s, _, whose in watched(120, lambda now: now, delay_ms) if true_s >= 2} == {"rtcp"}


def test_what_a_camera_kept_back_before_the_first_frame_is_no_jump() -> None:
    # the first 3 s of pictures come in one burst, three seconds late at first
    delays = lambda now: max(DELAY_MS, 3000 - now * 1000)  # noqa: E731
    assert {whose for true_s, _, whose in watched(60, lambda now: now, delays) if true_s >= 2} == {"rtcp"}


def test_a_stream_whose_time_stands_still_is_given_up_within_a_second_and_one_that_pauses_is_not() -> None:
    found = list(watched(60, lambda now: 5.0))
    assert {(error, whose) for true_s, error, whose in found if true_s > 1.1} == {(DELAY_MS, "arrival")}
    clock = CaptureClock()
    for second in (0, 4, 8, 12):  # a frame in four seconds
        clock.of(None, float(second), T0 + second * 1000)
    assert not clock.jumped


def test_drift_is_found_before_it_makes_three_seconds() -> None:
    # a hundred millionths, a bad crystal: 2 s in five and a half hours
    clock, worst = CaptureClock(), 0
    for true_s in range(0, 40_000, 2):
        arrived = T0 + true_s * 1000 + DELAY_MS
        at, _ = clock.of(T0 * 1000, true_s * 1.0001, arrived)
        worst = max(worst, abs(at - T0 - true_s * 1000))
    assert clock.jumped
    assert worst < 3000
