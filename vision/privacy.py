"""People made unrecognisable in a picture. Pure.

What is blurred cannot be had back: each person's box, with a margin, is reduced to a few blocks before it is
smoothed (a plain Gaussian blur can be undone in part; see McPherson et al. 2016, https://arxiv.org/abs/1609.00408,
on why few and large blocks matter). A picture in which nobody looked for people is reduced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from vision.picture import Box, Image

MARGIN = 0.15
"""Added to each side of a box, of its width and height: detectors cut off hair, feet and hands."""
SMEAR_MS = 700
"""Someone seen within so long of a picture is blurred there too: detectors blink."""
BLOCKS = 6
"""Blocks across the shorter side of a box."""
_WHOLE_BLOCKS = 24


def blurred(image: Image, people: Iterable[Box] | None) -> Image:
    """A copy with the boxes of people blurred; None: nobody looked, so all of it is."""
    copy = image.copy()
    if people is None:
        _reduce(copy, 0, 0, copy.shape[1], copy.shape[0], _WHOLE_BLOCKS)
        return copy
    for box in people:
        left, top, right, bottom = _grown(box, copy)
        if right > left and bottom > top:
            _reduce(copy, left, top, right, bottom, BLOCKS)
    return copy


def _grown(box: Box, image: Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the box with its margin, inside the picture."""
    across, down = box.width * MARGIN, box.height * MARGIN
    rows, columns = image.shape[:2]
    return (
        max(int(box.x - across), 0),
        max(int(box.y - down), 0),
        min(int(box.x + box.width + across) + 1, columns),
        min(int(box.y + box.height + down) + 1, rows),
    )


def _reduce(image: Image, left: int, top: int, right: int, bottom: int, blocks: int) -> None:
    part = image[top:bottom, left:right]
    rows, columns = part.shape[:2]
    block = max(min(rows, columns) / blocks, 1.0)
    few = cv2.resize(part, (max(round(columns / block), 1), max(round(rows / block), 1)), interpolation=cv2.INTER_AREA)
    image[top:bottom, left:right] = np.asarray(cv2.resize(few, (columns, rows), interpolation=cv2.INTER_LINEAR))
