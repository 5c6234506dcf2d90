"""Fire and smoke: told as they are seen, for rules that want them k times."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.core.catalogue import Camera, Zone, ZoneHours
from pipeline.core.events import DetectionEvent
from rules.backtest import Input, backtest
from rules.engine.loader import load_paths
from rules.packs import FOLDER
from tests.unit.vision.street import SIZE, ms
from tests.unit.vision.watching import CAMERA
from vision.analysis import Analysed, Analysis
from vision.picture import Box, Picture, Seen
from vision.report import Reporter

LEFT = ((0.0, 0.0), (384.0, 0.0), (384.0, 576.0), (0.0, 576.0))
FIRE = Seen(Box(100, 40, 60, 80), "fire", 0.8)
"""High in the picture: above the horizon no ground is under its lower edge."""
SMOKE = Seen(Box(120, 10, 100, 60), "smoke", 0.7)
PLACE = Zone(id="kho", polygon=LEFT, labels=("fire", "smoke"))


def camera(*zones: Zone, **fields: Any) -> Camera:
    calibration = CAMERA.calibration()
    fields = {"zones": zones or (PLACE,), "threshold": 0.5, **fields}
    return Camera(id="c", site="s", url="u", frame_size=SIZE, calibration=calibration, **fields)


def told(looking: Analysis, seen: list[Seen], *times: float) -> list[tuple[str, float, str]]:
    found = [each for time in times for each in look(looking, seen, time).said.findings]
    assert {each.event for each in found} <= {DetectionEvent.STATE}
    return [(each.track.label if each.track else "", (each.at - ms(0)) / 1000, each.place) for each in found]


def look(looking: Analysis, seen: list[Seen], time: float) -> Analysed:
    return looking.update(seen, Picture(np.zeros((SIZE[1], SIZE[0], 3), np.uint8), ms(time)))


def test_fire_is_told_at_once_and_then_every_two_seconds() -> None:
    times = [n / 5 for n in range(26)]
    assert told(Analysis(camera(), 1), [FIRE], *times) == [("fire", second, "kho") for second in (0, 2, 4)]


def test_fire_and_smoke_of_one_picture_are_a_millisecond_apart() -> None:
    assert told(Analysis(camera(), 1), [SMOKE, FIRE], 1) == [("fire", 1.0, "kho"), ("smoke", 1.001, "kho")]


def test_the_most_certain_box_of_a_place_is_told_and_none_under_the_threshold() -> None:
    (found,) = look(Analysis(camera(), 1), [FIRE, FIRE._replace(confidence=0.9)], 0).said.findings
    assert found.track is not None
    assert found.track.confidence == 0.9
    assert told(Analysis(camera(), 1), [FIRE._replace(confidence=0.49)], 0) == []


def test_only_zones_that_name_it_are_told_within_their_hours_and_not_what_is_hidden() -> None:
    elsewhere = FIRE._replace(box=Box(500, 40, 60, 80))
    assert told(Analysis(camera(), 1), [elsewhere], 0) == []
    assert told(Analysis(camera(Zone(id="san", polygon=LEFT)), 1), [FIRE], 0) == []
    # the scene begins with the epoch, in the morning in Vietnam
    open_, shut = (Zone(id="kho", polygon=LEFT, labels=("fire",), schedule=ZoneHours(when=w)) for w in HOURS)
    assert told(Analysis(camera(open_), 1), [FIRE], 0) == [("fire", 0.0, "kho")]
    assert told(Analysis(camera(shut), 1), [FIRE], 0) == []
    hiding = Zone(id="den", polygon=LEFT, kind="exclusion", labels=("fire",))
    assert told(Analysis(camera(PLACE, hiding), 1), [FIRE], 0) == []


HOURS = ("daily 00:00-24:00", "daily 00:00-00:01")


def test_fire_is_no_person_and_enters_nothing() -> None:
    looking = Analysis(camera(Zone(id="kho", polygon=LEFT, labels=("person", "fire"))), 1)
    low = FIRE._replace(box=Box(100, 400, 60, 80))
    said = [look(looking, [low], n / 5).said for n in range(40)]
    assert {found.event for each in said for found in each.findings} == {DetectionEvent.STATE}
    assert {one.value for each in said for one in each.measures if one.quantity == "zone_occupancy"} == {0}


def test_three_of_them_in_ten_seconds_are_the_packs_alert() -> None:
    """What the camera says, through the rule `safety.fire`: begins with the third."""
    here, looking = camera(), Analysis(camera(), 1)
    reporter = Reporter(here, 1)
    said = [found for n in range(26) for found in look(looking, [FIRE], n / 5).said.findings]
    inputs = [Input(event=reporter.finding(each, "arrival"), log=each.at) for each in said]
    (begin,) = backtest([rule for rule in load_paths([FOLDER]).checked() if rule.id == "safety.fire"], inputs)
    assert (begin.key, begin.severity.value, begin.at) == ("safety.fire|c|kho", "critical", ms(4))


def test_its_box_is_in_the_picture_that_is_kept() -> None:
    looking = Analysis(camera(), 1)
    found = look(looking, [FIRE], 0)
    assert [track.label for track in found.tracked.live] == ["fire"]
    looking.pictured(found.begins, "sha256:a")
    assert looking.picture_of(found.said.findings[0]) == "sha256:a"
