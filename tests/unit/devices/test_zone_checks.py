"""Zones and lines that cannot be watched are refused with field, value and what would be right."""

from __future__ import annotations

from typing import Any

import pytest

from devices.registry import document_of
from devices.zone_checks import check_places
from pipeline.core.catalogue import Camera
from pipeline.core.errors import BadInput

SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100]]
PLANE = {"corners": [[0, 0], [100, 0], [100, 100], [0, 100]], "sides": [10, 10, 10, 10], "diagonal": 14.1}


def camera(zone: dict[str, Any] | None = None, **more: Any) -> Camera:
    zones = [] if zone is None else [{"id": "lan-1", "polygon": SQUARE, **zone}]
    raw = {"id": "c", "site": "s", "url": "rtsp://x/1", "frame_size": [640, 480], **({"zones": zones} | more)}
    made = document_of("camera", raw)
    assert isinstance(made, Camera)
    return made


def line(**settings: Any) -> dict[str, Any]:
    return {"lines": [{"id": "vach-1", "points": [[0, 0], [10, 10]], **settings}]}


GOOD: list[dict[str, Any]] = [
    {"labels": ["car"], "direction": [[0, 0], [0, 9]], "stopped_s": 10, "queue_m": 50, "speed_limit_kmh": 50},
    {"schedule": {"when": "daily 22:00-05:00", "timezone": "Asia/Ho_Chi_Minh"}, "dwell_s": 300, "crowd": 20},
    {"kind": "exclusion", "schedule": {"when": "sat,sun 00:00-24:00"}},
]


@pytest.mark.parametrize("zone", GOOD)
def test_good_zones_and_lines_are_taken(zone: dict[str, Any]) -> None:
    check_places(camera(zone, calibration=PLANE, **line(way="left", labels=["car"])))


BAD: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"polygon": SQUARE[:2]}, {}, "zones.lan-1.polygon", "at least 3 corners"),
    ({"polygon": [[0, 0], [50, 50], [100, 100]]}, {}, "zones.lan-1.polygon", "not all on one line"),
    ({"polygon": [[0, 0], [100, 100], [100, 0], [0, 100]]}, {}, "zones.lan-1.polygon", "from corners 1 and 3"),
    ({"polygon": [*SQUARE[:3], [0, 481]]}, {}, "zones.lan-1.polygon", "0..640 x 0..480"),
    ({"id": "Lan 1"}, {}, "zones.id", "a-z"),
    ({"id": "l" * 63}, {}, "zones.id", "at most 64 characters together with c"),
    ({"id": "vach-1"}, line(), "lines.id", "a name of its own"),
    ({"labels": []}, {}, "zones.lan-1.labels", "one label or more"),
    ({"labels": ["Car"]}, {}, "zones.lan-1.labels", "lower case"),
    ({"schedule": {"when": "nightly"}}, {}, "zones.lan-1.schedule.when", "daily 22:00-06:00"),
    ({"schedule": {"when": "holidays 00:00-24:00"}}, {}, "zones.lan-1.schedule.when", "days of the week"),
    ({"schedule": {"when": "daily 08:00-09:00", "timezone": "Hanoi"}}, {}, "zones.lan-1.schedule.timezone", "Asia/Ho"),
    ({"dwell_s": 0}, {}, "zones.lan-1.dwell_s", "above 0"),
    ({"gap_s": 90_000}, {}, "zones.lan-1.gap_s", "at most a day"),
    ({"crowd": -5}, {}, "zones.lan-1.crowd", "above 0"),
    ({"kind": "exclusion", "dwell_s": 5}, {}, "zones.lan-1.dwell_s", "an exclusion zone watches nobody"),
    ({"direction": [[1, 1], [1, 1]]}, {}, "zones.lan-1.direction", "two different points"),
    ({"queue_m": 50}, {"calibration": PLANE}, "zones.lan-1.queue_m", "a direction too"),
    ({"speed_limit_kmh": 50}, {}, "zones.lan-1.speed_limit_kmh", "calibration"),
    ({"running_mps": 3}, {"calibration": {"height": [[100, 50], [400, 200]]}}, "zones.lan-1.running_mps", "no metres"),
    ({}, line(points=[[5, 5], [5, 5]]), "lines.vach-1.points", "two different points"),
    ({}, line(points=[[5, 5], [5, 999]]), "lines.vach-1.points", "0..480"),
    ({}, line(way="up"), "lines[0].way", "a value allowed here; 'up' is none"),
    ({"kind": "mask"}, {}, "zones[0].kind", "a value allowed here; 'mask' is none"),
]


@pytest.mark.parametrize(("zone", "more", "field", "right"), BAD, ids=[f"{case[2]}: {case[3]}" for case in BAD])
def test_bad_ones_are_refused_with_field_value_and_what_would_be_right(
    zone: dict[str, Any], more: dict[str, Any], field: str, right: str
) -> None:
    with pytest.raises(BadInput) as refused:
        check_places(camera(zone, **more))
    assert refused.value.field == f"camera.{field}"
    assert right in str(refused.value)


def test_there_is_a_limit_to_how_many_a_camera_watches() -> None:
    many = [{"id": f"z{n}", "polygon": SQUARE} for n in range(32)]
    check_places(camera(zones=many))
    with pytest.raises(BadInput, match="at most 32"):
        check_places(camera(zones=many, **line()))
