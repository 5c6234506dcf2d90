"""Evidence: a picture with boxes, named by the digest of its bytes."""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from prometheus_client import CollectorRegistry

from pipeline.core.telemetry import Component
from vision.evidence import Evidence, evidence
from vision.picture import Box, Picture
from vision.store import PictureStore
from vision.tracker import Track

GREY = np.full((120, 160, 3), 128, np.uint8)


def test_the_digest_is_sha_256_of_the_file() -> None:
    # printf abc | sha256sum (FIPS 180-4, example)
    expected = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert Evidence("cam", 0, b"abc").digest == expected


def test_the_boxes_are_drawn_into_a_copy() -> None:
    track = Track("1-1", "person", Box(40, 50, 30, 40), 0.87, 0, seen=True)
    made = evidence("cam", Picture(GREY, 1000), [track])
    image = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert (made.camera, made.at, image.shape) == ("cam", 1000, (120, 160, 3))
    assert abs(image[90, 55].astype(int) - (0, 200, 255)).max() < 60  # the lower edge
    assert abs(image[110, 10].astype(int) - 128).max() < 8
    assert (GREY == 128).all()


def test_a_box_beyond_the_border_is_drawn_as_far_as_it_goes() -> None:
    track = Track("1-1", "person", Box(-20, -20, 400, 400), 0.5, 0, seen=True)
    assert evidence("cam", Picture(GREY, 0), [track]).jpeg[:2] == b"\xff\xd8"


def test_equal_pictures_have_equal_names() -> None:
    first, second = (evidence("cam", Picture(GREY, at)) for at in (1, 2))
    assert first.digest == second.digest
    assert first.digest.removeprefix("sha256:") == hashlib.sha256(first.jpeg).hexdigest()


def test_without_a_database_pictures_are_refused_at_once_and_counted() -> None:
    component = Component("vision", CollectorRegistry())
    store = PictureStore("postgresql://nobody@127.0.0.1:9/none", component)
    store.start()
    assert not any(store.keep(Evidence("cam", 0, b"x")) for _ in range(3))
    store.stop()
    assert component.dropped.labels("store_down")._value.get() == 3
    assert component.balance() == 0
