"""What cameras say has words in both languages, on the console and in headlines."""

from __future__ import annotations

import pytest

from pipeline.console.messages import MESSAGES
from pipeline.core.events import CameraState, DetectionEvent, TamperKind
from vision.analytics.zone import HAZARDS, THINGS, VEHICLES


@pytest.mark.parametrize("word", [*CameraState, *TamperKind, "person", *sorted(VEHICLES | THINGS | HAZARDS)])
def test_states_ways_to_spoil_a_view_and_labels_have_words(word: str) -> None:
    message = MESSAGES[f"value.{word}"]
    assert set(message) == {"vi", "en"}
    assert message["vi"] != message["en"]


@pytest.mark.parametrize("event", DetectionEvent)
def test_every_event_of_a_camera_has_words(event: DetectionEvent) -> None:
    assert set(MESSAGES[f"seen.{event}"]) == {"vi", "en"}
