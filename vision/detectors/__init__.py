"""Detectors: a picture to the objects in it. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from pipeline.core.extensions import ExtensionTable
from vision.picture import Picture, Seen


class Options(NamedTuple):
    """What a detector is made from: lowest confidence to report, model file, and the camera's attributes."""

    lowest: float
    model: Path | None = None
    attributes: Mapping[str, Any] = MappingProxyType({})


class Detector(Protocol):
    """Finds objects. `detect` may be called from several threads, one call at a time for one camera."""

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of at least the lowest confidence, boxes in pixels of the picture, labels by COCO names."""


DETECTORS: ExtensionTable[Callable[[Options], Detector]] = ExtensionTable(
    "detector",
    {
        "onnx": "vision.detectors.nanodet:NanoDet",
        "yolo": "vision.detectors.yolo:Yolo",
        "scripted": "vision.detectors.scripted:Scripted",
    },
)
"""The detector of every name that a camera may give. Making one raises ConfigError when it cannot work here."""
