"""No picture is shown that a spoiled frame has left its traces in; a stream of nothing else is given up."""

from __future__ import annotations

import numpy as np
import pytest

from vision.backends.opencv import Taken
from vision.cleanness import Cleanness
from vision.gate import SIZE
from vision.picture import Image
from vision.resting import Resting
from vision.stream import Frame


def test_frames_after_a_spoiled_one_wait_for_a_key_frame() -> None:
    stream = Cleanness(0)
    assert stream.clean(100, key=False)
    stream.spoiled(200)
    assert not stream.clean(300, key=False)
    assert stream.clean(400, key=True)
    assert stream.clean(500, key=False)
    assert stream.broken == 2


def test_without_key_frames_a_stream_is_clean_again_after_two_seconds() -> None:
    stream = Cleanness(0)
    stream.spoiled(1000)
    assert not stream.clean(2900, key=False)
    assert stream.clean(3000, key=False)


def test_six_seconds_of_nothing_but_spoiled_frames_are_hopeless() -> None:
    stream = Cleanness(0)
    stream.clean(1000, key=True)
    for at in range(1100, 7000, 100):
        stream.spoiled(at)
        assert not stream.hopeless(at)
    stream.spoiled(7100)
    assert stream.hopeless(7100)


def test_a_silent_stream_is_not_a_broken_one() -> None:
    stream = Cleanness(0)
    stream.clean(1000, key=True)
    assert not stream.hopeless(60_000)


def frame(stream_s: float, *, key: bool) -> Frame:
    image: Image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    return Frame(Taken(image), 0, "arrival", 0, stream_s, key)


@pytest.mark.parametrize(("gop_s", "quiet_s", "rests"), [(2, 10, True), (2, 9, False), (4, 60, False), (0.5, 10, True)])
def test_only_a_quiet_stream_with_a_key_frame_every_two_seconds_may_rest(
    gop_s: float, quiet_s: float, rests: bool
) -> None:
    resting = Resting()
    for tick in range(200):
        resting.frame(frame(tick / 10, key=tick % round(gop_s * 10) == 0))
    assert resting.may_rest(quiet_s) is rests


def test_a_stream_whose_key_frames_are_not_known_yet_does_not_rest() -> None:
    resting = Resting()
    resting.frame(frame(0, key=True))
    assert not resting.may_rest(100)
