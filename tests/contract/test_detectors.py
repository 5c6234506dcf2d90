"""Every row of the detector table keeps the contract."""

from __future__ import annotations

import inspect

import pytest

from pipeline.core.catalogue import DETECTOR_NAMES
from vision.detectors import DETECTORS, Detector


def test_the_core_names_the_detectors_that_there_are() -> None:
    assert sorted(DETECTORS) == list(DETECTOR_NAMES)


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_is_made_from_options_and_detects(name: str) -> None:
    made = DETECTORS[name]
    assert list(inspect.signature(made).parameters) == ["options"]
    detect = made.detect  # type: ignore[attr-defined]
    assert list(inspect.signature(detect).parameters) == list(inspect.signature(Detector.detect).parameters)
