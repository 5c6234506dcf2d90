"""What is done to a network before it is quantised changes no number that comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from vision.quantise import ends, pool_first

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
