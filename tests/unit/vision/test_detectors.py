"""Detectors: the table, the default one's arithmetic, the scripted one, and the extra that is not installed."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import BadInput, ConfigError
from vision.detectors import DETECTORS, Options
from vision.detectors.coco import NAMES
from vision.detectors.nanodet import decode, suppress
from vision.detectors.scripted import Scripted
from vision.detectors.ultralytics import Network
from vision.picture import Box, Picture, Seen, overlap

BLANK = np.zeros((576, 768, 3), np.uint8)


def outputs(cell: int, label: int, score: float, bins: tuple[int, int, int, int]) -> list[np.ndarray]:
    """What the network would say for one object on the stride-32 grid; everything else says nothing."""
    found = []
    for side in (52, 26, 13):
        scores = np.zeros((1, side * side, 80), np.float32)
        distances = np.zeros((1, side * side, 44), np.float32)
        if side == 13:
            scores[0, cell, label] = score
            for edge, bin_ in enumerate(bins):
                distances[0, cell, edge * 11 + bin_] = 50.0  # a softmax that is all in one bin
        found += [scores, distances]
    return found


def test_a_box_is_its_cell_s_centre_and_four_distances_in_strides() -> None:
    boxes, labels, scores = decode(outputs(cell=13 * 6 + 4, label=2, score=0.7, bins=(1, 2, 3, 4)), 0.3)
    # centre of column 4, row 6 at stride 32: (144, 208); left 32, top 64, right 96, bottom 128
    assert boxes.tolist() == [pytest.approx([112, 144, 128, 192], abs=1e-3)]
    assert (NAMES[labels[0]], round(float(scores[0]), 3)) == ("car", 0.7)


def test_nothing_below_the_lowest_confidence_is_reported() -> None:
    boxes, _, _ = decode(outputs(cell=0, label=0, score=0.29, bins=(1, 1, 1, 1)), 0.3)
    assert boxes.shape == (0, 4)


def test_of_two_overlapping_boxes_of_a_class_the_better_one_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [1, 0, 10, 10], [50, 50, 10, 10]], np.float32)
    kept = suppress(boxes, np.array([0, 0, 2, 0]), np.array([0.8, 0.9, 0.5, 0.6], np.float32), 0.3)
    assert sorted(kept) == [1, 2, 3]
    assert suppress(boxes[:0], np.array([], int), np.array([], np.float32), 0.3) == []


def test_the_80_names_are_those_of_coco() -> None:
    assert len(NAMES) == len(set(NAMES)) == 80
    assert (NAMES[0], NAMES[7], NAMES[62], NAMES[79]) == ("person", "truck", "tv", "toothbrush")


def test_the_default_detector_sees_nothing_in_a_black_picture(nanodet: Path) -> None:
    assert DETECTORS["onnx"](Options(0.3, nanodet)).detect(Picture(BLANK, 0)) == []


def test_a_missing_model_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*run `make setup`"):
        DETECTORS["onnx"](Options(0.3, tmp_path / "none.onnx"))


def test_a_file_that_is_no_model_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="is no model that onnxruntime can load"):
        DETECTORS["onnx"](Options(0.3, tmp_path / "bad.onnx"))


class Exported:
    """A file as ultralytics loads it, which refuses more pictures than it was exported for."""

    def __init__(self, *, dynamic: bool, batch: int, most: int) -> None:
        self.predictor = SimpleNamespace(model=SimpleNamespace(dynamic=dynamic, batch=batch))
        self.most, self.shown, self.names = most, list[int](), {0: "person"}

    def predict(self, images: list[Any], **_: Any) -> list[Any]:
        assert len(images) <= self.most, f"Got: {len(images)} Expected: {self.most}"
        self.shown.append(len(images))
        found = (np.array([[0.0, 0, 10, 20]]), np.array([0.0]), np.array([0.5]))
        boxes = SimpleNamespace(xyxy=found[0], cls=found[1], conf=found[2])
        return [SimpleNamespace(boxes=boxes, names=self.names) for _ in images]


@pytest.mark.parametrize(
    ("export", "dynamic", "batch", "most", "shown"),
    [
        (None, False, 1, 16, [5]),
        ("open.onnx", True, 1, 16, [5]),
        ("fixed.onnx", False, 1, 1, [1, 1, 1, 1, 1]),
        ("four.onnx", False, 4, 4, [4, 1]),
        ("fixed.engine", False, 1, 1, [1, 1, 1, 1, 1]),
        ("open.engine", True, 4, 4, [4, 1]),
    ],
)
def test_an_export_is_shown_as_many_pictures_at_once_as_it_was_made_for(
    export: str | None, dynamic: bool, batch: int, most: int, shown: list[int]
) -> None:
    made = Exported(dynamic=dynamic, batch=batch, most=most)
    network = Network(made, "cpu", None if export is None else Path(export))
    answers = network.predict([BLANK] * 5)
    network.batcher.stop()
    assert answers == [[Seen(Box(0, 0, 10, 20), "person", 0.5)]] * 5
    assert made.shown == [1, *shown]  # it was tried once


def test_an_unknown_detector_is_told_the_known_ones() -> None:
    with pytest.raises(BadInput, match="expected one of hog, motion, onnx, scripted, ultralytics, yolo"):
        DETECTORS["magic"]


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is not None, reason="the extra is installed here")
@pytest.mark.parametrize("name", ["ultralytics", "yolo"])
def test_the_ultralytics_detector_names_the_extra_when_it_is_not_installed(name: str) -> None:
    with pytest.raises(ConfigError, match=r"install the extra ioc\[yolo\]"):
        DETECTORS[name](Options(0.3, attributes={"model": "yolo11n.yaml"}))


@pytest.mark.parametrize("options", [Options(0.3), Options(0.3, attributes={"model": "/none/other.pt"})])
def test_weights_that_are_not_there_are_a_mistake_and_are_not_fetched(options: Options, monkeypatch: Any) -> None:
    monkeypatch.setenv("IOC_CACHE", "/none")
    with pytest.raises(ConfigError, match="there is no file"):
        DETECTORS["ultralytics"](options)


def test_a_script_is_played_by_picture_number_and_begins_again(tmp_path: Path) -> None:
    script = tmp_path / "script.ndjson"
    script.write_text(
        '{"number": 1, "seen": [{"box": [1, 2, 3, 4]}, {"box": [9, 9, 9, 9], "confidence": 0.1}]}\n'
        '{"number": 3, "seen": [{"box": [5, 6, 7, 8], "label": "car"}]}\n'
    )
    detector = DETECTORS["scripted"](Options(0.5, attributes={"script": str(script)}))
    seen = [detector.detect(Picture(BLANK, 0, number)) for number in range(1, 5)]
    first = [Seen(Box(1, 2, 3, 4), "person", 0.9)]
    assert seen == [first, [], [Seen(Box(5, 6, 7, 8), "car", 0.9)], first]


@pytest.mark.parametrize("attributes", [{}, {"script": "/does/not/exist"}])
def test_a_scripted_detector_without_a_script_is_a_mistake(attributes: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"camera\.attributes\.script"):
        DETECTORS["scripted"](Options(0.5, attributes=attributes))


def test_a_script_can_be_handed_in_as_a_list() -> None:
    seen = [Seen(Box(0, 0, 1, 1), "dog", 0.5)]
    assert Scripted.of({2: seen}).detect(Picture(BLANK, 0, 2)) == seen


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Box(0, 0, 2, 2), Box(1, 1, 2, 2)) == pytest.approx(1 / 7)  # 1 shared of 4 + 4 - 1
    assert overlap(Box(0, 0, 2, 2), Box(2, 0, 2, 2)) == 0
    assert math.isclose(overlap(Box(3, 4, 5, 6), Box(3, 4, 5, 6)), 1)
