"""The default detector, tracker and zones against public truth: PETS09-S2L1 (see tests/data/pets09-s2l1).

`pytest -s` prints the figures.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.core.catalogue import Camera, Zone
from pipeline.core.places import inside
from pipeline.local import clip
from vision.camera import WEAK
from vision.detectors import Options
from vision.detectors.nanodet import NanoDet, prepare, session
from vision.picture import Box, Image, Picture, Seen, overlap
from vision.tracker import Tracker
from vision.zones import ZoneWatch

TRUTH = Path(__file__).parents[1] / "data" / "pets09-s2l1" / "gt-frames-1-400.txt"
THRESHOLD = Camera(id="c", site="s", url="").threshold
SPREAD = range(1, 360, 6)
"""60 frames over the whole truth."""
RUN = range(1, 121, 2)
"""12 s at the default 5 pictures a second; the clip has 10."""
POLYGON = ((180.0, 215.0), (560.0, 215.0), (640.0, 400.0), (120.0, 400.0))
HIT = 0.5


@pytest.fixture(scope="module")
def truth() -> dict[int, list[tuple[Box, bool]]]:
    """By frame from 1: every box, and whether it counts (MOT15 marks some as to be ignored)."""
    found: dict[int, list[tuple[Box, bool]]] = defaultdict(list)
    for row in csv.reader(TRUTH.read_text().splitlines()):
        found[int(row[0])].append((Box(*map(float, row[2:6])), row[6] == "1"))
    return found


@pytest.fixture(scope="module")
def pictures() -> dict[int, Image]:
    wanted = {*SPREAD, *RUN}
    video = cv2.VideoCapture(str(clip.source()))
    frames = ((number, video.read()[1]) for number in range(1, max(wanted) + 1))
    return {number: np.asarray(image, np.uint8) for number, image in frames if number in wanted}


@pytest.fixture(scope="module")
def seen(pictures: dict[int, Image], nanodet: Path) -> dict[int, list[Seen]]:
    """What the detector saw, down to what continues a track."""
    detector = NanoDet(Options(THRESHOLD * WEAK, nanodet))
    return {number: detector.detect(Picture(image, number)) for number, image in pictures.items()}


def hits(found: Sequence[Box], true: Sequence[Box]) -> int:
    """Pairs of boxes that overlap by half, each box used once, the best first."""
    pairs = sorted(((overlap(a, b), n, m) for n, a in enumerate(found) for m, b in enumerate(true)), reverse=True)
    used_found: set[int] = set()
    used_true: set[int] = set()
    for how_much, n, m in pairs:
        if how_much >= HIT and n not in used_found and m not in used_true:
            used_found.add(n)
            used_true.add(m)
    return len(used_found)


def test_people_are_found_with_an_f1_of_at_least_080(
    seen: dict[int, list[Seen]], truth: dict[int, list[tuple[Box, bool]]]
) -> None:
    right = found = true = 0
    for number in SPREAD:
        boxes = [each.box for each in seen[number] if each.label == "person" and each.confidence >= THRESHOLD]
        counted = [box for box, counts in truth[number] if counts]
        right, found, true = right + hits(boxes, counted), found + len(boxes), true + len(counted)
    f1 = 2 * right / (found + true)
    print(f"\nf1 {round(f1, 3)}")
    assert len(SPREAD) == 60
    assert f1 >= 0.80, f"{right} right of {found} found and {true} true"


def test_people_in_a_zone_are_counted_to_within_035_on_the_average(
    seen: dict[int, list[Seen]], truth: dict[int, list[tuple[Box, bool]]]
) -> None:
    tracker, zone = Tracker("1", THRESHOLD), ZoneWatch(Zone(id="z", polygon=POLYGON), None, (768, 576))
    errors = []
    for number in RUN:
        moment = zone.update(tracker.update(seen[number], number * 100), number * 100)
        errors.append(abs(len(moment.there) - sum(inside(box.foot, POLYGON) for box, _ in truth[number])))
    error = sum(errors) / len(errors)
    print(f"\noccupancy_mae {round(error, 3)}")
    assert error <= 0.35


def test_a_detection_costs_little_more_than_the_bare_network(pictures: dict[int, Image], nanodet: Path) -> None:
    detector, loaded = NanoDet(Options(THRESHOLD, nanodet)), session(nanodet)
    images = [pictures[number] for number in RUN][:12]
    feeds = [{loaded.get_inputs()[0].name: prepare(image)} for image in images]
    whole, bare = [], []
    for image, feed in zip(images, feeds, strict=True):  # in turns, so that a busy machine slows both alike
        whole.append(_took(lambda image=image: detector.detect(Picture(image, 0))))  # type: ignore[misc]
        bare.append(_took(lambda feed=feed: loaded.run(None, feed)))  # type: ignore[misc]
    ratio = sorted(whole)[6] / sorted(bare)[6]
    print(f"\nms_per_picture {round(sorted(whole)[6] * 1000, 1)}")
    print(f"\nratio_to_bare_network {round(ratio, 3)}")
    assert ratio <= 1.35


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
