"""Things that stand with nobody near."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from pipeline.core.events import DetectionEvent
from vision.analytics.lasting import Lasting
from vision.analytics.motion import Reach, Standing, is_far, shift
from vision.analytics.vanished import STOOD_MS, Vanished
from vision.analytics.zone import THINGS, Finding, Setting, ZoneAnalytic
from vision.tracker import Track
from vision.zones import Moment, Stay

NEAR = Reach(3.0, 0.0, 1.5)
ATTENDS_MS = 2000
"""Who is where they were so long ago stays; who walks by has gone on by 2.6 m at 1.3 m/s."""


class _Visitor:
    """One person near a thing: stays from when ATTENDS_MS brought them no farther than STILL, and passes by else."""

    def __init__(self) -> None:
        self._way: deque[tuple[int, Track]] = deque()
        self._stays = False

    def stays(self, person: Track, at: int) -> bool:
        """Take in where the person is at `at`; whether they stay."""
        if not self._stays:
            self._way.append((at, person))
            while len(self._way) > 1 and self._way[1][0] <= at - ATTENDS_MS:
                self._way.popleft()
            since, before = self._way[0]
            self._stays = at - since >= ATTENDS_MS and not is_far(before, person)
        return self._stays


class _Thing:
    """One thing, and whether somebody stays near it."""

    def __init__(self, track: Track) -> None:
        self.standing = Standing(track)
        self._near: dict[str, _Visitor] = {}
        self._alone_since = track.at

    def update(self, track: Track, people: Iterable[Track]) -> None:
        near = {person.id: person for person in people if _is_near(track, person)}
        self._near = {id_: self._near.get(id_) or _Visitor() for id_ in near}
        staying = [visitor.stays(near[id_], track.at) for id_, visitor in self._near.items()]
        if any(staying):
            self._alone_since = track.at

    @property
    def since(self) -> int:
        """Since when it stands and nobody attends to it."""
        return max(self.standing.since, self._alone_since)


class Abandoned(ZoneAnalytic):
    """Begins `abandoned_s` after a thing was left standing, ends when it is moved, gone, or somebody stays with it.

    One that is hidden where it stands, and found there again as another track, has not moved."""

    def __init__(self, place: str, abandoned_s: float) -> None:
        self._abandoned_ms = round(abandoned_s * 1000)
        self._lasting = Lasting(DetectionEvent.ABANDONED, place)
        self._things: dict[str, _Thing] = {}
        self._vanished: Vanished[_Thing] = Vanished()

    def update(self, moment: Moment, everybody: Sequence[Track]) -> Iterable[Finding]:
        """Begins and ends."""
        for stay in moment.left:
            yield from self._leave(stay)
        people = [track for track in everybody if track.label == "person"]
        for stay in moment.present:
            if stay.track.label in THINGS:
                if stay.track.id not in self._things:
                    self._things[stay.track.id] = self._known(stay)
                thing = self._things[stay.track.id]
                thing.update(stay.track._replace(at=moment.at), people)
                yield from self._follow(stay.track, thing)
        for gone in self._vanished.over(moment.at) if moment.open else self._vanished.all():
            yield from self._lasting.end(gone.track, gone.track.at)

    def _leave(self, stay: Stay) -> Iterator[Finding]:
        thing, at = self._things.pop(stay.track.id, None), stay.left_at or stay.track.at
        if thing is not None and at - thing.standing.since >= STOOD_MS:
            self._vanished.keep(stay.track, thing)
        else:
            yield from self._lasting.end(stay.track, at)

    def _known(self, stay: Stay) -> _Thing:
        gone = self._vanished.claim(stay.first)
        if gone is None:
            return _Thing(stay.first)
        self._lasting.rename(gone.track, stay.track)
        return gone.known

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
