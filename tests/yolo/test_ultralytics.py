"""The extra `[yolo]` in its own environment: predicting, batches across cameras, and exports read by our decoder."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import ConfigError
from tests.yolo.network import COLUMNS, NAMES, ROWS, picture, untrained
from vision.detectors import DETECTORS, Batched, Options
from vision.detectors import ultralytics as ours
from vision.detectors.batching import WaitingRoom
from vision.detectors.yolo_export import YoloExport, layout_of
from vision.picture import Picture, Seen

LOWEST = 0.25
PIXELS = 1.0
"""Boxes may differ by so much."""


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """Whoever asks the network here fails: the product's promise is that ultralytics asks nobody."""
    asked: list[object] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            asked.append(address)
            raise OSError("no network in this test")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[assignment, method-assign]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]
    assert asked == []


@pytest.fixture(scope="session", autouse=True)
def settings_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("settings")
    os.environ.update(ours._QUIET, YOLO_CONFIG_DIR=str(folder))
    return folder


@pytest.fixture(scope="session", params=["yolo11n.yaml", "yolo26n.yaml"])
def model(request: pytest.FixtureRequest, settings_folder: Path) -> Any:
    return untrained(request.param, settings_folder)


@pytest.fixture(scope="session")
def weights(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / f"{Path(model.model.yaml['yaml_file']).stem}.pt"
    model.save(str(path))
    return path


def exported(model: Any, folder: Path, **options: Any) -> Path:
    weights = folder / "model.pt"
    model.save(str(weights))
    from ultralytics import YOLO

    wanted = {"imgsz": (ROWS, COLUMNS), "opset": 13, "simplify": False, **options}
    return Path(YOLO(str(weights)).export(format="onnx", **wanted))


def rows(seen: list[Seen]) -> np.ndarray:
    numbers = {name: number for number, name in NAMES.items()}
    found = [(*each.box, each.confidence, numbers[each.label]) for each in seen]
    return np.array(sorted(found, key=lambda row: (-row[4], *row)), float).reshape(-1, 6)


def theirs(model: Path, image: np.ndarray) -> list[Seen]:
    """What ultralytics itself makes of an exported file: another decoder, written by others."""
    from ultralytics import YOLO

    (result,) = YOLO(str(model), task="detect").predict(
        image, conf=LOWEST, iou=ours.NMS_OVERLAP, imgsz=(ROWS, COLUMNS), verbose=False
    )
    return [seen for seen in ours._seen(result) if seen.box.width > 0 and seen.box.height > 0]


def same(first: list[Seen], second: list[Seen]) -> None:
    """The same objects: for each of the one list there is one of the other, box, class and score."""
    a, b = rows(first), rows(second)
    assert 300 > len(a) == len(b) > 10
    for row in a:
        alike = (np.abs(b[:, :4] - row[:4]) <= PIXELS).all(1) & (np.abs(b[:, 4] - row[4]) < 0.01) & (b[:, 5] == row[5])
        assert alike.any(), row


@pytest.mark.parametrize(("name", "options"), [("raw", {}), ("open size", {"dynamic": True})])
@pytest.mark.parametrize("times", [1, 2])
def test_our_decoder_reads_an_export_as_ultralytics_does(
    model: Any, tmp_path: Path, name: str, options: dict[str, Any], times: int
) -> None:
    path, image = exported(model, tmp_path, **options), picture(times=times)
    seen = DETECTORS["onnx"](Options(LOWEST, path)).detect(Picture(image, 0))
    same(seen, theirs(path, image))


def test_an_end_to_end_export_is_read_as_ultralytics_does(model: Any, tmp_path: Path) -> None:
    """YOLO26 has a head that needs no suppression; YOLO11 gets one built into the file."""
    end_to_end = {"nms": False} if "26" in model.model.yaml["yaml_file"] else {"nms": True, "conf": LOWEST}
    path, image = exported(model, tmp_path, **end_to_end), picture()
    detector = YoloExport(Options(LOWEST, path))
    assert layout_of(detector._run(image)[0].shape, len(NAMES))[0] == "end to end"
    same(detector.detect(Picture(image, 0)), theirs(path, image))


def test_the_detector_sees_what_the_model_sees_and_its_names(weights: Path) -> None:
    from ultralytics import YOLO

    detector = DETECTORS["ultralytics"](Options(LOWEST, attributes={"model": str(weights)}, camera="cam"))
    image = picture()
    (result,) = YOLO(str(weights)).predict(image, conf=ours.LOWEST, iou=ours.NMS_OVERLAP, verbose=False)
    expected = [seen for seen in ours._seen(result) if seen.confidence >= LOWEST]
    seen = detector.detect(Picture(image, 0))
    assert {each.label for each in seen} <= set(NAMES.values())
    same(seen, expected)


def test_cameras_with_one_model_share_its_batches(weights: Path) -> None:
    names = [f"cam-{n}" for n in range(6)]
    detectors = {
        name: DETECTORS["ultralytics"](Options(LOWEST, attributes={"model": str(weights)}, camera=name))
        for name in names
    }
    assert all(isinstance(each, Batched) for each in detectors.values())
    network = ours.network(weights)
    sizes: list[int] = []
    real, began, held = network.predict, threading.Event(), threading.Event()

    def predict(images: Any) -> Any:
        sizes.append(len(images))
        began.set()
        held.wait(30)
        return real(images)

    network.batcher._run_batch, network.batcher._room = predict, WaitingRoom(deadline_ms=60_000)  # a slow machine
    try:
        first = detectors["cam-0"].submit(Picture(picture(), 0))  # type: ignore[attr-defined]
        assert began.wait(30)
        answers = [detectors[name].submit(Picture(picture(), 0)) for name in names]  # type: ignore[attr-defined]
        held.set()
        alone = first.result(60)
        for answer in answers:  # that each camera gets its own is asked of the batches themselves, in the main suite
            same(answer.result(60), alone)
        assert sizes == [1, 6]
    finally:
        network.batcher._run_batch, network.batcher._room = real, WaitingRoom()


@pytest.mark.parametrize("metadata", [True, False], ids=["as exported", "without metadata"])
@pytest.mark.parametrize("options", [{}, {"batch": 4}, {"dynamic": True}], ids=["of one", "of four", "open"])
def test_cameras_share_the_batches_of_an_export_whatever_its_own_are(
    model: Any, tmp_path: Path, options: dict[str, Any], metadata: bool
) -> None:
    if not metadata and "batch" in options:
        pytest.skip("without metadata nobody knows that its batch is of four")
    path = exported(model, tmp_path, **{"imgsz": 640, **options})
    if not metadata:
        import onnx

        bare = onnx.load(path)
        del bare.metadata_props[:]
        onnx.save(bare, path)
    from ultralytics import YOLO

    network = ours.Network(YOLO(str(path), task="detect"), "cpu", path)
    image = picture()
    (alone,) = network.predict([image])
    assert alone
    for seen in network.predict([image] * 6):
        assert rows_of(seen) == pytest.approx(rows_of(alone), abs=0.01)
    network.batcher.stop()


def rows_of(seen: list[Seen]) -> np.ndarray:
    return np.array([(*each.box, each.confidence) for each in seen])


def test_an_export_that_cannot_be_run_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="ultralytics cannot load"):
        DETECTORS["ultralytics"](Options(LOWEST, attributes={"model": str(tmp_path / "bad.onnx")}))


def test_an_untrained_architecture_can_be_named_and_says_nothing_of_a_black_picture() -> None:
    detector = DETECTORS["yolo"](Options(LOWEST, attributes={"model": "yolo11n.yaml"}))
    assert detector.detect(Picture(np.zeros((480, 640, 3), np.uint8), 0)) == []


def test_a_file_that_is_no_model_is_a_mistake_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "bad.pt").write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="ultralytics cannot load"):
        DETECTORS["ultralytics"](Options(LOWEST, attributes={"model": str(tmp_path / "bad.pt")}))


def test_missing_weights_are_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        DETECTORS["ultralytics"](Options(LOWEST, attributes={"model": str(tmp_path / "yolo11n.pt")}))
