"""Any ONNX export of the YOLO family through onnxruntime; its classes come from the file's own metadata.

Exports of ultralytics (https://docs.ultralytics.com/modes/export) say in their metadata what they are: `names`, `task`,
`imgsz`. The input is a letter box: scaled to fit, centred, the rest grey (114), RGB, 0 to 1. Of the output three
layouts are in use, told apart by their shape and the number of names:

- *raw*, YOLOv8, 9, 11, 12 and what follows them: 4 + names a cell, as `1 x (4 + names) x cells` (or turned): centre,
  size, a score a name;
- *with objectness*, YOLOv5 and 7: `1 x cells x (5 + names)`, the score of a name times the objectness;
- *end to end*, YOLOv10, YOLO26 and exports with `nms=True`: `1 x at most 1000 x 6`: two corners, score, number of the
  name; overlapping boxes are gone already.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from pipeline.core.errors import ConfigError
from vision.detectors import Options
from vision.detectors.nanodet import session, tried
from vision.naming import DOUBTED, label_of, people_among
from vision.picture import Box, Image, Picture, Seen

NMS_OVERLAP = 0.6
"""Of two boxes of a class that share more than this (intersection over union), the weaker one goes."""
MOST = 300
"""Boxes of a picture, the best ones."""
GREY = 114
SIDE = 640
"""The input's side where neither the file's shape nor its metadata say one."""
_END_TO_END_ROWS = 1000
_LEAST_SIDE = 32
UNNAMED = Counter(
    "ioc_vision_unnamed_boxes",
    "Boxes only blurred: the model's file has no name for their class",
    ["model"],
)
Floats = NDArray[np.float32]


class Layout(StrEnum):
    """How an output is to be read; each as rows of one box."""

    RAW = "raw"
    OBJECTNESS = "objectness"
    END_TO_END = "end to end"


class Fitted(NamedTuple):
    """A letter box: by what the picture was scaled, and where it begins."""

    scale: float
    left: int
    top: int


class YoloExport:
    """Objects of the model's classes. Raises ConfigError when the file is no export that can be read here."""

    def __init__(self, options: Options) -> None:
        assert options.model is not None
        self._model, self._session, self._lowest = options.model, session(options.model), options.lowest
        self._names = names_of(metadata(self._session))
        people = people_among(self._names.values())
        self.people = people | {DOUBTED} if people else people
        entry = self._session.get_inputs()[0]
        self._input, self._type = entry.name, np.float16 if "float16" in entry.type else np.float32
        self._size = _input_size(options.model, entry.shape, metadata(self._session))
        shown, _ = self._prepared(np.zeros((64, 64, 3), np.uint8))
        self._decode(tried(options.model, self._session, shown)[0])

    @property
    def classes(self) -> int:
        """How many kinds of objects it knows."""
        return len(self._names)

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of the picture, after non-maximum suppression in each class."""
        output, fitted = self._run(picture.image)
        corners, labels, scores = self._decode(output)
        corners, found = _unfitted(corners, fitted, picture.size), list[Seen]()
        for (x1, y1, x2, y2), label, score in zip(corners.tolist(), labels.tolist(), scores.tolist(), strict=True):
            if label not in self._names:
                UNNAMED.labels(self._model.name).inc()
            if x2 > x1 and y2 > y1:
                found.append(Seen(Box(x1, y1, x2 - x1, y2 - y1), self._names.get(label, DOUBTED), score))
        return found

    def _run(self, image: Image) -> tuple[Floats, Fitted]:
        values, fitted = self._prepared(image)
        return np.asarray(self._session.run(None, {self._input: values})[0], np.float32), fitted

    def _prepared(self, image: Image) -> tuple[NDArray[Any], Fitted]:
        boxed, fitted = letter_box(image, self._size)
        return (boxed[:, :, ::-1].transpose(2, 0, 1)[None] / np.float32(255)).astype(self._type), fitted

    def _decode(self, output: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
        return decode(output, len(self._names), self._lowest)


def metadata(session: Any) -> Mapping[str, str]:
    """What an exporter wrote into the file."""
    found: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def names_of(found: Mapping[str, str]) -> dict[int, str]:
    """The classes by their numbers, as they are called here. Raises ConfigError when the metadata have none, or the
    model does not detect."""
    if found.get("task", "detect") != "detect":
        task = found["task"]
        raise ConfigError(
            f"vision.model: this model is for {task!r}; expected one for 'detect'",
            vi=f"mô hình này dùng cho {task!r}; cần mô hình phát hiện vật thể ('detect')",
        )
    try:
        names = ast.literal_eval(found.get("names", ""))
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): label_of(str(name)) for number, name in pairs}
    except (ValueError, SyntaxError, TypeError):
        raise ConfigError(
            "vision.model: the file's metadata hold no readable `names` of its classes",
            vi="siêu dữ liệu của tệp mô hình không có `names` (tên các lớp) đọc được",
        ) from None


def _input_size(model: Path, shape: list[Any], found: Mapping[str, str]) -> tuple[int, int]:
    """Width and height of the input; a side that the file leaves open is the metadata's `imgsz` (rows, columns).

    Raises ConfigError when it is not 1 x 3 x height x width.
    """
    try:
        rows, columns = (int(side) for side in ast.literal_eval(found.get("imgsz", f"[{SIDE}, {SIDE}]")))
    except (ValueError, SyntaxError, TypeError):
        rows = columns = SIDE
    sides = [side if isinstance(side, int) else said for side, said in zip(shape, (1, 3, rows, columns), strict=False)]
    if len(shape) != 4 or sides[:2] != [1, 3] or min(sides[2:]) < _LEAST_SIDE:
        given = " x ".join(map(str, shape))
        raise ConfigError(
            f"vision.model: {model} takes no picture: its input is {given}; expected 1 x 3 x "
            "height x width, or sizes left open: export it with a batch of 1, not channels last",
            vi=f"mô hình {model} không nhận được hình: đầu vào là {given}; cần 1 x 3 x cao x rộng, hoặc để ngỏ kích "
            "thước: hãy xuất lại với batch 1, kênh màu đứng trước",
        )
    return sides[3], sides[2]


def letter_box(image: Image, size: tuple[int, int]) -> tuple[Image, Fitted]:
    """The picture scaled to fit `size` (width, height), in the middle of grey."""
    rows, columns = image.shape[:2]
    scale = min(size[0] / columns, size[1] / rows)
    across, down = round(columns * scale), round(rows * scale)
    left, top = (size[0] - across) // 2, (size[1] - down) // 2
    boxed = np.full((size[1], size[0], 3), GREY, np.uint8)
    boxed[top : top + down, left : left + across] = cv2.resize(image, (across, down), interpolation=cv2.INTER_LINEAR)
    return boxed, Fitted(scale, left, top)


def _unfitted(corners: Floats, fitted: Fitted, size: tuple[int, int]) -> Floats:
    """Corners in pixels of the picture, cut at its border."""
    offset = np.array([fitted.left, fitted.top] * 2, np.float32)
    return np.asarray(np.clip((corners - offset) / fitted.scale, 0, np.array(size * 2)), np.float32)


def layout_of(shape: tuple[int, ...], names: int) -> tuple[Layout, bool]:
    """How an output of this shape is to be read, and whether it must be turned first. Raises ConfigError."""
    if len(shape) == 3 and shape[0] == 1:
        for turned, (cells, values) in ((False, shape[1:]), (True, shape[:0:-1])):
            if not turned and values == 6 and cells <= _END_TO_END_ROWS:
                return Layout.END_TO_END, turned
            if values == 4 + names:
                return Layout.RAW, turned
            if values == 5 + names:
                return Layout.OBJECTNESS, turned
    given = " x ".join(map(str, shape))
    raise ConfigError(
        f"vision.model: an output of {given} is none of the YOLO family with {names} names; "
        f"expected 1 x {4 + names} x cells, 1 x cells x {5 + names}, or 1 x boxes x 6",
        vi=f"đầu ra {given} không thuộc họ YOLO với {names} tên lớp; "
        f"cần 1 x {4 + names} x số ô, 1 x số ô x {5 + names}, hoặc 1 x số khung x 6",
    )


def decode(output: Floats, names: int, lowest: float) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Corners (N x 4: left, top, right, bottom on the input), class numbers and scores of at least `lowest`."""
    layout, turned = layout_of(output.shape, names)
    rows = output[0].T if turned else output[0]
    if layout is Layout.END_TO_END:
        kept = rows[(rows[:, 4] >= lowest) & np.isfinite(rows).all(1)]
        return kept[:, :4], kept[:, 5].astype(np.int64), kept[:, 4]
    scores = rows[:, 4:] if layout is Layout.RAW else rows[:, 5:] * rows[:, 4:5]
    best = scores.max(1)
    chosen = np.nonzero(best >= lowest)[0]
    centre, half = rows[chosen, :2], rows[chosen, 2:4] / 2
    return suppressed(np.concatenate([centre - half, centre + half], 1), scores[chosen].argmax(1), best[chosen])


def suppressed(corners: Floats, labels: NDArray[np.int64], scores: Floats) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Without boxes that a better one of their class overlaps by more than NMS_OVERLAP; the best MOST, best first."""
    if not len(corners):
        return corners, labels, scores
    sized = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
    kept = cv2.dnn.NMSBoxesBatched(sized.tolist(), scores.tolist(), labels.tolist(), 0.0, NMS_OVERLAP)
    indices = np.asarray(kept, np.int64).reshape(-1)
    indices = indices[np.argsort(-scores[indices], kind="stable")][:MOST]
    return corners[indices], labels[indices], scores[indices]
