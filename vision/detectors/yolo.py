"""The detectors of ultralytics (AGPL-3.0), an extra: `pip install ioc[yolo]`, in an environment of its own."""

from __future__ import annotations

import importlib
from typing import Any

from pipeline.core.errors import ConfigError
from vision.detectors import Options
from vision.picture import Box, Picture, Seen

DEFAULT_MODEL = "yolo11n.pt"


class Yolo:
    """Any model that `ultralytics.YOLO` loads. Raises ConfigError when the extra or the model is missing."""

    def __init__(self, options: Options) -> None:
        self._model = _load(str(options.model or options.attributes.get("model", DEFAULT_MODEL)))
        self._lowest = options.lowest

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of the picture; the names are the model's own."""
        (result,) = self._model.predict(picture.image, conf=self._lowest, verbose=False)
        boxes = result.boxes
        rows = zip(boxes.xyxy.tolist(), boxes.cls.tolist(), boxes.conf.tolist(), strict=True)
        return [
            Seen(Box(x1, y1, x2 - x1, y2 - y1), result.names[int(number)], confidence)
            for (x1, y1, x2, y2), number, confidence in rows
        ]


def _load(model: str) -> Any:
    try:
        ultralytics = importlib.import_module("ultralytics")
    except ImportError:
        raise ConfigError(
            "camera.detector: 'yolo' needs ultralytics, which is not installed; install the extra ioc[yolo] (AGPL)"
        ) from None
    try:
        return ultralytics.YOLO(model)
    except FileNotFoundError:
        raise ConfigError(f"camera.detector: there is no model {model!r}; name one in attributes.model") from None
