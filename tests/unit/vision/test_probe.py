"""The frame rate that a look at a camera tells, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vision.backends.opencv import Taken
from vision.probe import rate
from vision.stream import Frame

SHOWN = Taken(np.zeros((2, 2, 3), np.uint8))


def frames(*told: tuple[float | None, float]) -> list[Frame]:
    """Frames with their stream's time and that of their arrival, in seconds."""
    return [Frame(SHOWN, 0, "arrival", round(arrived * 1000), stream_s) for stream_s, arrived in told]


@pytest.mark.parametrize(
    ("told", "fps"),
    [
        ([(0.0, 0.0), (0.1, 0.0), (0.2, 0.0), (0.3, 0.1)], 10),  # three intervals in 0.3 s, though they came at once
        ([(None, 0), (2.0, 0), (None, 2.1), (6.0, 4.1)], 0.5),  # frames without a time count: two intervals in 4 s
        ([(None, 0), (1.0, 0), (2.0, 0), (3.0, 0), (None, 1.1)], 1),
        ([(None, 0), (2.0, 0), (None, 1.1), (None, 3.1)], 0.5),  # one time is none: the gaps are 0, 1.1 and 2 s
        ([(None, 0)], 0),
        ([], 0),
        ([(1.0, 0), (1.0, 0)], 0),
    ],
)
def test_the_rate_is_that_of_the_stream_not_of_the_line(told: list[tuple[float | None, float]], fps: float) -> None:
    assert rate(frames(*told)) == fps
