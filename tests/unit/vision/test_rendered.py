"""Pictures of a street, from the pixels on: the detector of movers, the tracker, the ground and the analytics."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import harmonic_mean

import pytest

from pipeline.core.catalogue import Calibration, Camera, Line, Zone
from pipeline.core.events import DetectionEvent, Edge
from tests.unit.vision.street import CAR, SIZE, Mover, PinholeCamera, Street, asphalt, by_points, ms, straight, times
from tests.unit.vision.watching import Heard
from vision.analysis import Analysis
from vision.detectors import DETECTORS, Options
from vision.picture import Picture

VIEW = PinholeCamera(height=12.0, pitch=45.0, focal=600.0)
"""On a mast, as over a junction: 4 to 34 m of the street are in the picture."""
LANE = VIEW.ground((-6, 8), (6, 8), (6, 26), (-6, 26))
ARROW, GATE = VIEW.ground((0, 25), (0, 9)), VIEW.ground((-7, 15), (7, 15))
LEARNT = 80
"""Pictures of an empty street, one a second, before anything moves: a background that is new takes up what stands."""


def calibration() -> Calibration:
    """The eight points of the street, and how high the camera hangs."""
    points = VIEW.calibration().points
    return Calibration(points=points, camera_height=VIEW.height)


def watched() -> Camera:
    lane = Zone(
        id="lan-1", polygon=LANE, labels=("vehicle",), direction=(ARROW[0], ARROW[1]), stopped_s=3,
        speed_limit_kmh=34.5,
    )  # fmt: skip
    gate = Line(id="vach-1", points=(GATE[0], GATE[1]))
    return Camera(
        id="c", site="s", url="u", detector="motion", frame_size=SIZE, calibration=calibration(), zones=(lane,),
        lines=(gate,),
    )  # fmt: skip


def play(street: Street, at: Iterable[float], camera: Camera | None = None) -> Heard:
    """All that is said of rendered pictures."""
    camera = camera or watched()
    detector = DETECTORS[camera.detector](Options(0.3, None, {}, camera.calibration, SIZE))
    analysis, heard = Analysis(camera, 7), Heard([], [])
    for number in range(LEARNT):
        detector.detect(Picture(asphalt(), (number - LEARNT) * 1000, number + 1))
    for number, time in enumerate(at, LEARNT):
        picture = Picture(street.picture(time), ms(time), number + 1)
        said = analysis.update(detector.detect(picture), picture).said
        heard.findings.extend(said.findings)
        heard.measures.extend(said.measures)
    said = analysis.end()
    return Heard(heard.findings + said.findings, heard.measures + said.measures)


SPEEDS = (24.0, 33.0, 40.0, 21.0, 36.0, 28.0)
"""At 40 km/h and 3 pictures a second a car is in the picture 6 times; who is seen in fewer than 4 is not counted."""


@pytest.mark.parametrize(("fps", "within"), [(10, 0.03), (3, 0.05)])
def test_cars_in_pictures_are_counted_exactly_and_their_speed_is_right(fps: float, within: float) -> None:
    ways = [straight((-3.5 + 2.3 * (n % 4), 45), (0, -kmh / 3.6), begin=1.0 + 4 * n) for n, kmh in enumerate(SPEEDS)]
    heard = play(Street([Mover(CAR, way) for way in ways], VIEW), times(fps, 31))
    assert sum(heard.values("line_count_right")) == sum(heard.values("vehicle_count")) == len(SPEEDS)
    assert sum(heard.values("line_count_left")) == 0
    assert heard.values("mean_speed") == [pytest.approx(harmonic_mean(SPEEDS), rel=within)]
    # in order: 21 24 28 33 36 40; 85 % of the way from the 1st to the 6th is at 5.25: 36 + 0.25 x 4
    assert heard.values("speed_p85") == [pytest.approx(37.0, rel=within)]
    assert sorted(heard.values("vehicle_speed")) == [pytest.approx(kmh, rel=within) for kmh in sorted(SPEEDS)]
    assert heard.values("speeding_share") == [pytest.approx(100 / 3, abs=0.01)]
    assert heard.of(DetectionEvent.WRONG_WAY) == heard.of(DetectionEvent.STOPPED) == []


def test_a_car_in_pictures_that_stops_and_one_that_comes_the_wrong_way_are_found() -> None:
    halting = by_points((1, -2, 45), (5, -2, 20), (11, -2, 20), (14, -2, -1))
    wrong = straight((3, 6), (0, 7), begin=6)
    heard = play(Street([Mover(CAR, halting), Mover(CAR, wrong)], VIEW), times(8, 18))
    begin, end = heard.of(DetectionEvent.STOPPED)
    assert (begin.edge, end.edge) == (Edge.BEGIN, Edge.END)
    assert begin.at / 1000 == pytest.approx(5 + 3, abs=1)
    assert end.at / 1000 == pytest.approx(11, abs=1)
    (against,) = heard.of(DetectionEvent.WRONG_WAY)
    assert against.track is not None
    assert against.track.id != (begin.track.id if begin.track else "")
    assert sorted(found.direction or "" for found in heard.of(DetectionEvent.CROSS)) == ["left", "right"]
