"""What a camera says: units and site of its readings, and one series for each place."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.catalogue import Calibration, Camera, GroundPoint, Line, Zone
from pipeline.core.codec import detections, encode_line, readings
from pipeline.core.events import CameraState, DetectionEvent, Edge, Quality, Speed
from pipeline.core.quantities import QUANTITIES
from vision.analytics.counts import CLASS_COUNTS
from vision.analytics.zone import VEHICLES, Finding, Measure
from vision.picture import Box
from vision.plane import Plane
from vision.report import Reporter, series
from vision.tracker import Ground, Track

POLYGON = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def camera(*zones: str, **more: Any) -> Camera:
    made = tuple(Zone(id=zone, polygon=POLYGON) for zone in zones)
    return Camera(id="qt-cam-07", site="quay", url="rtsp://x/1", zones=made, **more)


def lines(*names: str) -> tuple[Line, ...]:
    return tuple(Line(id=name, points=((0.0, 0.0), (1.0, 1.0))) for name in names)


def test_a_single_zone_s_readings_are_the_camera_s_and_several_have_a_series_each() -> None:
    assert series(camera("a"), "a") == "qt-cam-07"
    assert [series(camera("a", "b"), zone) for zone in ("a", "b")] == ["qt-cam-07.a", "qt-cam-07.b"]


def test_lines_have_series_as_zones_have_and_exclusion_zones_none() -> None:
    both = camera("a", lines=lines("l"))
    assert [series(both, place) for place in ("a", "l")] == ["qt-cam-07", "qt-cam-07"]
    assert series(camera("a", lines=lines("l", "m")), "m") == "qt-cam-07.m"
    hidden = Zone(id="x", polygon=POLYGON, kind="exclusion")
    assert series(Camera(id="c", site="s", url="u", zones=(*camera("a").zones, hidden)), "a") == "c"


def test_readings_have_canonical_units_and_survive_the_wire() -> None:
    reporter = Reporter(camera("a"), 7)
    made = [
        reporter.measure(Measure("a", "zone_occupancy", 3, 10)),
        reporter.fps(9.987, 11),
        reporter.latency(41.6, 12),
    ]
    assert [readings.decode_line(encode_line(each)) for each in made] == made
    assert [(each.quantity, each.value, each.unit) for each in made] == [
        ("zone_occupancy", 3, "{person}"),
        ("camera_fps", 9.99, "Hz"),
        ("camera_latency", 42, "ms"),
    ]
    assert {(each.device, each.site, each.generation) for each in made} == {("qt-cam-07", "quay", 7)}


def test_a_value_beyond_what_is_plausible_is_uncertain() -> None:
    assert Reporter(camera("a"), 7).latency(-300, 1).quality is Quality.UNCERTAIN


TRACK = Track("7-1", "person", Box(1.26, 2, 3, 4), 0.91234, 500, seen=True)


def test_a_finding_says_who_where_when_by_whose_clock_and_shows_it() -> None:
    found = Finding(DetectionEvent.DWELL, 480, "a", TRACK, Edge.BEGIN)
    made = Reporter(camera("a"), 7).finding(found, "rtcp", evidence="sha256:00")
    assert detections.decode_line(encode_line(made)) == made
    assert (made.event, made.edge, made.at, made.clock) == ("dwell", "begin", 480, "rtcp")
    assert (made.zone, made.line, made.track, made.label) == ("a", "", "7-1", "person")
    assert (made.box, made.confidence, made.evidence) == ((1.3, 2, 3, 4), 0.912, "sha256:00")
    assert (made.speed, made.foot) == (None, None)


def test_a_crossing_names_its_line_as_the_place_too_and_its_direction() -> None:
    found = Finding(DetectionEvent.CROSS, 480, "l", TRACK, None, "left", on_line=True)
    made = Reporter(camera("a", lines=lines("l")), 7).finding(found, "arrival")
    assert (made.zone, made.line, made.direction) == ("l", "l", "left")


def test_a_track_on_calibrated_ground_has_a_position_and_the_speed_that_is_known() -> None:
    corners = ((0, 0, 107.1), (100, 0, 107.2), (100, 100, 107.2), (0, 100, 107.1))
    points = tuple(
        GroundPoint(picture=(float(x), float(y)), position=(longitude, 12.3 if y else 12.4))
        for x, y, longitude in corners
    )
    plane = Plane.of(Calibration(points=points), (100, 100), (100, 100))
    ground = Ground(0.0, 0.0, 3.0, 4.0, 0.1, 0.2)
    found = Finding(DetectionEvent.ENTER, 480, "a", TRACK._replace(ground=ground))
    made = Reporter(camera("a"), 7).finding(found, "rtcp", plane, Speed(5.0, 0.25))
    assert made.foot == pytest.approx((107.15, 12.35), abs=1e-6)  # metres are counted from the middle of the points
    assert made.speed == Speed(5.0, 0.25)


def test_a_state_is_a_detection_of_its_own() -> None:
    made = Reporter(camera("a"), 7).state(CameraState.FROZEN, 5)
    assert (made.event, made.state, made.at, made.zone) == ("state", CameraState.FROZEN, 5, "")


def test_every_class_that_is_counted_by_itself_has_its_quantity_and_every_vehicle_is_a_vehicle_there() -> None:
    for label, quantity in CLASS_COUNTS.items():
        assert QUANTITIES[quantity].unit == ("{vehicle}" if label in VEHICLES else "{person}")
