"""Things that stand with nobody near."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.motion import Reach, Standing, shift
from vision.analytics.zone import THINGS, Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment

NEAR = Reach(3.0, 0.0, 1.5)
ATTENDS_MS = 2000
"""Who only passes by attends to nothing."""


class _Thing:
    """One thing, and whether somebody stays near it."""

    def __init__(self, track: Track) -> None:
        self.standing = Standing(track)
        self._near: dict[str, int] = {}
        self._alone_since = track.at

    def update(self, track: Track, people: Iterable[Track]) -> None:
        near = {person.id for person in people if _is_near(track, person)}
        self._near = {id_: self._near.get(id_, track.at) for id_ in near}
        if any(track.at - since >= ATTENDS_MS for since in self._near.values()):
            self._alone_since = track.at

    @property
    def since(self) -> int:
        """Since when it stands and nobody attends to it."""
        return max(self.standing.since, self._alone_since)


class Abandoned(ZoneAnalytic):
    """Begins `abandoned_s` after a thing was left standing, ends when it is moved, gone, or somebody stays with it."""

    def __init__(self, place: str, abandoned_s: float) -> None:
        self._abandoned_ms = round(abandoned_s * 1000)
        self._lasting = Lasting(DetectionEvent.ABANDONED, place)
        self._things: dict[str, _Thing] = {}

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins and ends."""
        for stay in moment.left:
            self._things.pop(stay.track.id, None)
            yield from self._lasting.end(stay.track, stay.left_at or stay.track.at)
        people = [track for track in everybody if track.label == "person"]
        for stay in moment.present:
            if stay.track.label in THINGS:
                thing = self._things.setdefault(stay.track.id, _Thing(stay.first))
                thing.update(stay.track._replace(at=moment.at), people)
                yield from self._follow(stay.track, thing)

    def _follow(self, track: Track, thing: _Thing) -> Iterable[Finding]:
        moved_at = thing.standing.update(track)
        due = thing.since + self._abandoned_ms
        if track.id not in self._lasting:
            if due <= track.at:
                yield self._lasting.begin(track, due)
        elif moved_at is not None or due > track.at:
            yield from self._lasting.end(track, thing.since if moved_at is None else moved_at)


def _is_near(thing: Track, person: Track) -> bool:
    by = shift(thing, person)
    return not NEAR.beyond(by.length, by, person)


def abandoned(setting: Setting) -> Abandoned | None:
    """For zones that say when a thing is abandoned, and name things among their labels."""
    seconds = setting.zone.abandoned_s
    return (
        None if seconds is None or not THINGS.intersection(setting.zone.labels) else Abandoned(setting.zone.id, seconds)
    )
