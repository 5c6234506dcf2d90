"""Which detectors and models there are here, what they may be used for, and how to get what is missing."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from pipeline.core.errors import ConfigError
from pipeline.core.folders import cache_folder
from vision.detectors import DETECTORS, Options
from vision.detectors.coco import NAMES

ULTRALYTICS_LICENCE = "AGPL-3.0"
_PUBLISHED = "https://github.com/ultralytics/assets/releases"
_WITH_MODEL = ("onnx", "ultralytics", "yolo", "scripted")
_WEIGHTS = ("yolo11n.pt", "yolo26n.pt")


class Model(NamedTuple):
    """One row. `detector`: what a camera's document names; `get`: how to get it where `installed` is false.

    `classes`: how many kinds of objects it knows, 0 where nobody looked; `problem`: why a file cannot be used.
    """

    detector: str
    model: str
    installed: bool
    licence: str
    classes: int = 0
    file: str = ""
    get: str = ""
    problem: str = ""


def models(folder: Path | None = None) -> list[Model]:
    """All that is known here, and every model file in the cache's `models` folder (or in `folder`)."""
    folder = folder or cache_folder() / "models"
    return [_default(folder), *_exports(folder), *_without_weights(), _extra(), *_weights(folder)]


def _default(folder: Path) -> Model:
    found = sorted(folder.glob("nanodet*.onnx"))
    files = ", ".join(str(path) for path in found)
    return Model("onnx", "NanoDet-g (default)", bool(found), "Apache-2.0", 80, files, "" if found else "make setup")


def _without_weights() -> list[Model]:
    return [Model(name, "needs none", True, "Apache-2.0") for name in DETECTORS if name not in _WITH_MODEL]


def _exports(folder: Path) -> list[Model]:
    return [_export(path) for path in sorted(folder.glob("*.onnx")) if not path.name.startswith("nanodet")]


def _export(path: Path) -> Model:
    """A file for the detector `onnx`, its licence as its maker wrote it into the file. It is loaded and tried."""
    from vision.detectors.nanodet import session
    from vision.detectors.onnx_model import OnnxModel
    from vision.detectors.yolo_export import YoloExport, metadata

    try:
        chosen = OnnxModel(Options(0.5, path)).chosen
        licence = metadata(session(path)).get("license", "").partition(" ")[0] or "not said in the file"
        classes = chosen.classes if isinstance(chosen, YoloExport) else len(NAMES)
        return Model("onnx", path.name, True, licence, classes, str(path))
    except ConfigError as error:
        return Model("onnx", path.name, False, "", file=str(path), problem=str(error))


def _extra() -> Model:
    """The package itself; importing it would cost seconds."""
    try:
        name, installed = f"ultralytics {version('ultralytics')}", True
    except PackageNotFoundError:
        name, installed = "the package ultralytics", False
    get = "" if installed else "pip install 'ioc[yolo]' in an environment of its own (brings torch, 3 GB)"
    return Model("ultralytics", name, installed, ULTRALYTICS_LICENCE, get=get)


def _weights(folder: Path) -> list[Model]:
    names = sorted({*_WEIGHTS, *(path.name for path in folder.glob("*.pt"))})
    return [
        Model("ultralytics", name, True, _licence(name), file=str(folder / name))
        if (folder / name).exists()
        else Model("ultralytics", name, False, ULTRALYTICS_LICENCE, get=f"put it from {_PUBLISHED} into {folder}")
        for name in names
    ]


def _licence(name: str) -> str:
    return ULTRALYTICS_LICENCE if name in _WEIGHTS else "its maker's"
