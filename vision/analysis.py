"""From what a detector saw to what it means: the tracker, the zones and the lines of one camera. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline.core.catalogue import Camera
from pipeline.core.events import DetectionEvent, Edge
from vision.analytics.places import Places, Said
from vision.analytics.zone import Finding
from vision.picture import Picture, Seen
from vision.plane import Plane
from vision.tracker import Tracked, Tracker

_UNSHOWN = frozenset((DetectionEvent.LEAVE, DetectionEvent.CROSS))


class Analysis:
    """One camera since one start. Tracks are named `<generation>-<n>`; a camera may change its picture size."""

    def __init__(self, camera: Camera, generation: int) -> None:
        self._camera = camera
        self._tracker = Tracker(str(generation), camera.threshold)
        self._places: Places | None = None
        self._size = (0, 0)
        self.plane: Plane | None = None
        """The ground, for pictures of the newest size."""

    @property
    def wanted(self) -> bool:
        """Whether anything is watched: a camera without zones and lines shows its stills and states."""
        return bool(self._camera.zones or self._camera.lines)

    def update(self, seen: Iterable[Seen], picture: Picture) -> Analysed:
        """Take in what was seen in a picture, which must be later than the last one."""
        before = self._fit(picture.size)
        tracked = self._tracker.update(seen, picture.at)
        assert self._places is not None
        said = self._places.update(tracked, picture.at)
        return Analysed(tracked, Said(before.findings + said.findings, before.measures + said.measures))

    def end(self) -> Said:
        """No pictures, no tracks: whoever was in a zone left it when last seen."""
        self._tracker.end()
        return self._places.end() if self._places else Said([], [])

    def _fit(self, size: tuple[int, int]) -> Said:
        """Scale zones, lines and the ground to the pictures' size; returns what ended with another one."""
        if size == self._size:
            return Said([], [])
        ended, self._size = self.end(), size
        calibration, drawn = self._camera.calibration, self._camera.frame_size or size
        self.plane = None if calibration is None else Plane.of(calibration, drawn, size)
        self._places = Places(self._camera, size, self.plane)
        return ended


class Analysed(NamedTuple):
    """What one picture gave: its tracks, and what is to be said."""

    tracked: Tracked
    said: Said


def worth_a_picture(found: Finding) -> bool:
    """Whether people will want to see it: what begins, not what ends or is merely counted."""
    return found.edge is not Edge.END and found.event not in _UNSHOWN
