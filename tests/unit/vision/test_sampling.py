"""Which frames are looked at, and how long a reader waits."""

from __future__ import annotations

import random

import pytest

from vision.sampling import BackOff, Sampler


def taken(stream_fps: float, fps: float, seconds: float = 20, begin: float = 0.0) -> int:
    sampler = Sampler(fps)
    return sum(sampler.take(begin + n / stream_fps) for n in range(round(stream_fps * seconds)))


@pytest.mark.parametrize("stream_fps", [5, 7, 10, 12.5, 25, 29.97, 60])
def test_five_a_second_are_taken_of_any_faster_stream(stream_fps: float) -> None:
    assert taken(stream_fps, 5) == pytest.approx(100, abs=1)


@pytest.mark.parametrize("stream_fps", [1, 2, 4])
def test_a_slower_stream_is_taken_whole(stream_fps: float) -> None:
    assert taken(stream_fps, 5) == stream_fps * 20


def test_half_of_ten_a_second_are_every_other_frame() -> None:
    sampler = Sampler(5)
    assert [sampler.take(n / 10) for n in range(6)] == [True, False] * 3


@pytest.mark.parametrize("jump", [3600, -3600])
def test_a_clock_that_jumps_begins_anew(jump: float) -> None:
    sampler = Sampler(5)
    assert sampler.take(10_000)
    assert [sampler.take(10_000 + jump + n / 10) for n in range(4)] == [True, False, True, False]


def test_pauses_double_to_thirty_seconds_with_jitter_and_begin_again_after_success() -> None:
    back_off = BackOff(rng=random.Random(1))
    pauses = [back_off.pause() for _ in range(8)]
    for pause, whole in zip(pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert max(1, whole / 2) <= pause <= whole
    assert len(set(pauses[5:])) == 3
    back_off.reset()
    assert back_off.pause() == 1


def test_a_refused_login_waits_longest_at_once() -> None:
    assert BackOff(rng=random.Random(1)).pause(longest=True) >= 15
