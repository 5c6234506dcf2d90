"""Crossings of one line, by direction and class, counted by minutes of event time. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from pipeline.core.catalogue import Line
from pipeline.core.events import DetectionEvent
from vision import bounds
from vision.analytics.panes import Panes
from vision.analytics.zone import VEHICLES, Finding, Measure
from vision.lines import Foot, LineWatch
from vision.plane import Plane
from vision.tracker import Track, Tracked
from vision.zones import scaled

LINE_COUNT, VEHICLE_COUNT, TRAFFIC_FLOW = "line_count", "vehicle_count", "traffic_flow"
CLASS_COUNTS = {
    "person": "person_count",
    "bicycle": "bicycle_count",
    "motorcycle": "motorcycle_count",
    "motorbike": "motorcycle_count",
    "car": "car_count",
    "bus": "bus_count",
    "truck": "truck_count",
}
"""The quantity of every class that is counted by itself."""
_FLOW_LEAST_S = 45.0
"""A flow by the hour is not reckoned from less of a minute."""


class LineCounts:
    """Watches one line as drawn on pictures of `drawn`, on pictures of `real`."""

    def __init__(self, line: Line, drawn: tuple[int, int], real: tuple[int, int], plane: Plane | None = None) -> None:
        self.id, self._line, self._plane = line.id, line, plane
        first, second = scaled(bounds.drawn(line.points, drawn), drawn, real)
        self._watch = LineWatch(*bounds.prolonged(first, second, real))
        self._panes = Panes()
        self._crossed: Counter[tuple[str, str]] = Counter()
        self._known = {label for label in line.labels if label in CLASS_COUNTS or label in VEHICLES}

    def update(self, visible: Sequence[Track], tracked: Tracked, at: int) -> Iterator[Finding]:
        """Take in one picture: tracks that no exclusion zone hides, and all. Yields crossings, and those the wrong way.

        A hidden track is forgotten: what it crosses out of sight is not counted.
        """
        shown = {track.id: track for track in visible if track.id}
        self._watch.forget([track.id for track in (*tracked.live, *tracked.ended) if track.id not in shown])
        feet = [self._foot(track) for track in shown.values() if track.seen and self._counts(track)]
        for crossing in self._watch.update(feet, at):
            track = shown[crossing.id]
            self._crossed[track.label, crossing.direction] += 1
            found = Finding(DetectionEvent.CROSS, track.at, self.id, track, None, crossing.direction, on_line=True)
            yield found
            if self._line.way is not None and crossing.direction != self._line.way:
                yield found._replace(event=DetectionEvent.WRONG_WAY)

    def measure(self, at: int) -> Iterator[Measure]:
        """The counts of every minute that is over."""
        closed = self._panes.close(at)
        if closed is not None:
            yield from self._told(closed.end - 1, closed.seen_s)

    def rest(self, at: int) -> Iterator[Measure]:
        """The counts of the minute that was broken off."""
        closed = self._panes.rest(at)
        if closed is not None:
            yield from self._told(at, closed.seen_s)

    def _counts(self, track: Track) -> bool:
        return not self._line.labels or track.label in self._line.labels

    def _foot(self, track: Track) -> Foot:
        foot = track.box.foot
        expected = None if self._plane is None else self._plane.expected_height([foot])
        height = track.box.height if expected is None else float(expected[0])
        return Foot(track.id, foot, height if math.isfinite(height) else track.box.height)

    def _told(self, at: int, seen_s: float) -> Iterator[Measure]:
        crossed, self._crossed = self._crossed, Counter()
        self._known |= {label for label, _ in crossed}
        yield self._measure(LINE_COUNT, crossed.total(), at)
        for side in ("right", "left"):
            yield self._measure(
                f"{LINE_COUNT}_{side}", sum(n for (_, where), n in crossed.items() if where == side), at
            )
        for quantity in sorted({CLASS_COUNTS[label] for label in self._known if label in CLASS_COUNTS}):
            of_class = (n for (label, _), n in crossed.items() if CLASS_COUNTS.get(label) == quantity)
            yield self._measure(quantity, sum(of_class), at)
        if self._known & VEHICLES:
            vehicles = sum(n for (label, _), n in crossed.items() if label in VEHICLES)
            yield self._measure(VEHICLE_COUNT, vehicles, at)
            if seen_s >= _FLOW_LEAST_S:
                yield self._measure(TRAFFIC_FLOW, round(vehicles * 3600 / seen_s, 1), at)

    def _measure(self, quantity: str, value: float, at: int) -> Measure:
        return Measure(self.id, quantity, value, at)
