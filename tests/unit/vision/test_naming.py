"""Whoever a model shows, whatever it calls them, is blurred for those who may not see people clearly."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Line, Zone
from pipeline.core.events import DetectionEvent
from tests.unit.vision.at_work import worked
from tests.unit.vision.test_evidence import CHESS
from tests.unit.vision.test_yolo_export import PICTURE, model, raw
from vision.detectors import Detector, Options, lowest_of
from vision.detectors.coco import NAMES
from vision.detectors.motion import Motion
from vision.detectors.onnx_model import OnnxModel
from vision.detectors.scripted import Scripted
from vision.film import Film
from vision.naming import as_named, label_of, people_among
from vision.picture import Box, Picture, Seen
from vision.witness import Witness

SOMEBODY = Box(10, 20, 40, 100)
YARD = Zone(id="yard", polygon=((0, 0), (320, 0), (320, 240), (0, 240)))
CAMERA = Camera(id="cam", site="s", url="rtsp://127.0.0.1:9/cam", zones=(YARD,))


def hidden(jpeg: bytes, box: Box) -> bool:
    """Whether the chessboard cannot be told within the box any more."""
    image = np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
    inner = image[int(box.y) + 20 : int(box.y + box.height) - 10, int(box.x) + 10 : int(box.x + box.width) - 10]
    return bool(inner.std() < 12)


@pytest.mark.parametrize("name", ["Person", "PEOPLE", "pedestrian", "Pedestrians", " human ", "Người đi bộ", "nguoi"])
def test_a_class_that_is_a_person_and_nothing_else_is_called_person(name: str) -> None:
    assert label_of(name) == "person"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("motor", "motorcycle"), ("Motor-Bike", "motorcycle"), ("xe_may", "motorcycle"), ("Xe máy", "motorcycle"),
        (unicodedata.normalize("NFD", "Xe máy"), "motorcycle"), ("ô tô", "car"), ("Xe Con", "car"),
        ("xe tải", "truck"), ("xe_khach", "bus"), ("phương tiện", "vehicle"), ("Lửa", "fire"), ("khoi", "smoke"),
    ],
)  # fmt: skip
def test_a_class_that_means_what_a_label_means_is_called_by_that_label(name: str, label: str) -> None:
    assert label_of(name) == label


@pytest.mark.parametrize(
    "name", ["van", "bike", "motorbike", "awning-tricycle", "fire truck", "bus stop", "xe cứu thương"]
)
def test_a_class_that_means_more_or_less_keeps_its_name(name: str) -> None:
    assert label_of(name.title()) == name


@pytest.mark.parametrize("name", ["rider", "Cyclist", "person_fallen", "person-on-bike", "Construction Workers"])
def test_a_class_that_shows_people_and_means_more_keeps_its_name_and_is_hidden(name: str) -> None:
    assert label_of(name) == name.lower()
    assert people_among([name]) == {name}


def test_of_the_classes_of_coco_one_shows_people() -> None:
    assert people_among(NAMES) == {"person"}


def test_zones_and_lines_mean_by_their_labels_what_models_mean() -> None:
    line = Line(id="gate", points=((0, 0), (9, 9)), labels=("people", "pedestrian", "car"))
    zone = Zone(id="yard", polygon=YARD.polygon, labels=("pedestrian", "rider"))
    named = as_named(Camera(id="cam", site="s", url="", zones=(zone,), lines=(line,)))
    assert (named.zones[0].labels, named.lines[0].labels) == (("person", "rider"), ("person", "car"))


async def test_a_zone_of_pedestrians_is_entered_by_people() -> None:
    zone = Zone(id="yard", polygon=YARD.polygon, labels=("pedestrian",))
    pictures = [Picture(CHESS, 1_000_000 + 200 * n, n) for n in range(1, 40)]
    walker = {n: [Seen(Box(40 + 2 * n, 60, 40, 100), "person", 0.9)] for n in range(1, 30)} | {40: []}
    camera = Camera(id="cam", site="s", url="rtsp://127.0.0.1:9/cam", zones=(zone,))
    said = (await worked(camera, Scripted.of(walker), pictures)).said
    assert DetectionEvent.ENTER in {each.event for each in said}


def test_the_classes_of_an_export_are_called_so_when_its_metadata_are_read(tmp_path: Path) -> None:
    meta = {"names": str({0: "Pedestrian", 1: "Rider", 2: "Car"}), "task": "detect"}
    output = raw((50, 100, 20, 40, 0.9, 0, 0), (150, 100, 20, 40, 0, 0.8, 0), (250, 100, 20, 40, 0, 0, 0.7))
    detector = OnnxModel(Options(0.3, model(tmp_path, output, meta)))
    assert [each.label for each in detector.detect(PICTURE)] == ["person", "rider", "car"]
    assert set(detector.people) == {"person", "rider", "person?"}


@pytest.mark.parametrize("label", ["pedestrian", "people", "Person", "rider", "cyclist"])
def test_whoever_an_export_shows_is_blurred(label: str) -> None:
    witness = Witness(CAMERA, Film(), people_among([label, "car"]))
    witness.note(Picture(CHESS, 1000), [Seen(SOMEBODY, label, 0.9), Seen(Box(200, 60, 60, 60), "car", 0.9)])
    made = witness.evidence(Picture(CHESS, 1000))
    assert hidden(made.jpeg, SOMEBODY)
    assert not hidden(made.jpeg, Box(200, 60, 60, 60))
    assert not hidden(made.clear, SOMEBODY)


def test_a_group_that_the_detector_of_movers_takes_for_a_vehicle_is_blurred() -> None:
    witness = Witness(CAMERA, Film(), Motion(Options(0.3)).people)
    witness.note(Picture(CHESS, 1000), [Seen(Box(10, 60, 140, 100), "vehicle", 0.6)])
    assert hidden(witness.evidence(Picture(CHESS, 1000)).jpeg, Box(10, 60, 140, 100))


def test_all_is_blurred_where_the_model_knows_nobody() -> None:
    film = Film()
    camera = Camera(id="cam", site="s", url="rtsp://127.0.0.1/1", evidence_url="rtsp://127.0.0.1/2")
    witness = Witness(camera, film, people_among(["fire", "smoke", "car", "licence_plate"]))
    for at in (1000, 1200, 1400):
        witness.note(Picture(CHESS, at), [Seen(SOMEBODY, "car", 0.9)])
        witness.look(Picture(CHESS, at), busy=True)
    whole = Box(100, 20, 200, 150)
    assert hidden(witness.evidence(Picture(CHESS, 1400)).jpeg, whole)
    assert hidden(witness.of_main(Picture(CHESS, 1200)).jpeg, whole)
    assert {shot.people for shot in film.cut(0, 2000)} == {None}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95])
async def test_who_is_blurred_does_not_depend_on_the_threshold_of_events(threshold: float) -> None:
    camera = Camera(id="cam", site="s", url="rtsp://127.0.0.1:9/cam", threshold=threshold, zones=(YARD,))
    assert lowest_of(camera) <= 0.25
    detector: Detector = Scripted.of({1: [Seen(SOMEBODY, "person", 0.26)]})
    pictures = [Picture(CHESS, 1_000_000 + 1000 * n, n) for n in range(1, 6)]
    done = await worked(camera, detector, pictures, watched=True)
    assert len(done.kept) >= 5
    assert all(hidden(each.jpeg, SOMEBODY) for each in done.kept)
    assert [each.event for each in done.said if each.event is not DetectionEvent.STATE] == []
