"""The default detector: NanoDet-g through onnxruntime, one thread a picture.

Source: https://github.com/RangiLyu/nanodet (Apache-2.0). Input blue green red, normalised, of any size in steps of
32; the picture keeps its aspect. Three grids of stride 8, 16 and 32 give 80 class scores a cell and 4 x 11 bins: the
distance from the cell's centre to a side of the box is the mean bin of a softmax, times the stride (Generalized
Focal Loss, https://arxiv.org/abs/2006.04388). Where the camera says how tall people look, boxes of people that are
far from it are no people.
"""

from __future__ import annotations

import math
from contextlib import suppress as suppressing
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
from vision.naming import DOUBTED, PERSON
from vision.picture import Box, Image, Picture, Seen
from vision.plane import PlaneOfSize
from vision.sizing import cut_off, person_sized

SIDE = 416
"""The size that the network was published for."""
LONG_SIDE = 448
"""The longer side of its input here: small people at the far end of a street are found with it."""
STRIDES = (8, 16, 32)
BINS = 11
NMS_OVERLAP = 0.45
_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_SCALE = 1 / np.array([57.375, 57.12, 58.395], np.float32)
_INTEGER_DOT_PRODUCTS = ("avx512_vnni", "avx_vnni", "asimddp")
Floats = NDArray[np.float32]
Size = tuple[int, int]


def default_model() -> Path:
    """Where `make setup` puts the model: the 8-bit one on processors that are made for it and exact with it."""
    folder = cache_folder() / "models"
    eight_bits = folder / "nanodet-g-int8.onnx"
    return eight_bits if eight_bits.exists() and has_integer_dot_products() else folder / "nanodet-g.onnx"


