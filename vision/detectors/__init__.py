"""Detectors: a picture to the objects in it. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pipeline.core.catalogue import Calibration, Camera
from pipeline.core.errors import IocError
from pipeline.core.extensions import ExtensionTable
from vision.naming import DOUBTED
from vision.picture import Picture, Seen


class Options(NamedTuple):
    """What a detector is made from: lowest confidence to report, model file, and what the camera's document says."""

    lowest: float
    model: Path | None = None
    attributes: Mapping[str, Any] = MappingProxyType({})
    calibration: Calibration | None = None
    frame_size: tuple[int, int] | None = None
    camera: str = ""


WEAK = 0.7
"""Boxes down to this part of the camera's threshold may continue a track."""
HIDE_FROM = 0.25
"""Whoever is seen with this confidence is blurred, whatever the camera's threshold is: that is for events. It is what
ultralytics predicts from; lower, the default detector finds ghosts rather than people (boxes in a picture of
PETS09-S2L1: 7 from .35, 9 from .25, 17 from .15)."""


def lowest_of(camera: Camera) -> float:
    """The lowest confidence that a camera's detector is asked to report."""
    return min(camera.threshold * WEAK, HIDE_FROM)


def followed(seen: Iterable[Seen], camera: Camera) -> list[Seen]:
    """What may be an event of the camera, of all that its detector reports."""
    return [each for each in seen if each.confidence >= camera.threshold * WEAK and each.label != DOUBTED]


class Detector(Protocol):
    """Finds objects of one camera: it may learn the scene, so each camera has its own.

    `detect` may be called from several threads, one call at a time, with pictures in the order of their time.
    """

    @property
    def people(self) -> Collection[str]:
        """Labels under which it shows people. Empty: it knows none, and nobody can be blurred alone."""

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of at least the lowest confidence, boxes in pixels of the picture, labels by COCO names."""


@runtime_checkable
class Batched(Protocol):
    """A detector that looks at pictures of many cameras at once, and answers later."""

    def submit(self, picture: Picture) -> Future[list[Seen]]:
        """What `detect` gives. The future raises Dropped when the picture was not looked at."""


class Dropped(IocError):
    """A picture was not looked at; `reason` is what to count it by."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the picture was not looked at: {reason}")
        self.reason = reason


DETECTORS: ExtensionTable[Callable[[Options], Detector]] = ExtensionTable(
    "detector",
    {
        "motion": "vision.detectors.motion:Motion",
        "onnx": "vision.detectors.onnx_model:OnnxModel",
        "hog": "vision.detectors.hog:Hog",
        "ultralytics": "vision.detectors.ultralytics:Ultralytics",
        "yolo": "vision.detectors.ultralytics:Ultralytics",
        "scripted": "vision.detectors.scripted:Scripted",
    },
)
"""The detector of every name that a camera may give. Making one raises ConfigError when it cannot work here."""

CONFIRM_HITS: Mapping[str, int] = MappingProxyType({"hog": 3, "motion": 3})
"""How many boxes confirm a track of a detector, where two are not enough: what it sees by mistake comes in pairs."""
