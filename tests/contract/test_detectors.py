"""Every row of the detector table keeps the contract."""

from __future__ import annotations

import inspect

import pytest

from vision.detectors import DETECTORS, Detector


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_is_made_from_options_and_detects(name: str) -> None:
    made = DETECTORS[name]
    assert list(inspect.signature(made).parameters) == ["options"]
    detect = made.detect  # type: ignore[attr-defined]
    assert list(inspect.signature(detect).parameters) == list(inspect.signature(Detector.detect).parameters)
