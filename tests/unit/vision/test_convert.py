"""NanoDet in ONNX form does what an independent implementation of the operators says."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from pipeline.core.errors import BadInput
from pipeline.local import clip, weights
from vision.convert import convert
from vision.detectors.nanodet import SIDE, prepare, session
from vision.picture import Image

FRAME = 100


def frame(number: int) -> Image:
    """A frame of the pedestrian clip, from 1."""
    video = cv2.VideoCapture(str(clip.source()))
    video.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
    found, image = video.read()
    assert found
    return np.asarray(image, np.uint8)


def test_the_model_has_the_published_inputs_and_outputs(nanodet: Path) -> None:
    loaded = session(nanodet)
    (given,) = loaded.get_inputs()
    for batch, width, height in ((1, SIDE, SIDE), (2, 448, 352)):
        outputs = loaded.run(None, {given.name: np.zeros((batch, 3, height, width), np.float32)})
        cells = [(width // stride) * (height // stride) for stride in (8, 16, 32)]
        assert {each.shape for each in outputs} == {(batch, n, wide) for n in cells for wide in (80, 44)}


def fixed(model: Path, target: Path) -> Path:
    """The model for one picture of the published size: OpenCV wants to know all sizes beforehand."""
    loaded = onnx.load(str(model))
    for dimension, size in zip(loaded.graph.input[0].type.tensor_type.shape.dim, (1, 3, SIDE, SIDE), strict=True):
        dimension.dim_value = size
    onnx.save(loaded, str(target))
    return target


def test_opencv_and_onnxruntime_agree_on_a_region_of_the_clip(nanodet: Path, tmp_path: Path) -> None:
    blob = prepare(frame(FRAME)[100:500, 100:600])
    loaded = session(nanodet)
    names = [each.name for each in loaded.get_outputs()]
    net = cv2.dnn.readNetFromONNX(str(fixed(nanodet, tmp_path / "fixed.onnx")))
    net.setInput(blob)
    other = dict(zip(names, net.forward(names), strict=True))
    for name, values in zip(names, loaded.run(None, _feed(loaded, blob)), strict=True):
        np.testing.assert_allclose(values, other[name].reshape(values.shape), atol=1e-3)


def _feed(loaded: object, blob: object) -> dict[str, object]:
    return {loaded.get_inputs()[0].name: blob}  # type: ignore[attr-defined]


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    document = json.loads((weights.folder() / "nanodet.json").read_text())
    document["modelTopology"]["node"].append({"op": "Wobble", "name": "w"})
    document["weightsManifest"][0] = {"paths": [], "weights": []}
    document["modelTopology"]["node"] = document["modelTopology"]["node"][-1:]
    source = tmp_path / "broken.json"
    source.write_text(json.dumps(document))
    with pytest.raises(BadInput, match="operator: 'Wobble' is not valid; expected one of Add"):
        convert(source, tmp_path / "out.onnx")


def test_missing_weights_are_noticed(tmp_path: Path) -> None:
    manifest = {"paths": ["w.bin"], "weights": [{"name": "a", "dtype": "float32", "shape": [4]}]}
    (tmp_path / "w.bin").write_bytes(bytes(8))
    source = tmp_path / "short.json"
    source.write_text(json.dumps({"weightsManifest": [manifest]}))
    with pytest.raises(BadInput, match="weights: 8 is not valid; expected at least 16 bytes"):
        convert(source, tmp_path / "out.onnx")
