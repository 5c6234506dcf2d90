"""What one camera can show for itself: evidence, the film of its last minute, and whether its view is spoiled.

`look` and `evidence` cost milliseconds and belong on a worker thread; `wants` is for the event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, tzinfo

from pipeline.core.catalogue import Camera
from vision.evidence import Evidence, View, evidence
from vision.film import Film
from vision.picture import Box, Picture, Seen
from vision.privacy import PERSON, SMEAR_MS
from vision.tamper import Tamper, TamperWatch
from vision.tracker import Track


class Witness:
    """One camera since one start. A camera that turns by itself says `tamper: false` in its attributes."""

    def __init__(self, camera: Camera, film: Film, zone: tzinfo = UTC) -> None:
        self._camera, self._film = camera.id, film
        self._view = View.of(camera, zone)
        self._tamper = TamperWatch() if camera.attributes.get("tamper", True) else None
        self._looked: deque[tuple[int, tuple[Box, ...]]] = deque()
        """The newest pictures in which people were looked for, by their times, and where they are."""

    def note(self, picture: Picture, seen: Iterable[Seen]) -> None:
        """Remember where people are in a picture; of pictures that are not noted nobody knows."""
        self._looked.append((picture.at, tuple(each.box for each in seen if each.label == PERSON)))
        while not 0 <= picture.at - self._looked[0][0] <= SMEAR_MS:
            self._looked.popleft()

    def wants(self, picture: Picture, *, busy: bool) -> bool:
        """Whether `look` has anything to do; `busy`: something is going on in front of the camera."""
        return self._film.due(picture.at, busy=busy) or (self._tamper is not None and self._tamper.due(picture.at))

    def look(self, picture: Picture, *, busy: bool) -> Tamper | None:
        """Film the picture and judge the view; returns what is to be said of the view, if anything."""
        if self._film.due(picture.at, busy=busy):
            self._film.take(picture, self._looked[-1][1] if self._is_newest(picture) else None)
        return self._tamper.update(picture.image, picture.at) if self._tamper is not None else None

    def evidence(self, picture: Picture, tracks: Iterable[Track] = ()) -> Evidence:
        """The picture with zones, boxes and time. Blurred is whoever is seen, tracked, or was seen SMEAR_MS ago."""
        tracks, people = list(tracks), None
        if self._is_newest(picture):
            people = [box for _, boxes in self._looked for box in boxes]
            people += [track.box for track in tracks if track.label == PERSON]
        return evidence(self._camera, picture, tracks, people=people, view=self._view)

    def _is_newest(self, picture: Picture) -> bool:
        """Whether the picture is the last one in which people were looked for."""
        return bool(self._looked) and self._looked[-1][0] == picture.at
