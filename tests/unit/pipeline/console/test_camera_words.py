"""What cameras say has words in both languages, on the console and in headlines."""

from __future__ import annotations

import pytest

from pipeline.console.messages import MESSAGES
from pipeline.core.events import CameraState, DetectionEvent, TamperKind
from rules.alerts.texts import _STATES


@pytest.mark.parametrize("word", [*CameraState, *TamperKind])
def test_every_state_and_every_way_to_spoil_a_view_has_words(word: str) -> None:
    message, text = MESSAGES[f"value.{word}"], _STATES[word]
    assert (message["vi"], message["en"]) == (text.vi, text.en)
    assert message["vi"] != message["en"]


@pytest.mark.parametrize("event", DetectionEvent)
def test_every_event_of_a_camera_has_words(event: DetectionEvent) -> None:
    assert set(MESSAGES[f"seen.{event}"]) == {"vi", "en"}
