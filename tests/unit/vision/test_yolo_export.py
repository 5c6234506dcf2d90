"""Exports of the YOLO family: every layout, by files whose constant outputs hold boxes worked by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from prometheus_client import CollectorRegistry

from pipeline.core.catalogue import Camera
from pipeline.core.codec import detections
from pipeline.core.errors import ConfigError
from pipeline.core.events import CameraState, Detection, DetectionEvent
from pipeline.core.telemetry import Component
from vision.address import Login
from vision.camera import Surroundings
from vision.detectors import DETECTORS, Options
from vision.detectors.nanodet import NanoDet
from vision.detectors.onnx_model import OnnxModel
from vision.detectors.yolo_export import UNNAMED, Layout, YoloExport, layout_of, letter_box, names_of
from vision.picture import Box, Picture, Seen
from vision.store import PictureStore
from vision.worker import Fleet

NAMES = {0: "person", 1: "motorbike", 2: "bus"}
META = {"names": str(NAMES), "task": "detect", "imgsz": "[320, 320]", "stride": "32"}
PICTURE = Picture(np.zeros((480, 640, 3), np.uint8), 0)
"""In a letter box of 320 x 320 it is halved, 320 x 240, with 40 rows of grey above and below."""


def model(
    folder: Path,
    output: Any,
    meta: dict[str, str] | None = None,
    shape: Sequence[int | str] = (1, 3, 320, 320),
    kind: int = TensorProto.FLOAT,
    shown: int | None = None,
) -> Path:
    """A file that gives `output` whatever it is shown; or `output` times the mean of its input's channel `shown`."""
    constant = numpy_helper.from_array(np.asarray(output, np.float32), "constant")
    channel = numpy_helper.from_array(np.array(shown or 0), "channel")
    part = numpy_helper.from_array(np.array(shown is not None, np.float32), "part")
    rest = numpy_helper.from_array(np.array(shown is None, np.float32), "rest")
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["pixels", "channel"], ["one"], axis=1),
        helper.make_node("ReduceMean", ["one"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "part"], ["weighed"]),
        helper.make_node("Add", ["weighed", "rest"], ["factor"]),
        helper.make_node("Mul", ["constant", "factor"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", kind, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, np.asarray(output).shape)],
        [constant, channel, part, rest],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(made, META if meta is None else meta)
    path = folder / f"{len(list(folder.iterdir()))}.onnx"
    onnx.save(made, path)
    return path


def raw(*boxes: tuple[float, ...], cells: int = 2100, objectness: bool = False) -> np.ndarray:
    """Rows of `centre x, centre y, width, height, [objectness,] a score a name`, one box a cell."""
    found = np.zeros((1, cells, 4 + objectness + len(NAMES)), np.float32)
    for cell, box in enumerate(boxes):
        found[0, cell * 7] = box
    return found


def near(seen: list[Seen], *expected: tuple[Box, str, float]) -> None:
    assert [(each.label, round(each.confidence, 4)) for each in seen] == [(name, score) for _, name, score in expected]
    for each, (box, _, _) in zip(seen, expected, strict=True):
        assert each.box == pytest.approx(box, abs=0.01)


BUS = (160.0, 160.0, 80.0, 40.0)
"""Centre and size in the letter box. In the picture: x 240 to 400, y (160 - 20 - 40) x 2 = 200 to 280."""
IN_PICTURE = Box(240, 200, 160, 80)


def test_a_raw_export_gives_centre_size_and_a_score_a_name(tmp_path: Path) -> None:
    output = raw((*BUS, 0.1, 0.2, 0.8), (50, 100, 20, 40, 0.9, 0, 0)).transpose(0, 2, 1)
    seen = YoloExport(Options(0.3, model(tmp_path, output))).detect(PICTURE)
    # the person: x (50 - 10) x 2 = 80, y (100 - 20 - 40) x 2 = 80, 40 x 80
    near(seen, (Box(80, 80, 40, 80), "person", 0.9), (IN_PICTURE, "bus", 0.8))


def test_a_turned_raw_export_is_read_alike(tmp_path: Path) -> None:
    near(YoloExport(Options(0.3, model(tmp_path, raw((*BUS, 0, 0, 0.8))))).detect(PICTURE), (IN_PICTURE, "bus", 0.8))


def test_an_export_with_objectness_multiplies_it_with_the_score(tmp_path: Path) -> None:
    output = raw((*BUS, 0.5, 0, 0, 0.8), (50, 100, 20, 40, 0.1, 0.9, 0, 0), objectness=True)
    near(YoloExport(Options(0.3, model(tmp_path, output))).detect(PICTURE), (IN_PICTURE, "bus", 0.4))


def test_an_end_to_end_export_gives_corners_score_and_number(tmp_path: Path) -> None:
    output = np.zeros((1, 300, 6), np.float32)
    output[0, 0] = (120, 140, 200, 180, 0.8, 2)
    output[0, 1] = (121, 140, 200, 180, 0.7, 2)  # the network has already decided that these are two
    seen = YoloExport(Options(0.3, model(tmp_path, output))).detect(PICTURE)
    near(seen, (IN_PICTURE, "bus", 0.8), (Box(242, 200, 158, 80), "bus", 0.7))


def test_of_two_raw_boxes_of_a_name_the_better_stays_and_another_name_is_another_thing(tmp_path: Path) -> None:
    output = raw((*BUS, 0, 0, 0.8), (162, 160, 80, 40, 0, 0, 0.7), (162, 160, 80, 40, 0.6, 0, 0)).transpose(0, 2, 1)
    seen = YoloExport(Options(0.3, model(tmp_path, output))).detect(PICTURE)
    assert [(each.label, round(each.confidence, 2)) for each in seen] == [("bus", 0.8), ("person", 0.6)]


def test_boxes_that_touch_the_grey_are_cut_at_the_picture_s_border(tmp_path: Path) -> None:
    output = raw((10, 40, 40, 40, 0.9, 0, 0)).transpose(0, 2, 1)  # x -10 to 30, y 20 to 60; the picture begins at y 40
    near(YoloExport(Options(0.3, model(tmp_path, output))).detect(PICTURE), (Box(0, 0, 60, 40), "person", 0.9))


def test_an_input_of_open_size_and_half_precision_is_fed_as_the_metadata_say(tmp_path: Path) -> None:
    path = model(
        tmp_path,
        raw((*BUS, 0, 0, 0.8)).transpose(0, 2, 1),
        shape=("batch", 3, "height", "width"),
        kind=TensorProto.FLOAT16,
    )
    near(YoloExport(Options(0.3, path)).detect(PICTURE), (IN_PICTURE, "bus", 0.8))


@pytest.mark.parametrize(("channel", "colour", "mean"), [(0, 2, 1.0), (1, 1, 0.4), (2, 0, 0.2)])
def test_the_network_is_shown_red_green_blue_from_0_to_1(
    tmp_path: Path, channel: int, colour: int, mean: float
) -> None:
    image = np.zeros((320, 320, 3), np.uint8)  # as large as the input: no grey
    image[:, :, colour] = round(mean * 255)
    output = np.zeros((1, 300, 6), np.float32)
    output[0, 0] = (0, 0, 320, 320, 0.8, 0)
    (seen,) = YoloExport(Options(0.1, model(tmp_path, output, shown=channel))).detect(Picture(image, 0))
    assert (seen.confidence, seen.box.width) == pytest.approx((0.8 * mean, 320 * mean), rel=1e-3)


def test_a_picture_is_shown_whole_in_the_middle_of_grey() -> None:
    boxed, fitted = letter_box(np.full((480, 640, 3), (10, 20, 30), np.uint8), (320, 320))
    assert fitted == (0.5, 0, 40)
    assert (boxed[:40] == 114).all()
    assert (boxed[40:280] == (10, 20, 30)).all()
    assert (boxed[280:] == 114).all()
    _, tall = letter_box(np.zeros((640, 480, 3), np.uint8), (320, 320))
    assert tall == (0.5, 40, 0)


@pytest.mark.parametrize(
    ("shape", "names", "expected"),
    [
        ((1, 84, 8400), 80, (Layout.RAW, True)),
        ((1, 8400, 84), 80, (Layout.RAW, False)),
        ((1, 25200, 85), 80, (Layout.OBJECTNESS, False)),
        ((1, 300, 6), 80, (Layout.END_TO_END, False)),
        ((1, 6, 8400), 2, (Layout.RAW, True)),
        ((1, 300, 6), 2, (Layout.END_TO_END, False)),
        ((1, 5, 8400), 1, (Layout.RAW, True)),
        ((1, 25200, 6), 1, (Layout.OBJECTNESS, False)),
    ],
)
def test_layouts_are_told_apart_by_shape_and_names(
    shape: tuple[int, ...], names: int, expected: tuple[Layout, bool]
) -> None:
    assert layout_of(shape, names) == expected


@pytest.mark.parametrize("shape", [(1, 90, 8400), (2, 84, 8400), (1, 1000), (1, 32, 160, 160)])
def test_another_output_is_refused_with_what_would_be_right(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"is none of the YOLO family with 3 names; expected 1 x 7 x cells"):
        YoloExport(Options(0.3, model(tmp_path, np.zeros(shape, np.float32))))


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"names": "{0: 'a'}", "task": "segment"}, "for 'segment'; expected one for 'detect'"),
        ({"task": "detect"}, "no readable `names`"),
        ({"names": "person, bus"}, "no readable `names`"),
        ({"names": "7"}, "no readable `names`"),
        ({"names": "__import__('os').system('true')"}, "no readable `names`"),
    ],
)
def test_metadata_that_name_no_classes_to_detect_are_refused(meta: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        names_of(meta)


def test_names_may_be_a_list() -> None:
    assert names_of({"names": "['a', 'b']"}) == {0: "a", 1: "b"}


def test_the_row_onnx_takes_an_export_where_one_is_named_and_nanodet_else(tmp_path: Path, nanodet: Path) -> None:
    export = model(tmp_path, raw().transpose(0, 2, 1))
    named = Options(0.3, nanodet, {"model": str(export)})
    for options, expected in (
        (Options(0.3, export), YoloExport),
        (Options(0.3, nanodet), NanoDet),
        (named, YoloExport),
    ):
        assert isinstance(OnnxModel(options).chosen, expected)
    assert DETECTORS["onnx"] is OnnxModel


@pytest.mark.parametrize("shape", [(1, 25200, 85), (1, 84, 8400), (1, 3600, 85), (1, 3549, 80)])
@pytest.mark.parametrize("sides", [(640, 640), ("height", "width")])
def test_an_export_that_names_no_classes_is_not_taken_for_nanodet(
    tmp_path: Path, shape: tuple[int, ...], sides: tuple[int | str, int | str]
) -> None:
    """YOLOv7, v6, YOLOX, and one grid that looks like NanoDet's."""
    path = model(tmp_path, np.zeros(shape, np.float32), {}, (1, 3, *sides))
    said = rf"{path} names no classes .* is not NanoDet .*; expected an export of the YOLO family with `names`"
    with pytest.raises(ConfigError, match=said):
        OnnxModel(Options(0.3, path))


UNFED: list[tuple[tuple[int | str, ...], int]] = [
    ((4, 3, 320, 320), TensorProto.FLOAT),
    ((1, 320, 320, 3), TensorProto.FLOAT),
    (("batch", "height", "width", 3), TensorProto.FLOAT),
    ((1, 3, 320), TensorProto.FLOAT),
    ((1, 3, 0, 0), TensorProto.FLOAT),
    ((1, 3, 320, 320), TensorProto.UINT8),
]


@pytest.mark.parametrize(("shape", "kind"), UNFED, ids=str)
def test_an_input_that_takes_no_single_picture_is_refused_as_the_file_is_loaded(
    tmp_path: Path, shape: tuple[int | str, ...], kind: int
) -> None:
    path = model(tmp_path, raw().transpose(0, 2, 1), shape=shape, kind=kind)
    with pytest.raises(ConfigError, match=rf"{path} takes no picture: .*a batch of 1, not channels last"):
        YoloExport(Options(0.3, path))


def test_a_box_of_a_class_without_a_name_is_counted_and_may_be_a_person_and_the_others_stay(tmp_path: Path) -> None:
    output = np.zeros((1, 300, 6), np.float32)
    output[0, 0] = (120, 140, 200, 180, 0.9, 7)
    output[0, 1] = (120, 140, 200, 180, 0.8, 2)
    output[0, 2] = (120, 140, 200, 180, 0.7, np.nan)
    output[0, 3] = (120, 140, 200, 180, 0.6, -1)
    path = model(tmp_path, output)
    detector = YoloExport(Options(0.3, path))
    unnamed = [(IN_PICTURE, "person?", 0.9), (IN_PICTURE, "bus", 0.8), (IN_PICTURE, "person?", 0.6)]
    near(detector.detect(PICTURE), *unnamed)
    assert set(detector.people) == {"person", "person?"}
    assert UNNAMED.labels(path.name)._value.get() == 2


async def test_a_camera_with_such_a_model_says_that_it_is_unsupported(tmp_path: Path) -> None:
    path = model(tmp_path, raw().transpose(0, 2, 1), shape=(4, 3, 320, 320))
    told: asyncio.Queue[Detection] = asyncio.Queue()
    component = Component("vision", CollectorRegistry())
    with ThreadPoolExecutor(1) as pool:
        store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
        around = Surroundings(
            lambda _topic, _device, line, _settled: told.put_nowait(detections.decode_line(line)),
            lambda: 0, pool, lambda _: Login("", ""), store, component,
        )  # fmt: skip
        fleet = Fleet(around)
        await fleet.apply({"c": Camera(id="c", site="s", url="rtsp://x/1", attributes={"model": str(path)})})
        said = await asyncio.wait_for(told.get(), 20)
        await fleet.stop()
    assert (said.event, said.state) == (DetectionEvent.STATE, CameraState.UNSUPPORTED)


def test_a_picture_without_objects_gives_none(tmp_path: Path) -> None:
    assert YoloExport(Options(0.3, model(tmp_path, raw().transpose(0, 2, 1)))).detect(PICTURE) == []
