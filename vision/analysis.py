"""From what a detector saw to what it means: the tracker, the zones and the lines of one camera. Pure; times in ms.

How many there are is told at once. What happened, and what is counted, is told when it is settled, up to 3 s later:
then a track that was hidden is found again, and one that was none is gone. Pictures are taken when it seems to happen.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.core.catalogue import Camera
from pipeline.core.events import DetectionEvent, Edge, Speed
from vision.analytics.places import FINAL, LIVE, PICTURED, Places, Said
from vision.analytics.zone import HAZARDS, Finding
from vision.following import tracker
from vision.hazards import Hazards
from vision.naming import as_named
from vision.picture import Picture, Seen
from vision.plane import Plane
from vision.settling import Settled, Settling
from vision.tracker import Tracked

_UNSHOWN = frozenset((DetectionEvent.LEAVE, DetectionEvent.CROSS))
_MOST_PICTURES = 256
"""How many pictures of what only seems to happen are remembered at most; older ones are forgotten."""


class Analysed(NamedTuple):
    """What one picture gave: its tracks, what is to be said, and whether something that people will want to see
    seems to begin in it."""

    tracked: Tracked
    said: Said
    begins: list[Finding]


class _Sight:
    """Tracker and places for pictures of one size."""

    def __init__(self, camera: Camera, prefix: str, size: tuple[int, int]) -> None:
        calibration, drawn = camera.calibration, camera.frame_size or size
        self.plane = None if calibration is None else Plane.of(calibration, drawn, size)
        self.tracker = tracker(camera, prefix, self.plane)
        self.settling = Settling(self.plane)
        self.hazards = Hazards(camera, size)
        self.live = Places(camera, size, self.plane, LIVE, lines=False)
        self.seeming = Places(camera, size, self.plane, PICTURED)
        self.final = Places(camera, size, self.plane, FINAL)

    def settle(self, settled: Iterable[Settled]) -> list[Said]:
        return [self.final.update(each.tracked, each.at) for each in settled]

    def end(self) -> Said:
        self.tracker.end()
        self.seeming.end()
        return _together([*self.settle(self.settling.end()), self.final.end(), self.live.end()])


class Analysis:
    """One camera since one start. Tracks are named `<generation>-<n>`; a camera may change its picture size."""

    def __init__(self, camera: Camera, generation: int) -> None:
        self._camera, self._generation = as_named(camera), generation
        self._sight: _Sight | None = None
        self._size, self._sizes = (0, 0), 0
        self._pictures: OrderedDict[tuple[str, ...], str] = OrderedDict()

    @property
    def wanted(self) -> bool:
        """Whether anything is watched: a camera without zones and lines shows its stills and states."""
        return bool(self._camera.zones or self._camera.lines)

    @property
    def plane(self) -> Plane | None:
        """The ground, for pictures of the newest size."""
        return None if self._sight is None else self._sight.plane

    def update(self, seen: Iterable[Seen], picture: Picture) -> Analysed:
        """Take in what was seen in a picture, which must be later than the last one."""
        before, sight = self._fit(picture.size)
        everything = list(seen)
        hazards = Said(sight.hazards.update(everything, picture.at), [])
        tracked = sight.tracker.update([each for each in everything if each.label not in HAZARDS], picture.at)
        settled = sight.settle(sight.settling.update(tracked, picture.at))
        live, seeming = sight.live.update(tracked, picture.at), sight.seeming.update(tracked, picture.at)
        now = (*hazards.findings, *live.findings, *seeming.findings)
        begins = [found for found in now if worth_a_picture(found)]
        shown = [found.track for found in hazards.findings if found.track is not None]
        tracked = tracked._replace(live=[*tracked.live, *shown])
        return Analysed(tracked, _together([before, hazards, live, *settled]), begins)

    def end(self) -> Said:
        """No pictures, no tracks: whoever was in a zone left it when last seen."""
        return Said([], []) if self._sight is None else self._sight.end()

    def pictured(self, begins: Iterable[Finding], digest: str) -> None:
        """Remember the picture of what seems to begin, for when it is settled."""
        for found in begins:
            self._pictures[_name(found)] = digest
        while len(self._pictures) > _MOST_PICTURES:
            self._pictures.popitem(last=False)

    def awaits(self, digest: str) -> bool:
        """Whether something that is not told yet has this picture."""
        return digest != "" and digest in self._pictures.values()

    def repictured(self, before: str, digest: str) -> None:
        """A better picture than the one remembered as `before` was made."""
        self._pictures.update({name: digest for name, kept in self._pictures.items() if kept == before})

    def picture_of(self, found: Finding) -> str:
        """The digest of a finding's picture, once; empty when there is none."""
        return self._pictures.pop(_name(found), "") if worth_a_picture(found) else ""

    def speed_of(self, found: Finding) -> Speed | None:
        """How fast a finding's track was; None when that is not well known."""
        return None if self._sight is None or found.track is None else self._sight.settling.speed(found.track)

    def _fit(self, size: tuple[int, int]) -> tuple[Said, _Sight]:
        """What ended with pictures of another size, and what looks at those of this one."""
        if self._sight is not None and size == self._size:
            return Said([], []), self._sight
        ended, self._size, self._sizes = self.end(), size, self._sizes + 1
        prefix = str(self._generation) if self._sizes == 1 else f"{self._generation}.{self._sizes}"
        self._sight = _Sight(self._camera, prefix, size)
        return ended, self._sight


def worth_a_picture(found: Finding) -> bool:
    """Whether people will want to see it: what begins, not what ends or is merely counted."""
    return found.edge is not Edge.END and found.event not in _UNSHOWN


def _name(found: Finding) -> tuple[str, ...]:
    track = found.track
    return found.event, found.place, "" if track is None else track.id or track.label


def _together(said: Iterable[Said]) -> Said:
    all_said = list(said)
    return Said(
        [found for each in all_said for found in each.findings],
        [measure for each in all_said for measure in each.measures],
    )
