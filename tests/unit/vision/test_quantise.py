"""What is done to a network before it is quantised changes no number that comes out; and what it is after that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pipeline.local import clip, weights
from vision.detectors import Options
from vision.detectors.nanodet import NanoDet, has_integer_dot_products
from vision.picture import Picture, overlap
from vision.quantise import ends, pool_first, quantise

CLOSE = 0.04 if has_integer_dot_products() else 0.15
"""Processors without them saturate between two products: the model is not used there."""
PADS = (0, 0, 0, 1, 0, 0, 2, 1)
"""Rows above 0, columns left 1; rows below 2, columns right 1."""


def network(fill: float = -3.4e38) -> Any:
    """Two convolutions in a row, a pooling between, two convolutions side by side at the end."""
    random = np.random.default_rng(5)

    def weight(name: str, *shape: int) -> Any:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["picture", "w1"], ["a"], name="one"),
        helper.make_node("LeakyRelu", ["a"], ["b"], name="rise", alpha=0.1),
        helper.make_node("Pad", ["b", "widths", "fill"], ["c"], name="pad"),
        helper.make_node("MaxPool", ["c"], ["d"], name="pool", kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("Conv", ["d", "w2"], ["e"], name="two"),
        helper.make_node("Conv", ["e", "w3"], ["f"], name="three"),
        helper.make_node("Sigmoid", ["f"], ["scores"], name="sigmoid"),
        helper.make_node("Conv", ["e", "w4"], ["sides"], name="four"),
    ]
    constants = [
        weight("w1", 4, 3, 3, 3),
        weight("w2", 4, 4, 1, 1),
        weight("w3", 2, 4, 1, 1),
        weight("w4", 2, 4, 1, 1),
        numpy_helper.from_array(np.array(PADS, np.int64), "widths"),
        numpy_helper.from_array(np.array(fill, np.float32), "fill"),
    ]
    given = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, 12, 16])]
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, None, None]) for name in ("scores", "sides")]
    graph = helper.make_graph(nodes, "small", given, told, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def run(model: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(6).normal(size=(1, 3, 12, 16)).astype(np.float32)
    return list(session.run(None, {"picture": picture}))


def test_pooling_before_the_activation_gives_the_same_numbers() -> None:
    model = network()
    before = run(model)
    pool_first(model.graph)
    onnx.checker.check_model(model)
    assert "Pad" not in [node.op_type for node in model.graph.node]
    for a, b in zip(before, run(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("fill", [0.0, -2.0])
def test_a_padding_that_could_win_stays(fill: float) -> None:
    model = network(fill)
    pool_first(model.graph)
    assert [node.op_type for node in model.graph.node][:4] == ["Conv", "LeakyRelu", "Pad", "MaxPool"]


def test_the_ends_of_a_network_are_its_first_and_its_last_convolutions() -> None:
    assert ends(network().graph) == ["one", "four", "three"]


def test_the_default_network_in_eight_bits_sees_what_it_saw_in_floats(tmp_path: Path) -> None:
    """From the network and the clip in the cache to detections, on a picture that was not calibrated with."""
    small = tmp_path / "eight-bits.onnx"
    quantise(weights.model(), clip.source(), small)
    assert small.stat().st_size < weights.model().stat().st_size / 3
    types = {node.op_type for node in onnx.load(str(small)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear", "Conv"} <= types
    video = cv2.VideoCapture(str(clip.source()))
    video.set(cv2.CAP_PROP_POS_FRAMES, 140)
    picture = Picture(np.asarray(video.read()[1], np.uint8), 0)
    floats, eight = (NanoDet(Options(0.4, model)).detect(picture) for model in (weights.model(), small))
    sure = [seen for seen in floats if seen.confidence >= 0.5]
    assert len(sure) >= 3
    for seen in sure:
        best = max(eight, key=lambda each: overlap(each.box, seen.box))
        assert best.label == seen.label
        assert overlap(best.box, seen.box) > 0.8
        assert best.confidence == pytest.approx(seen.confidence, abs=CLOSE)
    assert len([seen for seen in eight if seen.confidence >= 0.5 + CLOSE]) <= len(sure)
