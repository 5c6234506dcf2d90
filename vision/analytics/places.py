"""All zones and lines of one camera at work: one picture's tracks to findings and measures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipeline.core.catalogue import Camera
from pipeline.core.events import DetectionEvent
from vision.analytics import ZONE_ANALYTICS
from vision.analytics.counts import LineCounts
from vision.analytics.returning import Returning
from vision.analytics.zone import Finding, Measure, Setting, ZoneAnalytic
from vision.plane import Plane
from vision.tracker import Track, Tracked
from vision.zones import Polygon, ZoneWatch, visible

LIVE = frozenset(("occupancy", "crowd", "coverage", "queue", "running"))
"""Analytics that do not wait until tracks are settled: those of how many and how fast now, held for seconds anyway."""
FINAL = frozenset(ZONE_ANALYTICS) - LIVE
PICTURED = frozenset(("passage", "dwell", "stopped", "wrong_way", "abandoned"))
"""Final ones whose begins people will want to see."""
TELL_EVERY_MS = 1000


class Said(NamedTuple):
    """What one picture gave."""

    findings: list[Finding]
    measures: list[Measure]


class Places:
    """The zones of a camera with the analytics of the given names, and its lines if `lines`, for pictures of `size`.

    `update` wants every picture's tracks, in order of time; `plane` is the ground, if the camera is calibrated.
    """

    def __init__(
        self,
        camera: Camera,
        size: tuple[int, int],
        plane: Plane | None = None,
        names: Iterable[str] = ZONE_ANALYTICS,
        *,
        lines: bool = True,
    ) -> None:
        drawn, ground = camera.frame_size or size, plane if plane is not None and plane.grounded else None
        hiding = [zone for zone in camera.zones if zone.kind == "exclusion"]
        self._exclusions = [Polygon(zone, drawn, size) for zone in hiding]
        settings = [Setting(zone, drawn, size, ground, hiding) for zone in camera.zones if zone.kind == "inclusion"]
        self._zones = [_ZoneAtWork(setting, sorted(names)) for setting in settings]
        self._lines = [LineCounts(line, drawn, size, plane) for line in camera.lines] if lines else []
        self._told, self._last = -1, 0
        self._dated: dict[tuple[DetectionEvent, str], int] = {}

    def update(self, tracked: Tracked, at: int) -> Said:
        """Take in the tracks of the picture of `at`."""
        due, before = at // TELL_EVERY_MS > self._told // TELL_EVERY_MS, self._told
        self._told, self._last = at if due else before, at
        # a minute's count is told before a crossing of the next one is counted
        measures = [measure for line in self._lines for measure in line.measure(at)] if due else []
        shown, hidden = visible(tracked.live, self._exclusions), visible(tracked.hidden, self._exclusions)
        findings: list[Finding] = []
        for zone in self._zones:
            findings += zone.update(Tracked(shown, tracked.ended, hidden), tracked.live, at)
        for line in self._lines:
            findings += line.update(shown, tracked, at)
        if due:
            measures += [measure for zone in self._zones for measure in zone.measure(at, before)]
        return Said(self._in_order(findings), measures)

    def end(self) -> Said:
        """No more pictures come: everybody left when last seen, and what was counted is told. Begins anew after."""
        findings = [finding for zone in self._zones for finding in zone.end(self._last)]
        rest = [measure for zone in self._zones for measure in zone.rest(self._last)]
        rest += [measure for line in self._lines for measure in line.rest(self._last)]
        return Said(self._in_order(findings), rest)

    def _in_order(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings by their time; of one event at one place each later than all that were told before it.

        Rules pass over what is not newer than the newest: the second of two who enter together is a millisecond late.
        """
        ordered = []
        for found in sorted(findings, key=lambda one: one.at):
            name = (found.event, found.place)
            self._dated[name] = max(found.at, self._dated.get(name, -1) + 1)
            ordered.append(found._replace(at=self._dated[name]))
        return ordered


class _ZoneAtWork:
    """One zone: its watch, and the analytics that it asks for."""

    def __init__(self, setting: Setting, names: Sequence[str]) -> None:
        self._watch = ZoneWatch(setting.zone, setting.drawn, setting.real)
        # how many there are now is nothing that could go on
        self._returning = Returning(setting.zone, self._watch.polygon) if FINAL.intersection(names) else None
        made = (ZONE_ANALYTICS[name](setting) for name in names)
        self._analytics: list[ZoneAnalytic] = [analytic for analytic in made if analytic is not None]
        self._open = True

    def update(self, tracked: Tracked, everybody: Sequence[Track], at: int) -> list[Finding]:
        tracked = tracked if self._returning is None else self._returning.update(tracked, at)
        moment = self._watch.update(tracked, at)
        self._open = moment.open
        return [finding for analytic in self._analytics for finding in analytic.update(moment, everybody)]

    def end(self, at: int) -> list[Finding]:
        if self._returning is not None:
            self._returning.end()
        moment = self._watch.end(at)
        return [finding for analytic in self._analytics for finding in analytic.update(moment, ())]

    def measure(self, at: int, before: int) -> list[Measure]:
        """What is to be told at `at`, when it was told last at `before`."""
        if not self._open:
            return self.rest(at)
        due = [each for each in self._analytics if at // each.every_ms > before // each.every_ms]
        return [measure for analytic in due for measure in analytic.measure(at)]

    def rest(self, at: int) -> list[Measure]:
        return [measure for analytic in self._analytics for measure in analytic.rest(at)]
