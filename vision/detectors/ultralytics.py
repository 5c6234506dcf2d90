"""The detectors of ultralytics (YOLO11, YOLO26 and others; AGPL-3.0), an extra: `pip install ioc[yolo]`.

The extra pulls torch and has an environment of its own. A model is a file: the camera's attribute `model`, a path or a
name in the cache's `models` folder; nothing is fetched while a camera waits, and ultralytics is told to ask nobody.
All cameras with the same model share it and its batches, on the GPU when there is one, in half precision there.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import ConfigError
from pipeline.core.folders import cache_folder
from vision.detectors import Options
from vision.detectors.batching import MOST, Batcher
from vision.naming import label_of, people_among
from vision.picture import Box, Image, Picture, Seen

DEFAULT_MODEL = "yolo11n.pt"
NMS_OVERLAP = 0.6
LOWEST = 0.05
"""What a batch is asked for; each camera then keeps what is above its own threshold."""
_QUIET = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
_ANSWER_S = 30.0
_WEIGHTS = (".pt", ".yaml", ".yml")
"""Of torch itself, which takes any number of pictures; everything else is an export."""


class Ultralytics:
    """Any model that `ultralytics.YOLO` loads to detect. Raises ConfigError when the extra or the model is missing."""

    def __init__(self, options: Options) -> None:
        self._network = network(model_file(options))
        self._camera, self._lowest = options.camera, options.lowest
        self.people = self._network.people

    def submit(self, picture: Picture) -> Future[list[Seen]]:
        """All objects of the picture, names as `vision.naming` has them, when a batch has come round."""
        asked: Future[list[Seen]] = self._network.batcher.submit(self._camera, picture)
        answer: Future[list[Seen]] = Future()
        asked.add_done_callback(lambda done: self._pass_on(done, answer))
        return answer

    def detect(self, picture: Picture) -> list[Seen]:
        """The same, waited for. Raises Dropped."""
        return self.submit(picture).result(_ANSWER_S)

    def _pass_on(self, done: Future[list[Seen]], answer: Future[list[Seen]]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        error = done.exception()
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result([seen for seen in done.result() if seen.confidence >= self._lowest])


class Network:
    """A loaded model and its batches. `export`: its file, where that is an export. It is tried once.

    Raises whatever ultralytics and its parts do when it cannot be run.
    """

    def __init__(self, model: Any, device: str, export: Path | None = None) -> None:
        self._model, self._device = model, device
        self._predict([np.zeros((64, 64, 3), np.uint8)])  # only now it is loaded, and a mistake shows
        self._most = MOST if export is None else _batch_of(model.predictor.model, export)
        self.batcher = Batcher(self.predict)
        self.people = people_among(model.names.values())

    def predict(self, images: Sequence[Image]) -> list[list[Seen]]:
        """What is in each of the images, in one run, or in as many as the export's batch wants."""
        parts = [images[begin : begin + self._most] for begin in range(0, len(images), self._most)]
        return [seen for part in parts for seen in self._predict(part)]

    def _predict(self, images: Sequence[Image]) -> list[list[Seen]]:
        results = self._model.predict(
            list(images), conf=LOWEST, iou=NMS_OVERLAP, device=self._device, half=self._device != "cpu", verbose=False
        )
        return [_seen(result) for result in results]


def _batch_of(backend: Any, export: Path) -> int:
    """How many pictures an export takes at once: MOST where the file leaves it open, 1 where it does not say.

    An AutoBackend has `dynamic` and `batch`, from the file's metadata or its outputs; of an open engine `batch` is the
    most that it was built for. Since 8.4 it splits batches itself where metadata say that the file's is fixed.
    """
    if export.suffix == ".onnx" and getattr(backend, "dynamic", False):
        return MOST
    return min(MOST, max(1, int(getattr(backend, "batch", 1))))


def model_file(options: Options) -> Path:
    """Which file a camera's model is; a `.yaml` is a model without training. Raises ConfigError when it is missing."""
    named = options.attributes.get("model")
    if named is None and options.model is not None and options.model.suffix != ".onnx":
        named = options.model
    path = Path(str(named or DEFAULT_MODEL))
    found = [each for each in (path, cache_folder() / "models" / path) if each.exists()]
    if found or path.suffix == ".yaml":
        return found[0] if found else path
    folder = cache_folder() / "models"
    raise ConfigError(
        f"camera.attributes.model: there is no file {path}, nor in {folder}; put the weights there, "
        "`ioc camera models` says from where",
        vi=f"không có tệp mô hình {path}, trong {folder} cũng không; hãy chép tệp vào đó, "
        "xem `ioc camera models` để biết lấy ở đâu",
    )


_loading = threading.Lock()


def network(model: Path) -> Network:
    """The model, loaded once a process. Raises ConfigError."""
    with _loading:
        return _network(model)


@lru_cache
def _network(model: Path) -> Network:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(cache_folder() / "ultralytics"))
    Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)
    try:
        ultralytics = importlib.import_module("ultralytics")
        torch = importlib.import_module("torch")
    except ImportError:
        raise ConfigError(
            "camera.detector: 'ultralytics' is not installed here; install the extra ioc[yolo] (AGPL-3.0) in an "
            "environment of its own",
            vi="máy này chưa cài bộ phát hiện 'ultralytics'; hãy cài ioc[yolo] (AGPL-3.0) trong môi trường riêng",
        ) from None
    ultralytics.settings.update({"sync": False})
    try:
        loaded = ultralytics.YOLO(str(model), task="detect")
        export = None if model.suffix in _WEIGHTS else model
        return Network(loaded, "cuda:0" if torch.cuda.is_available() else "cpu", export)
    except Exception as error:  # ultralytics raises whatever its parts raise
        raise ConfigError(
            f"camera.attributes.model: ultralytics cannot load {model}: {error}",
            vi=f"ultralytics không nạp được mô hình {model}",
        ) from error


def _seen(result: Any) -> list[Seen]:
    boxes = result.boxes
    rows = zip(boxes.xyxy.tolist(), boxes.cls.tolist(), boxes.conf.tolist(), strict=True)
    return [
        Seen(Box(x1, y1, x2 - x1, y2 - y1), label_of(result.names[int(number)]), confidence)
        for (x1, y1, x2, y2), number, confidence in rows
    ]
