"""The `onnx` detector: NanoDet-g without a model, else what the named file says that it is."""

from __future__ import annotations

from pathlib import Path

from pipeline.core.folders import cache_folder
from vision.detectors import Detector, Options
from vision.detectors.nanodet import NanoDet, session
from vision.detectors.yolo_export import YoloExport, metadata
from vision.picture import Picture, Seen


class OnnxModel:
    """The camera's attribute `model` names a file of its own for it; a name alone is one in the cache's models.

    An export of the YOLO family names its classes in its metadata; what names none has to give what NanoDet does.
    Raises ConfigError.
    """

    def __init__(self, options: Options) -> None:
        if "model" in options.attributes:
            path = Path(str(options.attributes["model"]))
            options = options._replace(model=path if path.exists() else cache_folder() / "models" / path)
        exported = options.model is not None and "names" in metadata(session(options.model))
        self.chosen: Detector = YoloExport(options) if exported else NanoDet(options)
        self.people = self.chosen.people

    def detect(self, picture: Picture) -> list[Seen]:
        """All objects of the picture."""
        return self.chosen.detect(picture)
