"""What a camera says: units and site of its readings, and one series for each zone."""

from __future__ import annotations

import numpy as np

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.codec import detections, encode_line, readings
from pipeline.core.events import CameraState, Quality
from vision.picture import Box, Picture
from vision.report import Reporter, series
from vision.tracker import Track
from vision.zones import Passage

POLYGON = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def camera(*zones: str) -> Camera:
    made = tuple(Zone(id=zone, polygon=POLYGON) for zone in zones)
    return Camera(id="qt-cam-07", site="quay", url="rtsp://x/1", zones=made)


def test_a_single_zone_s_readings_are_the_camera_s_and_several_have_a_series_each() -> None:
    assert series(camera("a"), "a") == "qt-cam-07"
    assert [series(camera("a", "b"), zone) for zone in ("a", "b")] == ["qt-cam-07.a", "qt-cam-07.b"]


def test_readings_have_canonical_units_and_survive_the_wire() -> None:
    reporter = Reporter(camera("a"), 7)
    made = [reporter.occupancy("a", 3, 10), reporter.fps(9.987, 11), reporter.latency(41.6, 12)]
    assert [readings.decode_line(encode_line(each)) for each in made] == made
    assert [(each.quantity, each.value, each.unit) for each in made] == [
        ("zone_occupancy", 3, "{person}"),
        ("camera_fps", 9.99, "Hz"),
        ("camera_latency", 42, "ms"),
    ]
    assert {(each.device, each.site, each.generation) for each in made} == {("qt-cam-07", "quay", 7)}


def test_a_value_beyond_what_is_plausible_is_uncertain() -> None:
    assert Reporter(camera("a"), 7).latency(-300, 1).quality is Quality.UNCERTAIN


def test_a_passage_says_who_where_when_by_whose_clock_and_shows_it() -> None:
    track = Track("7-1", "person", Box(1.26, 2, 3, 4), 0.91234, 500, seen=True)
    picture = Picture(np.zeros((2, 2, 3), np.uint8), 600, clock="rtcp")
    made = Reporter(camera("a"), 7).passage(Passage("a", True, track), picture, "sha256:00")
    assert detections.decode_line(encode_line(made)) == made
    assert (made.event, made.at, made.clock, made.zone, made.track) == ("enter", 500, "rtcp", "a", "7-1")
    assert (made.box, made.confidence, made.evidence) == ((1.3, 2, 3, 4), 0.912, "sha256:00")


def test_a_state_is_a_detection_of_its_own() -> None:
    made = Reporter(camera("a"), 7).state(CameraState.FROZEN, 5)
    assert (made.event, made.state, made.at, made.zone) == ("state", CameraState.FROZEN, 5, "")
