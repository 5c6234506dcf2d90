"""Turn NanoDet-g, published as a TensorFlow.js graph model, into ONNX. Needs numpy and onnx, no TensorFlow.

    python -m vision.convert nanodet.json nanodet.onnx

Only the operators that this network uses are known. TensorFlow keeps channels last, ONNX first: each operator
on pictures is wrapped in a pair of transpositions, which onnxruntime removes when it loads the model. What was
published for pictures of one size is made to take batches of pictures of any size.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pipeline.core.errors import BadInput

OPSET = 13
IR_VERSION = 8
_DTYPES = {"float32": np.float32, "int32": np.int32, "bool": np.bool_, "float16": np.float16, "uint8": np.uint8}
_LOWEST = np.float32(-3.4e38)
Array = NDArray[Any]


def convert(source: Path, target: Path) -> None:
    """Convert the model at `source` (its weights lie beside it) and write it to `target`.

    Raises BadInput when the graph has an operator that is not known here, or weights are missing or too long.
    """
    document = json.loads(source.read_text())
    graph = _Graph(_weights(document, source.parent))
    for node in document["modelTopology"]["node"]:
        graph.add(node)
    model = helper.make_model(
        graph.finish(document["signature"]["outputs"]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    _free_sizes(model)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _free_sizes(model: Any) -> None:
    """Let batch, rows and columns be anything: wanted sizes become scales, and a batch of 1 the batch that comes."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    shapes = {each.name: [d.dim_value for d in each.type.tensor_type.shape.dim] for each in inferred.value_info}
    values = {each.name: numpy_helper.to_array(each) for each in inferred.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    for node in model.graph.node:
        if node.op_type == "Resize":
            rows, columns = values[makers[node.input[3]].input[1]]
            scales = (1, 1, rows / shapes[node.input[0]][2], columns / shapes[node.input[0]][3])
            node.input[:] = [node.input[0], "", _added(model, node, np.array(scales, np.float32))]
        elif node.op_type == "Reshape":
            node.input[1] = _added(model, node, np.array([0, *values[node.input[1]][1:]], np.int64))
    for each, free in (
        *((one, (0, 2, 3)) for one in model.graph.input),
        *((one, (0, 1)) for one in model.graph.output),
    ):
        for n in free:
            each.type.tensor_type.shape.dim[n].dim_param = f"{each.name}_{n}" if n else "batch"
    _prune(model.graph)


def _added(model: Any, node: Any, values: Array) -> str:
    name = f"{node.name}_given"
    model.graph.initializer.append(numpy_helper.from_array(values, name))
    return name


def _prune(graph: Any) -> None:
    """Take out what nothing uses any more; nodes stand in the order of their use."""
    used = {each.name for each in graph.output}
    for node in reversed(list(graph.node)):
        if used.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            used.update(node.input)
    for constant in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(constant)


def _weights(document: dict[str, Any], folder: Path) -> dict[str, Array]:
    """All tensors of the manifest by name. https://github.com/tensorflow/tfjs: "weights manifest"."""
    manifest = document["weightsManifest"][0]
    buffer = b"".join((folder / path).read_bytes() for path in manifest["paths"])
    found, offset = {}, 0
    for entry in manifest["weights"]:
        found[entry["name"]], offset = _weight(entry, buffer, offset)
    if offset != len(buffer):
        wanted = f"{offset} bytes, as the manifest says"
        raise BadInput("weights", len(buffer), wanted, vi=f"{offset} byte như tệp mô tả (manifest) ghi")
    return found


def _weight(entry: dict[str, Any], buffer: bytes, offset: int) -> tuple[Array, int]:
    """One tensor, unpacked from its quantised form, and where the next one begins."""
    packed = entry.get("quantization")
    stored = np.dtype(_DTYPES[packed["dtype"] if packed else entry["dtype"]])
    count = int(np.prod(entry["shape"]))
    end = offset + count * stored.itemsize
    if end > len(buffer):
        wanted = f"at least {end} bytes, as the manifest says"
        raise BadInput("weights", len(buffer), wanted, vi=f"ít nhất {end} byte như tệp mô tả (manifest) ghi")
    values: Array = np.frombuffer(buffer, stored, count, offset).reshape(entry["shape"])
    if packed and packed["dtype"] != "float16":
        values = values.astype(np.float32) * packed["scale"] + packed["min"]
    return values.astype(_DTYPES[entry["dtype"]]), end


class _Graph:
    """Collects ONNX nodes; a tensor keeps the name of the TensorFlow node that made it."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self._known = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._named: dict[str, str] = {}
        self._numbers = 0

    def add(self, node: dict[str, Any]) -> None:
        """Translate one TensorFlow node. Raises BadInput for an unknown operator."""
        if node["op"] not in _TRANSLATIONS:
            raise BadInput.one_of("operator", node["op"], sorted(_TRANSLATIONS))
        data = [name for name in node.get("input", []) if not name.startswith("^")]
        _TRANSLATIONS[node["op"]](self, node["name"], data, node.get("attr", {}))

    def finish(self, outputs: dict[str, Any]) -> Any:
        """The whole graph with the model's declared outputs."""
        described = [
            helper.make_tensor_value_info(_plain(output["name"]), TensorProto.FLOAT, _sizes(output["tensorShape"]))
            for output in outputs.values()
        ]
        return helper.make_graph(self._nodes, "nanodet-g", self._inputs, described, self._constants)

    def input(self, name: str, _: list[str], attributes: dict[str, Any]) -> None:
        shape = _sizes(attributes["shape"]["shape"])
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def known(self, name: str) -> Array:
        """The value of a constant tensor."""
        return self._known[_plain(name)]

    def tensor(self, name: str) -> str:
        """The ONNX name of a TensorFlow tensor; constants enter the graph when first used."""
        plain, _, index = name.partition(":")
        key = plain if index in ("", "0") else name
        if key in self._known and key not in self._named:
            self._named[key] = self.constant(self._known[key])
        return self._named.get(key, key)

    def constant(self, values: Array) -> str:
        """A new constant."""
        name = self._fresh("constant")
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))
        return name

    def emit(self, operator: str, inputs: list[str], outputs: list[str] | None = None, **attributes: Any) -> str:
        """A new ONNX node; returns the name of its first output."""
        outputs = outputs or [self._fresh(operator)]
        self._nodes.append(
            helper.make_node(operator, inputs, outputs, name=self._fresh(operator.lower()), **attributes)
        )
        return outputs[0]

    def channels_first(self, name: str) -> str:
        """The tensor as (batch, channel, row, column)."""
        return self.emit("Transpose", [self.tensor(name)], perm=[0, 3, 1, 2])

    def channels_last(self, tensor: str, name: str) -> None:
        """Give `tensor` back as (batch, row, column, channel) under TensorFlow's name."""
        self.emit("Transpose", [tensor], [name], perm=[0, 2, 3, 1])

    def nothing(self, _name: str, _inputs: list[str], _attributes: dict[str, Any]) -> None:
        """Constants are in the weights already."""

    def sparse_to_dense(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        if self.known(inputs[0]).size:
            raise BadInput(
                "SparseToDense",
                name,
                "no indices, so that the result is its default tensor",
                vi="không có chỉ số nào, để kết quả là tensor mặc định",
            )
        self._known[name] = self.known(inputs[3])

    def add_up(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        if all(_plain(each) in self._known for each in inputs):
            self._known[name] = self.known(inputs[0]) + self.known(inputs[1])
        else:
            self.emit("Add", [self.tensor(each) for each in inputs], [name])

    def transpose(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Transpose", [self.tensor(inputs[0])], [name], perm=self.known(inputs[1]).tolist())

    def convolve(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        kernel = self.constant(self.known(inputs[1]).transpose(3, 2, 0, 1))
        done = self.emit(
            "Conv",
            [self.channels_first(inputs[0]), kernel],
            strides=_integers(attributes, "strides")[1:3],
            dilations=_integers(attributes, "dilations")[1:3],
            **_padding(attributes),
        )
        self.channels_last(done, name)

    def max_pool(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        done = self.emit(
            "MaxPool",
            [self.channels_first(inputs[0])],
            strides=_integers(attributes, "strides")[1:3],
            kernel_shape=_integers(attributes, "ksize")[1:3],
            **_padding(attributes),
        )
        self.channels_last(done, name)

    def pad(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        widths = self.known(inputs[1]).astype(np.int64)
        fill = np.float32(self.known(inputs[2])) if len(inputs) > 2 else np.float32(0)
        ends = self.constant(np.concatenate([widths[:, 0], widths[:, 1]]))
        self.emit("Pad", [self.tensor(inputs[0]), ends, self.constant(np.asarray(max(fill, _LOWEST)))], [name])

    def leaky_relu(self, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
        self.emit("LeakyRelu", [self.tensor(inputs[0])], [name], alpha=float(attributes["alpha"]["f"]))

    def concatenate(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        *parts, axis = inputs
        self.emit("Concat", [self.tensor(part) for part in parts], [name], axis=int(self.known(axis)))

    def reshape(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        shape = self.constant(self.known(inputs[1]).astype(np.int64))
        self.emit("Reshape", [self.tensor(inputs[0]), shape], [name])

    def identity(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Identity", [self.tensor(inputs[0])], [name])

    def sigmoid(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        self.emit("Sigmoid", [self.tensor(inputs[0])], [name])

    def resize(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        picture = self.channels_first(inputs[0])
        kept = self.emit(
            "Slice",
            [
                self.emit("Shape", [picture]),
                self.constant(np.array([0], np.int64)),
                self.constant(np.array([2], np.int64)),
            ],
        )
        wanted = self.constant(self.known(inputs[1]).astype(np.int64))
        sizes = self.emit("Concat", [kept, wanted], axis=0)
        how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
        self.channels_last(self.emit("Resize", [picture, "", "", sizes], **how), name)

    def split(self, name: str, inputs: list[str], _: dict[str, Any]) -> None:
        parts = self.known(inputs[1]).astype(np.int64)
        outputs = [name, *(f"{name}:{index}" for index in range(1, len(parts)))]
        self.emit("Split", [self.tensor(inputs[0]), self.constant(parts)], outputs, axis=int(self.known(inputs[2])))

    def _fresh(self, what: str) -> str:
        self._numbers += 1
        return f"{what}_{self._numbers}"


_TRANSLATIONS: dict[str, Callable[[_Graph, str, list[str], dict[str, Any]], None]] = {
    "Const": _Graph.nothing,
    "Placeholder": _Graph.input,
    "SparseToDense": _Graph.sparse_to_dense,
    "Add": _Graph.add_up,
    "AddV2": _Graph.add_up,
    "Transpose": _Graph.transpose,
    "Conv2D": _Graph.convolve,
    "MaxPool": _Graph.max_pool,
    "Pad": _Graph.pad,
    "PadV2": _Graph.pad,
    "LeakyRelu": _Graph.leaky_relu,
    "ConcatV2": _Graph.concatenate,
    "Reshape": _Graph.reshape,
    "Identity": _Graph.identity,
    "Sigmoid": _Graph.sigmoid,
    "ResizeBilinear": _Graph.resize,
    "SplitV": _Graph.split,
}


def _plain(name: str) -> str:
    return name.split(":")[0]


def _sizes(shape: dict[str, Any]) -> list[int]:
    return [int(dimension["size"]) for dimension in shape["dim"]]


def _integers(attributes: dict[str, Any], key: str) -> list[int]:
    return [int(value) for value in attributes[key]["list"].get("i", [])]


def _padding(attributes: dict[str, Any]) -> dict[str, Any]:
    same = base64.b64decode(attributes["padding"]["s"]) == b"SAME"
    return {"auto_pad": "SAME_UPPER"} if same else {}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m vision.convert SRC_JSON DST_ONNX")
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
