"""What one camera can show for itself: evidence, the film of its last minute, and whether its view is spoiled.

`look` and `evidence` cost milliseconds and belong on a worker thread; `wants` is for the event loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo

from pipeline.core.catalogue import Camera
from vision.evidence import Evidence, View, evidence
from vision.film import Film
from vision.picture import Box, Picture, Seen
from vision.privacy import PERSON
from vision.tamper import Tamper, TamperWatch
from vision.tracker import Track


class Witness:
    """One camera since one start. A camera that turns by itself says `tamper: false` in its attributes."""

    def __init__(self, camera: Camera, film: Film, zone: tzinfo = UTC) -> None:
        self._camera, self._film = camera.id, film
        self._view = View.of(camera, zone)
        self._tamper = TamperWatch() if camera.attributes.get("tamper", True) else None
        self._looked: tuple[int, tuple[Box, ...]] = (-1, ())
        """The newest picture in which people were looked for, by its time, and where they are."""

    def note(self, picture: Picture, seen: Iterable[Seen]) -> None:
        """Remember where people are in a picture; of pictures that are not noted nobody knows."""
        self._looked = (picture.at, tuple(each.box for each in seen if each.label == PERSON))

    def wants(self, picture: Picture, *, busy: bool) -> bool:
        """Whether `look` has anything to do; `busy`: something is going on in front of the camera."""
        return self._film.due(picture.at, busy=busy) or (self._tamper is not None and self._tamper.due(picture.at))

    def look(self, picture: Picture, *, busy: bool) -> Tamper | None:
        """Film the picture and judge the view; returns what is to be said of the view, if anything."""
        if self._film.due(picture.at, busy=busy):
            self._film.take(picture, self._people(picture))
        return self._tamper.update(picture.image, picture.at) if self._tamper is not None else None

    def evidence(self, picture: Picture, tracks: Iterable[Track] = ()) -> Evidence:
        """The picture with zones, boxes and time. Whoever is tracked without being seen just now is blurred too."""
        tracks, people = list(tracks), self._people(picture)
        if people is not None:
            people = (*people, *(track.box for track in tracks if track.label == PERSON))
        return evidence(self._camera, picture, tracks, people=people, view=self._view)

    def _people(self, picture: Picture) -> tuple[Box, ...] | None:
        at, people = self._looked
        return people if at == picture.at else None
