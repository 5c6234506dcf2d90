"""What one camera can show for itself: evidence, the film of its last minute, and whether its view is spoiled.

`look` and `evidence` cost milliseconds and belong on a worker thread; `wants` is for the event loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from datetime import UTC, tzinfo
from typing import TypeVar

from pipeline.core.catalogue import Camera
from vision.evidence import Evidence, View, evidence
from vision.film import Film
from vision.picture import Box, Picture, Seen
from vision.privacy import SMEAR_MS
from vision.tamper import Tamper, TamperWatch
from vision.tracker import Track

T = TypeVar("T")
KEEP_MS = 2500
"""How long it is remembered who was where: a picture of another stream may come late."""
MAIN, SUB = "main", "sub"
"""Names of the streams as they stand in a picture of a camera that has both."""


class Witness:
    """One camera since one start. `film` and `watch` may have begun before it.

    `people`: labels under which its detector shows people; when there are none, everything is blurred always.
    """

    def __init__(
        self,
        camera: Camera,
        film: Film,
        people: Collection[str],
        zone: tzinfo = UTC,
        watch: TamperWatch | None = None,
    ) -> None:
        self._camera, self._film, self._labels = camera.id, film, frozenset(people)
        self._view, self._stream = View.of(camera, zone), SUB if camera.evidence_url else ""
        self._tamper = watch or TamperWatch()
        self._tamper.watch(view_of(camera))
        self._looked: deque[tuple[int, tuple[Box, ...]]] = deque()
        """The newest pictures in which people were looked for, by their times, and where they are."""
        self._followed: deque[tuple[int, tuple[Track, ...]]] = deque()
        self._size: tuple[int, int] | None = None

    def note(self, picture: Picture, seen: Iterable[Seen]) -> None:
        """Remember where people are in a picture; of pictures that are not noted nobody knows."""
        if picture.size != self._size:
            self._looked.clear()
            self._followed.clear()
            self._size = picture.size
        self._looked.append((picture.at, tuple(each.box for each in seen if each.label in self._labels)))
        _forget(self._looked, picture.at)

    def follow(self, picture: Picture, tracks: Iterable[Track]) -> None:
        """Remember what was tracked in a picture."""
        self._followed.append((picture.at, tuple(tracks)))
        _forget(self._followed, picture.at)

    def wants(self, picture: Picture, *, busy: bool) -> bool:
        """Whether `look` has anything to do; `busy`: something is going on in front of the camera."""
        return self._film.due(picture.at, busy=busy) or self._tamper.due(picture.at)

    def look(self, picture: Picture, *, busy: bool) -> Tamper | None:
        """Film the picture and judge the view; returns what is to be said of the view, if anything."""
        if self._film.due(picture.at, busy=busy):
            self._film.take(picture, self._looked[-1][1] if self._is_newest(picture) else None)
        return self._tamper.update(picture.image, picture.at)

    def evidence(self, picture: Picture, tracks: Iterable[Track] = ()) -> Evidence:
        """The picture with zones, boxes and time. Blurred is whoever is seen, tracked, or was seen SMEAR_MS ago."""
        tracks, people = list(tracks), None
        if self._is_newest(picture):
            people = self._people(picture.at)
            people += [track.box for track in tracks if track.label in self._labels]
        return evidence(self._camera, picture, tracks, people=people, view=self._view, stream=self._stream)

    def of_main(self, main: Picture) -> Evidence:
        """A picture of the main stream, with what was tracked at its time; all is blurred where nobody looked then."""
        near = min(self._followed, key=lambda each: abs(each[0] - main.at), default=(main.at, ()))
        tracks, people = list(near[1]), self._people(main.at) if self._labels and self.saw(main.at) else None
        return evidence(self._camera, main, tracks, people=people, view=self._view, stream=MAIN, analysed=self._size)

    def still_of_main(self, main: Picture) -> Evidence:
        """A picture of the main stream of whatever time: all of it is blurred."""
        return evidence(self._camera, main, people=None, view=self._view, stream=MAIN, analysed=self._size)

    def saw(self, at: int) -> bool:
        """Whether people were looked for not long before `at` and not long after: who walked in between is known."""
        times = [when for when, _ in self._looked]
        return any(at - SMEAR_MS <= when <= at for when in times) and any(at <= when <= at + SMEAR_MS for when in times)

    def _people(self, at: int) -> list[Box]:
        """Everybody who was seen, or followed without being seen, SMEAR_MS before or after."""
        found = [box for when, boxes in self._looked if abs(when - at) <= SMEAR_MS for box in boxes]
        followed = [tracks for when, tracks in self._followed if abs(when - at) <= SMEAR_MS]
        return found + [track.box for tracks in followed for track in tracks if track.label in self._labels]

    def _is_newest(self, picture: Picture) -> bool:
        """Whether the picture is the last one in which people were looked for, by a detector that knows them."""
        return bool(self._labels and self._looked) and self._looked[-1][0] == picture.at


def view_of(camera: Camera) -> str | None:
    """What the camera is to show: the address of its stream and its attribute `view`, which changes when it is turned
    on purpose. None: it turns by itself, and says `tamper: false` in its attributes."""
    return f"{camera.url} {camera.attributes.get('view', '')}" if camera.attributes.get("tamper", True) else None


def _forget(kept: deque[tuple[int, T]], now: int) -> None:
    """Let go what is older than KEEP_MS, and all when the clock went back."""
    while not 0 <= now - kept[0][0] <= KEEP_MS:
        kept.popleft()
