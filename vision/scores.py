"""How well pictures were read, against truth. Pure; everything unmatched is counted as wrong.

Matching: an overlap of HIT, each box used once. MOTA and switches: CLEAR MOT (Bernardin and Stiefelhagen, EURASIP
Journal on Image and Video Processing, 2008). IDF1: Ristani and others, Performance Measures and a Data Set for
Multi-Target, Multi-Camera Tracking, 2016. People marked to be ignored are no truth; who is found there is false.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vision.assignment import assign
from vision.picture import Box, overlap
from vision.tracker import Track
from vision.truth import HIT, True_, Truth, matched

Tracks = Mapping[int, Sequence[Track]]
"""Tracks by frame."""


class Found(NamedTuple):
    """Detections against truth."""

    f1: float
    precision: float
    recall: float


class Followed(NamedTuple):
    """Tracks against truth."""

    mota: float
    idf1: float
    id_switches: int


class Event(NamedTuple):
    """Somebody crossed a line in a direction."""

    line: str
    direction: str
    at: int


def detection_score(found: Mapping[int, Sequence[Box]], truth: Truth, frames: Iterable[int]) -> Found:
    """Precision, recall and their harmonic mean over frames."""
    right = seen = true = 0
    for frame in frames:
        boxes, wanted = found.get(frame, ()), [each.box for each in counted(truth, frame)]
        right += len(matched(boxes, wanted))
        seen, true = seen + len(boxes), true + len(wanted)
    return Found(_ratio(2 * right, seen + true), _ratio(right, seen), _ratio(right, true))


def tracking_score(tracks: Tracks, truth: Truth, frames: Sequence[int]) -> Followed:
    """MOTA, IDF1 and identity switches over frames in order."""
    wrong = switches = true = 0
    last: dict[str, str] = {}
    for frame in frames:
        people, found = counted(truth, frame), tracks.get(frame, ())
        pairs = _continued(found, people, last)
        wrong += len(people) + len(found) - 2 * len(pairs)
        true += len(people)
        for n, m in pairs:
            person = people[m].person
            switches += last.get(person, found[n].id) != found[n].id
            last[person] = found[n].id
    return Followed(1 - _ratio(wrong + switches, true), _idf1(tracks, truth, frames), switches)


def counted(truth: Truth, frame: int) -> list[True_]:
    """The people of a frame that are not to be ignored."""
    return [each for each in truth.get(frame, ()) if each.counts]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _continued(found: Sequence[Track], people: Sequence[True_], last: Mapping[str, str]) -> list[tuple[int, int]]:
    """Pairs (track, person): those that go on first, then the best of the others."""
    ids = {track.id: n for n, track in enumerate(found)}
    pairs = []
    for m, person in enumerate(people):
        n = ids.get(last.get(person.person, ""))
        if n is not None and overlap(found[n].box, person.box) >= HIT:
            pairs.append((n, m))
    kept = dict(reversed(pairs))
    others = [n for n in range(len(found)) if n not in kept]
    left = [m for m in range(len(people)) if m not in kept.values()]
    more = matched([found[n].box for n in others], [people[m].box for m in left])
    return [*kept.items(), *((others[n], left[m]) for n, m in more)]


def _idf1(tracks: Tracks, truth: Truth, frames: Iterable[int]) -> float:
    """Frames in which a person has the one track given to it, over all: tracks are given for the most such frames."""
    shared: Counter[tuple[str, str]] = Counter()
    lives: Counter[str] = Counter()
    true: Counter[str] = Counter()
    for frame in frames:
        people, found = counted(truth, frame), tracks.get(frame, ())
        lives.update(track.id for track in found)
        true.update(person.person for person in people)
        shared.update((t.id, p.person) for t in found for p in people if overlap(t.box, p.box) >= HIT)
    ids, persons = list(lives), list(true)
    gains = np.array([[shared[id_, person] for person in persons] for id_ in ids]).reshape(len(ids), len(persons))
    right = sum(gains[pair] for pair in assign(-gains.astype(float)))
    return _ratio(2 * float(right), lives.total() + true.total())


def who_is_who(tracks: Sequence[Track], people: Sequence[True_]) -> dict[str, str]:
    """Person to track id in one frame, by boxes."""
    pairs = matched([track.box for track in tracks], [person.box for person in people])
    return {people[m].person: tracks[n].id for n, m in pairs}


def unmatched_events(found: Sequence[Event], true: Sequence[Event], within_ms: int) -> int:
    """How many events have no partner of the same line and direction within a time: missed and false together."""
    wrong = 0
    for kind in {(each.line, each.direction) for each in (*found, *true)}:
        ours = sorted(each.at for each in found if each[:2] == kind)
        theirs = sorted(each.at for each in true if each[:2] == kind)
        wrong += len(ours) + len(theirs) - 2 * _partners(ours, theirs, within_ms)
    return wrong


def _partners(ours: Sequence[int], theirs: Sequence[int], within_ms: int) -> int:
    """The most pairs of two rising lists of times that lie close enough together."""
    pairs = n = m = 0
    while n < len(ours) and m < len(theirs):
        if abs(ours[n] - theirs[m]) <= within_ms:
            pairs, n, m = pairs + 1, n + 1, m + 1
        elif ours[n] < theirs[m]:
            n += 1
        else:
            m += 1
    return pairs
