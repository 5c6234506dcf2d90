"""Anything that moves, by its size: `person` or `vehicle`. Needs no weights and little time.

Blobs before a learned background (vision.detectors.moving), judged by the ground: on a calibrated camera a blob's
foot says how many pixels a metre is there. Person-sized: PEOPLE_M tall, narrower than tall. Vehicle-sized: larger,
at least VEHICLE_LEAST_M wide or long. A blob as tall as people and as wide as several is divided into as many as fit,
unless it shows itself to be one solid thing, or faster than people (vision.detectors.solidity): a car seen from the
front, a motorcycle on its way. Cars that hide parts of one another are one blob, and one vehicle.

Without a calibration nothing says what is a person's size: then a blob is a person when it is taller than wide by
UPRIGHT, else a vehicle, and whatever covers less than LEAST_SHARE of the picture is nothing. It is a fallback: a
person near the camera and a lorry far off are as tall as each other.

The confidence is no probability: it is how much of its box the blob fills and how well it fits the size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vision.detectors import Options
from vision.detectors.moving import PIXEL, Background, Blob
from vision.detectors.solidity import Mover, Solidity
from vision.motion import STATURE_M
from vision.naming import PERSON
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
NARROW_M = 0.4
"""How much of a vehicle must be in sight, or how wide it is from the front, when it is known to be one."""
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

    people = (PERSON, "vehicle")
    """A group of people that walk abreast, or one who lies, is wider than tall."""

    def __init__(self, options: Options) -> None:
        self._lowest = options.lowest
        self._plane = PlaneOfSize(options.calibration, options.frame_size)
        self._background = Background()
        self._solidity: Solidity | None = None

    def detect(self, picture: Picture) -> list[Seen]:
        """What moves in the picture and has the size of something."""
        plane = self._plane.of(picture.size)
        blobs = self._background.blobs(picture)
        if plane is None or plane.stature is None:
            found = list(uncalibrated(blobs, picture.size))
        else:
            found = list(self._by_size(blobs, plane, picture.at))
        return [each for each in found if each.confidence >= self._lowest]

    def _by_size(self, blobs: Iterable[Blob], plane: Plane, at: int) -> Iterator[Seen]:
        """What blobs are by their sizes in metres, and by what they have shown before."""
        if self._solidity is None or self._solidity.plane is not plane:
            self._solidity = Solidity(plane)
        sized = [(blob, mover) for blob in blobs if (mover := measured(blob, plane)) is not None]
        vehicles = self._solidity.update([mover for _, mover in sized], at)
        for blob, mover in sized:
            yield from named(blob, mover, plane, vehicle=mover.box in vehicles)


def measured(blob: Blob, plane: Plane) -> Mover | None:
    """A blob's size in metres, taken from how tall a person would be at its foot; None for what is no object."""
    box, fill = _whole(blob)
    metre = _metre(box, plane)
    return None if metre is None or fill < LEAST_FILL else Mover(box, fill, box.width / metre, box.height / metre)


def named(blob: Blob, mover: Mover, plane: Plane, *, vehicle: bool) -> Iterator[Seen]:
    """What a blob is; `vehicle`: it is one if its size leaves that open."""
    box, fill, wide, tall = mover
    if not vehicle and PEOPLE_M[0] <= tall <= PEOPLE_M[1] and wide < max(tall, PEOPLE_MOST * ROOM_M):
        for part in blob.columns(max(1, min(PEOPLE_MOST, round(wide / ROOM_M)))):
            yield from _person(part, fill, plane)
    elif (vehicle and wide >= NARROW_M) or VEHICLE_LEAST_M <= wide <= VEHICLE_MOST_M:
        yield Seen(_outlined(box), "vehicle", 0.5 + fill / 2)


def _outlined(box: Box) -> Box:
    """A blob's outline runs through its outermost pixels, half of one (of the reduced picture) within their edge.

    Of people this is left out: feet and heads get lost, and that weighs more.
    """
    return Box(box.x + PIXEL / 2, box.y + PIXEL / 2, max(box.width - PIXEL, 1.0), max(box.height - PIXEL, 1.0))


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
