"""How a camera is looked at: what cannot work is refused in both languages, with field, value and what would do."""

from __future__ import annotations

import math
from typing import Any

import pytest

from devices.camera_checks import LEAST_FPS, check_looking
from devices.registry import document_of
from pipeline.core.catalogue import Camera, Zone
from pipeline.core.errors import BadInput
from tests.unit.vision.street import PERSON, Mover, Street, by_points, times
from tests.unit.vision.test_scenes import play
from tests.unit.vision.watching import CAMERA, SQUARE


def camera(**fields: Any) -> Camera:
    made = document_of("camera", {"id": "c", "site": "s", "url": "rtsp://x/1", **fields})
    assert isinstance(made, Camera)
    return made


GOOD: list[dict[str, Any]] = [
    {},
    {"fps": 0.5},
    {"fps": 30},
    {"threshold": 0.05},
    {"threshold": 0.95},
    {"frame_size": [16, 16]},
    {"detector": "hog"},
    {"detector": "ultralytics", "attributes": {"model": "yolo11n.pt"}},
    {"detector": "hogg", "fps": 0, "retired_at": 1},
]


@pytest.mark.parametrize("fields", GOOD, ids=str)
def test_what_can_work_is_taken_and_a_retired_camera_as_it_is(fields: dict[str, Any]) -> None:
    check_looking(camera(**fields))


NAMES = "hog, motion, onnx, scripted, ultralytics, yolo"
FPS = ("a number from 0.5 to 30 pictures a second", "số từ 0,5 đến 30 hình mỗi giây")
THRESHOLD = ("a number from 0.05 to 0.95 of confidence", "số từ 0,05 đến 0,95 độ tin cậy")
SIZE = ("width and height in pixels, 16 to 16384 each", "chiều rộng và chiều cao bằng pixel, mỗi chiều từ 16 đến 16384")
BAD: list[tuple[str, Any, tuple[str, str]]] = [
    ("detector", "hogg", (f"one of {NAMES}", f"một trong {NAMES}")),
    ("detector", "", (f"one of {NAMES}", f"một trong {NAMES}")),
    *(("fps", fps, FPS) for fps in (0.0, -1.0, 0.25, 30.5, 1000.0, math.inf, math.nan)),
    *(("threshold", threshold, THRESHOLD) for threshold in (50.0, 0.0, 1.0, -0.5, math.nan)),
    *(("frame_size", size, SIZE) for size in ((0, 0), (640, 15), (-640, 480), (640, 16385))),
    ("attributes.model", 7, ("the name of a model file", "tên tệp mô hình")),
    ("attributes.model", " ", ("the name of a model file", "tên tệp mô hình")),
]


@pytest.mark.parametrize(("field", "value", "wanted"), BAD, ids=str)
def test_what_cannot_work_is_refused_in_both_languages(field: str, value: Any, wanted: tuple[str, str]) -> None:
    name, _, inner = field.partition(".")
    with pytest.raises(BadInput) as refused:
        check_looking(camera(**{name: {inner: value} if inner else value}))
    en, vi = wanted
    said = f"camera.{field}: {value!r} is not valid; expected {en} / giá trị không hợp lệ; cần {vi}"
    assert str(refused.value) == said


@pytest.mark.parametrize(("fps", "entered"), [(LEAST_FPS, True), (0.3, False)])
def test_the_least_rate_sees_who_stands_for_a_minute_and_three_pictures_in_ten_seconds_do_not(
    fps: float, entered: bool
) -> None:
    stands = Street([Mover(PERSON, by_points((20, 0, 19), (80, 0, 19)))], CAMERA)
    heard, _ = play(stands, times(fps, 100), [Zone(id="san", polygon=SQUARE)])
    assert [found.event.value for found in heard.findings] == (["enter", "leave"] if entered else [])
