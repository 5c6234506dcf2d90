"""Zones and lines of a camera: what they may say. All raise BadInput with field, value and what would be right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

from pipeline.core.catalogue import Camera, Line, Zone, ZoneHours
from pipeline.core.errors import BadInput, Misread, with_comma
from pipeline.core.events import check_id
from pipeline.core.schedule import check_zone, parse_hours

MOST_PLACES = 32
MOST_CORNERS = 64
MAX_SERIES = 64
"""Readings of a place go under `<camera>.<place>`, which has to be an id too."""
_SECONDS = ("gap_s", "dwell_s", "stopped_s", "abandoned_s")
_METRIC = ("speed_limit_kmh", "queue_m", "crowd_density", "running_mps")
_MOST = {"speed_limit_kmh": 200.0, "queue_m": 20_000.0, "crowd_density": 10.0, "running_mps": 15.0, "crowd": 5000.0}
_DAY_S = 86_400.0
Point = tuple[float, float]


def check_places(camera: Camera) -> None:
    """Zones and lines that can be watched, each with a name of its own."""
    if len(camera.zones) + len(camera.lines) > MOST_PLACES:
        count = len(camera.zones) + len(camera.lines)
        wanted = f"at most {MOST_PLACES} zones and lines together"
        raise BadInput("camera.zones", count, wanted, vi=f"tối đa {MOST_PLACES} vùng và vạch cộng lại")
    seen: set[str] = set()
    zones: list[tuple[str, Zone | Line]] = [("zones", zone) for zone in camera.zones]
    for field, place in [*zones, *(("lines", line) for line in camera.lines)]:
        _check_name(camera, f"camera.{field}.id", place.id, seen)
        seen.add(place.id)
    for zone in camera.zones:
        _check_zone(camera, zone)
    for line in camera.lines:
        _check_line(camera, line)


def _check_name(camera: Camera, field: str, name: str, taken: set[str]) -> None:
    check_id(field, name)
    if name in taken:
        raise BadInput(field, name, "each zone and line a name of its own", vi="mỗi vùng, mỗi vạch một tên riêng")
    if len(f"{camera.id}.{name}") > MAX_SERIES:
        raise BadInput(
            field,
            name,
            f"at most {MAX_SERIES} characters together with {camera.id}",
            vi=f"tối đa {MAX_SERIES} ký tự kể cả {camera.id}",
        )


def _check_zone(camera: Camera, zone: Zone) -> None:
    field = f"camera.zones.{zone.id}"
    _check_polygon(camera, f"{field}.polygon", zone.polygon)
    _check_labels(f"{field}.labels", zone.labels)
    if not zone.labels:
        wanted = "one label or more, such as person or car"
        raise BadInput(f"{field}.labels", zone.labels, wanted, vi="ít nhất một nhãn, ví dụ person hoặc car")
    if zone.schedule is not None:
        _check_hours(f"{field}.schedule", zone.schedule)
    if zone.kind == "exclusion":
        _check_exclusion(field, zone)
    _check_numbers(field, zone)
    _check_direction(camera, field, zone)
    _check_metric(camera, field, zone)


def _check_polygon(camera: Camera, field: str, polygon: Sequence[Point]) -> None:
    if not 3 <= len(polygon) <= MOST_CORNERS:
        wanted = f"at least 3 corners, at most {MOST_CORNERS}"
        raise BadInput(field, polygon, wanted, vi=f"từ 3 đến {MOST_CORNERS} góc")
    _check_points(camera, field, polygon)
    edges = list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))
    for (n, one), (m, other) in combinations(enumerate(edges), 2):
        if m - n not in (1, len(edges) - 1) and _cross(*one, *other):
            raise BadInput(
                field,
                polygon,
                f"edges that do not cross; those from corners {n + 1} and {m + 1} do",
                vi=f"các cạnh không cắt nhau; cạnh từ góc {n + 1} và cạnh từ góc {m + 1} đang cắt nhau",
            )
    if abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges)) < 2:
        wanted = "corners that are not all on one line"
        raise BadInput(field, polygon, wanted, vi="các góc không cùng nằm trên một đường thẳng")


def _check_points(camera: Camera, field: str, points: Iterable[Point]) -> None:
    for point in points:
        if not all(map(math.isfinite, point)):
            raise BadInput(field, point, "finite numbers of pixels", vi="tọa độ pixel hữu hạn, không phải nan hay inf")
        if camera.frame_size is not None:
            width, height = camera.frame_size
            if not (0 <= point[0] <= width and 0 <= point[1] <= height):
                span = f"0..{width} x 0..{height}"
                raise BadInput(field, point, f"points in the picture, {span}", vi=f"điểm nằm trong hình, {span}")


def _check_labels(field: str, labels: Iterable[str]) -> None:
    for label in labels:
        if not label or label != label.strip().lower():
            raise BadInput(
                field,
                label,
                "labels as detectors give them, in lower case, such as person or car",
                vi="nhãn đúng như bộ phát hiện đặt, viết chữ thường, ví dụ person hoặc car",
            )


def _check_hours(field: str, hours: ZoneHours) -> None:
    try:
        parsed = parse_hours(hours.when)
    except Misread as wrong:
        raise BadInput(f"{field}.when", hours.when, wrong.expected, vi=wrong.vi) from None
    if any(8 in each.days for each in parsed):
        raise BadInput(
            f"{field}.when",
            hours.when,
            "days of the week; holidays are known to rules only",
            vi="các thứ trong tuần; ngày lễ chỉ dùng được trong quy tắc",
        )
    try:
        check_zone(hours.timezone)
    except Misread as wrong:
        raise BadInput(f"{field}.timezone", hours.timezone, wrong.expected, vi=wrong.vi) from None


def _check_exclusion(field: str, zone: Zone) -> None:
    for name in (*_SECONDS[1:], "direction", "crowd", *_METRIC):
        if getattr(zone, name) is not None:
            raise BadInput(
                f"{field}.{name}",
                getattr(zone, name),
                "nothing: an exclusion zone watches nobody",
                vi="bỏ trống: vùng loại trừ không theo dõi gì",
            )


def _check_numbers(field: str, zone: Zone) -> None:
    for name in _SECONDS:
        value = getattr(zone, name)
        if value is not None and not 0 < value <= _DAY_S:
            wanted = "a number of seconds above 0, at most a day"
            raise BadInput(f"{field}.{name}", value, wanted, vi="số giây lớn hơn 0, tối đa một ngày")
    for name, most in _MOST.items():
        value = getattr(zone, name)
        if value is not None and not 0 < value <= most:
            wanted = f"a number above 0, at most {most:g}"
            raise BadInput(f"{field}.{name}", value, wanted, vi=f"số lớn hơn 0, tối đa {with_comma(most)}")


def _check_direction(camera: Camera, field: str, zone: Zone) -> None:
    if zone.direction is not None:
        _check_points(camera, f"{field}.direction", zone.direction)
        if zone.direction[0] == zone.direction[1]:
            wanted = "two different points, from and to"
            raise BadInput(f"{field}.direction", zone.direction, wanted, vi="hai điểm khác nhau, từ đâu đến đâu")
    elif zone.queue_m is not None:
        raise BadInput(
            f"{field}.queue_m",
            zone.queue_m,
            "a direction too: a queue is measured along the lane",
            vi="có thêm direction: hàng chờ được đo dọc theo làn",
        )


def _check_metric(camera: Camera, field: str, zone: Zone) -> None:
    found = camera.calibration
    if found is not None and (found.points or found.corners):
        return
    for name in _METRIC:
        if getattr(zone, name) is not None:
            raise BadInput(
                f"{field}.{name}",
                getattr(zone, name),
                "a camera.calibration with points or corners: without it there are no metres",
                vi="camera.calibration có points hoặc corners: chưa hiệu chuẩn thì không đo được mét",
            )


def _check_line(camera: Camera, line: Line) -> None:
    field = f"camera.lines.{line.id}"
    _check_points(camera, f"{field}.points", line.points)
    if line.points[0] == line.points[1]:
        raise BadInput(f"{field}.points", line.points, "two different points", vi="hai điểm khác nhau")
    _check_labels(f"{field}.labels", line.labels)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments a-b and c-d meet inside both."""
    return _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
