"""The default detector: NanoDet-g through onnxruntime, one thread a picture.

Source: https://github.com/RangiLyu/nanodet (Apache-2.0). Input 416 x 416 without letter box, blue green red,
normalised. Three grids of stride 8, 16 and 32 give 80 class scores a cell and 4 x 11 bins: the distance from
the cell's centre to a side of the box is the mean bin of a softmax, times the stride (Generalized Focal Loss,
https://arxiv.org/abs/2006.04388).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.core.errors import ConfigError
from pipeline.core.folders import cache_folder
from vision.detectors import Options
from vision.detectors.coco import NAMES
from vision.picture import Box, Image, Picture, Seen

SIDE = 416
BINS = 11
NMS_OVERLAP = 0.5
_MEAN = (103.53, 116.28, 123.675)
_DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
Floats = NDArray[np.float32]


def default_model() -> Path:
    """Where `make setup` puts the model."""
    return cache_folder() / "models" / "nanodet.onnx"


class NanoDet:
    """Objects of the 80 COCO classes. Raises ConfigError when the model cannot be loaded."""

    def __init__(self, options: Options) -> None:
        self._session = session(options.model or default_model())
        self._input = self._session.get_inputs()[0].name
        self._lowest = options.lowest

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of the picture, after non-maximum suppression in each class."""
        outputs = self._session.run(None, {self._input: prepare(picture.image)})
        boxes, labels, scores = decode(outputs, self._lowest)
        width, height = picture.size
        boxes *= np.array([width, height, width, height], np.float32) / SIDE
        kept = suppress(boxes, labels, scores, self._lowest)
        return [Seen(Box(*boxes[n].tolist()), NAMES[labels[n]], float(scores[n])) for n in kept]


@lru_cache
def session(model: Path) -> Any:
    """The loaded model, shared by all cameras of this process (running it is safe in threads)."""
    if not model.exists():
        raise ConfigError(f"vision.model: there is no file {model}; run `make setup`, or name another model")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no parent below Exception
        raise ConfigError(f"vision.model: {model} is no model that onnxruntime can load: {error}") from error


def prepare(image: Image) -> Floats:
    """The network's input, 1 x 3 x SIDE x SIDE, from a picture of any size."""
    blob = cv2.dnn.blobFromImage(image, 1.0, (SIDE, SIDE), _MEAN)
    return np.asarray(blob, np.float32) / _DEVIATION[:, None, None]


def decode(outputs: list[Floats], lowest: float) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Boxes (N x 4: x, y, width, height on the network's input), class numbers and scores of at least `lowest`."""
    scores = {each.shape[1]: each[0] for each in outputs if each.shape[2] == len(NAMES)}
    bins = {each.shape[1]: each[0] for each in outputs if each.shape[2] == 4 * BINS}
    parts = [_decode_grid(scores[cells], bins[cells], lowest) for cells in scores]
    boxes, labels, found = zip(*parts, strict=True)
    return np.concatenate(boxes), np.concatenate(labels), np.concatenate(found)


def _decode_grid(scores: Floats, bins: Floats, lowest: float) -> tuple[Floats, NDArray[np.int64], Floats]:
    """One grid: `scores` cells x 80, `bins` cells x 44, cells row by row."""
    best = scores.max(1)
    cells = np.nonzero(best >= lowest)[0]
    columns = round(len(scores) ** 0.5)
    stride = SIDE / columns
    weights = np.exp(bins[cells].reshape(-1, 4, BINS))
    distances = weights @ np.arange(BINS, dtype=np.float32) / weights.sum(2) * stride
    left, top, right, bottom = distances.T
    x, y = (cells % columns + 0.5) * stride, (cells // columns + 0.5) * stride
    boxes = np.stack([x - left, y - top, left + right, top + bottom], 1).astype(np.float32)
    return boxes, scores[cells].argmax(1), best[cells]


def suppress(boxes: Floats, labels: NDArray[np.int64], scores: Floats, lowest: float) -> list[int]:
    """Indices of the boxes that no better box of the same class overlaps by more than NMS_OVERLAP."""
    if not len(boxes):
        return []
    kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), labels.tolist(), lowest, NMS_OVERLAP)
    return [int(index) for index in np.asarray(kept).reshape(-1)]
