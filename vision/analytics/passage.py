"""Who entered and who left a zone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.zone import Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment


class Passage(ZoneAnalytic):
    """Enter and leave, at the times when the border was crossed."""

    def __init__(self, place: str) -> None:
        self._place = place

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """One finding for each that entered or left."""
        for stay in moment.entered:
            yield Finding(DetectionEvent.ENTER, stay.entered_at, self._place, stay.track)
        for stay in moment.left:
            yield Finding(DetectionEvent.LEAVE, stay.left_at or stay.track.at, self._place, stay.track)


def passage(setting: Setting) -> Passage:
    """For every zone."""
    return Passage(setting.zone.id)
