"""Anything that moves, by its size: `person` or `vehicle`. Needs no weights and little time.

Blobs before a learned background (vision.detectors.moving), judged by the ground: on a calibrated camera a blob's
foot says how many pixels a metre is there. Person-sized: PEOPLE_M tall, narrower than tall. Vehicle-sized: larger,
at least VEHICLE_LEAST_M wide or long. A blob of several people side by side is divided into as many as fit.

Without a calibration nothing says what is a person's size: then a blob is a person when it is taller than wide by
UPRIGHT, else a vehicle, and whatever covers less than LEAST_SHARE of the picture is nothing. It is a fallback: a
person near the camera and a lorry far off are as tall as each other.

The confidence is no probability: it is how much of its box the blob fills and how well it fits the size.
"""

from __future__ import annotations

from collections.abc import Iterator

from vision.detectors import Options
from vision.detectors.moving import Background, Blob
from vision.motion import STATURE_M
from vision.picture import Box, Picture, Seen
from vision.plane import Plane, PlaneOfSize

PEOPLE_M = (1.0, 2.4)
"""How tall a blob of a person is: feet and heads get lost, shadows and neighbours add."""
ADULT_M = (1.5, 1.9)
"""How tall a person's box is drawn."""
ASPECT = 0.41
"""Width over height of a person's box (Dollár and others, Pedestrian Detection, PAMI 2012)."""
VEHICLE_LEAST_M = 1.2
VEHICLE_MOST_M = 20.0
ROOM_M = 0.75
"""How wide one person is who walks, with half of the distance to the next."""
UPRIGHT = 1.2
LEAST_SHARE = 0.0008
"""Of the picture's area: 353 pixels of 4CIF, a person of 29 pixels."""
LEAST_FILL = 0.25
"""A blob that fills less of its box is a wire, a branch, or several things at once."""
PEOPLE_MOST = 4
"""More people side by side cannot be told apart by width."""


class Motion:
    """Movers of a person's or a vehicle's size. One instance a camera: it learns the background."""

    def __init__(self, options: Options) -> None:
        self._lowest = options.lowest
        self._plane = PlaneOfSize(options.calibration, options.frame_size)
        self._background = Background()

    def detect(self, picture: Picture) -> list[Seen]:
        """What moves in the picture and has the size of something."""
        plane = self._plane.of(picture.size)
        blobs = self._background.blobs(picture)
        if plane is None or plane.stature is None:
            found = list(uncalibrated(blobs, picture.size))
        else:
            found = [seen for blob in blobs for seen in calibrated(blob, plane)]
        return [each for each in found if each.confidence >= self._lowest]


def calibrated(blob: Blob, plane: Plane) -> Iterator[Seen]:
    """What a blob is by its size in metres, taken from how tall a person would be at its foot."""
    box, fill = _whole(blob)
    metre = _metre(box, plane)
    if metre is None or fill < LEAST_FILL:
        return
    tall, wide = box.height / metre, box.width / metre
    people = max(1, min(PEOPLE_MOST, round(wide / ROOM_M)))
    if PEOPLE_M[0] <= tall <= PEOPLE_M[1] and wide < max(tall, PEOPLE_MOST * ROOM_M):
        for part in blob.columns(people):
            yield from _person(part, fill, plane)
    elif VEHICLE_LEAST_M <= wide <= VEHICLE_MOST_M:
        yield Seen(box, "vehicle", 0.5 + fill / 2)


def _person(part: Box, fill: float, plane: Plane) -> Iterator[Seen]:
    """A person, when the part is as tall as one; the box is a person's in shape, and its foot that of the part."""
    metre = _metre(part, plane)
    if metre is None or not PEOPLE_M[0] <= (tall := part.height / metre) <= PEOPLE_M[1]:
        return
    (x, y), height = part.foot, min(max(tall, ADULT_M[0]), ADULT_M[1]) * metre
    fit = min(tall, STATURE_M) / max(tall, STATURE_M)
    yield Seen(Box(x - ASPECT * height / 2, y - height, ASPECT * height, height), "person", 0.5 + fit * fill / 2)


def _metre(box: Box, plane: Plane) -> float | None:
    """Pixels a metre at the foot of a box; None where nobody can stand."""
    expected = plane.expected_height([box.foot])
    return float(expected[0]) / STATURE_M if expected is not None and expected[0] > 0 else None


def uncalibrated(blobs: list[Blob], size: tuple[int, int]) -> Iterator[Seen]:
    """What blobs are by their shape alone."""
    for blob in blobs:
        box, fill = _whole(blob)
        if fill >= LEAST_FILL and box.width * box.height >= LEAST_SHARE * size[0] * size[1]:
            label = "person" if box.height >= UPRIGHT * box.width else "vehicle"
            yield Seen(box, label, 0.5 + fill / 4)


def _whole(blob: Blob) -> tuple[Box, float]:
    """The box of what moves, without a margin, and how much of it moves."""
    box = next(iter(blob.columns(1)), blob.box)
    return box, min(1.0, blob.moving / max(box.width * box.height, 1.0))