@lru_cache
def has_integer_dot_products(source: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor multiplies bytes into 32 bits at once; others saturate at 16 or are not faster."""
    try:
        words = set(source.read_text().split())
    except OSError:
        return False
    return not words.isdisjoint(_INTEGER_DOT_PRODUCTS)


class NanoDet:
    """Objects of the 80 COCO classes. Raises ConfigError when the model cannot be loaded, or is another one."""

    people = (PERSON, DOUBTED)

    def __init__(self, options: Options) -> None:
        model = options.model or default_model()
        self._session = session(model)
        self._input = self._session.get_inputs()[0].name
        self._lowest = options.lowest
        _check(model, self._session)
        self._plane = PlaneOfSize(options.calibration, options.frame_size)

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of the picture, after non-maximum suppression in each class."""
        size = input_size(*picture.size)
        outputs = self._session.run(None, {self._input: prepare(picture.image, size)})
        boxes, labels, scores = decode(outputs, self._lowest, size)
        across, down = picture.size[0] / size[0], picture.size[1] / size[1]
        boxes *= np.array([across, down, across, down], np.float32)
        kept = suppress(boxes, labels, scores, self._lowest)
        found = [Seen(Box(*boxes[n].tolist()), NAMES[labels[n]], float(scores[n])) for n in kept]
        sized = person_sized(cut_off(found, picture.size[0]), self._plane.of(picture.size))
        return [each for each in sized if each.confidence >= self._lowest]


@lru_cache
def session(model: Path) -> Any:
    """The loaded model, shared by all cameras of this process (running it is safe in threads)."""
    if not model.exists():
        raise ConfigError(
            f"vision.model: there is no file {model}; run `make setup`, or name another model",
            vi=f"không có tệp mô hình {model}; hãy chạy `make setup`, hoặc chọn mô hình khác",
        )
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no parent below Exception
        raise ConfigError(
            f"vision.model: {model} is no model that onnxruntime can load: {error}",
            vi=f"onnxruntime không nạp được mô hình {model}",
        ) from error


def tried(model: Path, loaded: Any, values: NDArray[Any]) -> list[Floats]:
    """What a model gives for one input, as it is loaded: a mistake shows then, not with every picture.

    Raises ConfigError that says which input the file wants.
    """
    inputs = loaded.get_inputs()
    try:
        return [np.asarray(each, np.float32) for each in loaded.run(None, {inputs[0].name: values})]
    except Exception as error:  # onnxruntime's errors share no parent below Exception
        wants = ", ".join(f"{each.type} {' x '.join(map(str, each.shape))}" for each in inputs)
        raise ConfigError(
            f"vision.model: {model} takes no picture: its input is {wants}; expected one input of 1 x 3 x height x "
            f"width, or of sizes left open; export it with a batch of 1, not channels last ({type(error).__name__})",
            vi=f"mô hình {model} không nhận được hình: đầu vào là {wants}; cần một đầu vào 1 x 3 x cao x rộng, hoặc để "
            "ngỏ kích thước; hãy xuất lại với batch 1, kênh màu đứng trước",
        ) from error


def _check(model: Path, loaded: Any) -> None:
    """Whether a model is NanoDet, by what it gives for a picture. Raises ConfigError."""
    width, height = LONG_SIDE, SIDE
    cells = [(width // stride) * (height // stride) for stride in STRIDES]
    wanted = sorted((1, each, values) for each in cells for values in (len(NAMES), 4 * BINS))
    given: list[tuple[int, ...]] = []
    with suppressing(ConfigError):
        given = sorted(each.shape for each in tried(model, loaded, np.zeros((1, 3, height, width), np.float32)))
    if given != wanted:
        raise ConfigError(
            f"vision.model: {model} names no classes in its metadata, and is not NanoDet (for pictures of any size "
            f"three grids of 1 x cells x {len(NAMES)} and 1 x cells x {4 * BINS}); expected an export of the YOLO "
            "family with `names` in its metadata, as ultralytics writes it, or NanoDet",
            vi=f"mô hình {model} không ghi tên lớp trong siêu dữ liệu và cũng không phải NanoDet; cần mô hình họ YOLO "
            "có `names` trong siêu dữ liệu như ultralytics xuất ra, hoặc NanoDet",
        )


def input_size(width: int, height: int) -> Size:
    """Width and height of the network's input for pictures of a size: the aspect kept, to the next step of 32."""
    scale = LONG_SIDE / max(width, height)
    return max(32, math.ceil(width * scale / 32) * 32), max(32, math.ceil(height * scale / 32) * 32)


def prepare(image: Image, size: Size = (SIDE, SIDE)) -> Floats:
    """The network's input, 1 x 3 x height x width, from a picture of any size."""
    small = cv2.resize(image, size)  # in bytes: a third of the time of cv2.dnn.blobFromImage, which does it in floats
    blob = np.empty((1, 3, size[1], size[0]), np.float32)
    for plane, channel in enumerate(cv2.split(small)):
        np.multiply(channel, _SCALE[plane], out=blob[0, plane], dtype=np.float32)
        blob[0, plane] -= _MEAN[plane] * _SCALE[plane]
    return blob


def decode(outputs: list[Floats], lowest: float, size: Size = (SIDE, SIDE)) -> tuple[Floats, NDArray[np.int64], Floats]:
    """Boxes (N x 4: x, y, width, height on the network's input), class numbers and scores of at least `lowest`."""
    scores = {each.shape[1]: each[0] for each in outputs if each.shape[2] == len(NAMES)}
    bins = {each.shape[1]: each[0] for each in outputs if each.shape[2] == 4 * BINS}
    grids = [(size[0] // stride, size[1] // stride, stride) for stride in STRIDES]
    parts = [
        _decode_grid(scores[columns * rows], bins[columns * rows], lowest, columns, stride)
        for columns, rows, stride in grids
    ]
    boxes, labels, found = zip(*parts, strict=True)
    return np.concatenate(boxes), np.concatenate(labels), np.concatenate(found)


def _decode_grid(
    scores: Floats, bins: Floats, lowest: float, columns: int, stride: int
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """One grid: `scores` cells x 80, `bins` cells x 44, cells row by row."""
    cells = np.unique(np.flatnonzero(scores >= lowest) // scores.shape[1])
    weights = np.exp(bins[cells].reshape(-1, 4, BINS))
    distances = weights @ np.arange(BINS, dtype=np.float32) / weights.sum(2) * stride
    left, top, right, bottom = distances.T
    x, y = (cells % columns + 0.5) * stride, (cells // columns + 0.5) * stride
    boxes = np.stack([x - left, y - top, left + right, top + bottom], 1).astype(np.float32)
    there = scores[cells]
    return boxes, there.argmax(1), there.max(1)


def suppress(boxes: Floats, labels: NDArray[np.int64], scores: Floats, lowest: float) -> list[int]:
    """Indices of the boxes that no better box of the same class overlaps by more than NMS_OVERLAP."""
    if not len(boxes):
        return []
    kept = cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores.tolist(), labels.tolist(), lowest, NMS_OVERLAP)
    return [int(index) for index in np.asarray(kept).reshape(-1)]
