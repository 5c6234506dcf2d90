"""Truth of a clip in the format of MOTChallenge, and how boxes are matched to it. Pure but for reading the file.

Columns: frame (from 1), person, left, top, width, height, considered (0: ignore), x, y, z (metres; -1 without).
https://motchallenge.net/instructions/
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.core.errors import BadInput
from pipeline.core.oserrors import why
from vision.assignment import assign_within
from vision.picture import Box, overlap

HIT = 0.5
"""Boxes that overlap by this much are of the same person."""


class True_(NamedTuple):  # noqa: N801 - `True` is taken
    """One person in one frame; `counts` false: to be ignored."""

    person: str
    box: Box
    counts: bool
    metres: tuple[float, float] | None


Truth = Mapping[int, Sequence[True_]]
"""By frame from 1."""


def read_truth(path: Path) -> Truth:
    """The truth in a file. Raises BadInput naming the line."""
    found: dict[int, list[True_]] = defaultdict(list)
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        said = why(error)
        raise BadInput("--truth", str(path), f"a readable file ({said.en})", vi=f"tệp đọc được ({said.vi})") from None
    for number, row in enumerate(csv.reader(lines), 1):
        try:
            frame, person, left, top, width, height, counts = map(float, row[:7])
            metres = (float(row[7]), float(row[8])) if len(row) > 9 else None
        except ValueError:
            place, wanted = f"{path} line {number}", "10 numbers with commas between"
            raise BadInput("truth", ",".join(row), wanted, place, vi="10 số cách nhau bằng dấu phẩy") from None
        box = Box(left, top, width, height)
        found[int(frame)].append(True_(str(int(person)), box, counts != 0, metres if metres != (-1, -1) else None))
    return found


def matched(found: Sequence[Box], true: Sequence[Box], least: float = HIT) -> list[tuple[int, int]]:
    """Pairs (found, true) that overlap enough: as many as can be, and the best of those."""
    shares = np.array([[overlap(a, b) for b in true] for a in found]).reshape(len(found), len(true))
    return assign_within(1 - shares, shares >= least)
