"""`geofence`: devices and tracks that enter, leave or stay in a polygon."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from pipeline.core.catalogue import Kind
from pipeline.core.conditions import EndReason, Severity
from pipeline.core.errors import BadInput
from pipeline.core.events import Position, Reading
from pipeline.core.places import check_position, inside
from rules.engine.catalogue import Catalogue
from rules.engine.comparison import bind_one, never
from rules.engine.duration import show_duration
from rules.engine.fields import Fields
from rules.engine.fold import Fold
from rules.engine.predicates import read_severity
from rules.engine.series import SeriesState, SeriesWatch
from rules.engine.settings import Rule
from rules.engine.watch import Entity, Watch

EVENTS = ("enter", "leave", "dwell")
MAX_CORNERS = 10_000
Polygon = tuple[Position, ...]


class GeofenceSettings(msgspec.Struct, frozen=True):
    """A polygon, or the area that has it; `dwell` in ms; `confirm` positions in a row make a change."""

    polygon: Polygon
    area: str
    event: str
    dwell: int
    confirm: int
    severity: Severity


class FenceState(SeriesState, frozen=True, array_like=True):
    """`side`: confirmed inside or outside, None before. `run` positions since `since` are on `last_side` instead."""

    side: bool | None = None
    was_inside: bool = False
    run: int = 0
    since: int = 0
    last_side: bool = False


def polygon_of(settings: GeofenceSettings, catalogue: Catalogue) -> Polygon:
    """The rule's polygon, or that of its area; empty while the catalogue has none."""
    area = catalogue.documents[Kind.AREA].get(settings.area)
    return settings.polygon or (() if area is None else area.polygon)


class FenceWatch(SeriesWatch):
    """One device, one series of it, or one track of a camera. A position that confirms nothing yet changes nothing."""

    def __init__(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> None:
        self.settings: GeofenceSettings = rule.own
        self.polygon = polygon_of(self.settings, catalogue)
        self.is_track = rule.scope.detections is not None
        shown: dict[str, Any] = {"geofence": self.settings.event, "area": self.settings.area or "polygon"}
        if self.settings.dwell:
            shown["dwell"] = show_duration(self.settings.dwell)
        bound = bind_one(rule, self.settings.severity, never, shown, catalogue.attributes(entity.device))
        if self.settings.event == "dwell":
            bound = replace(bound, hold_ms=self.settings.dwell)
        super().__init__(rule, entity, catalogue, bound)

    def read(self, fold: Fold, reading: Reading, line: int) -> None:
        """Apply one position; several readings of one moment carry the same one."""
        if reading.point is None or not self.polygon:
            return
        state = fold.state(self.key)
        if state is None or reading.at != state.at:
            super().read(fold, reading, line)

    def take(self, fold: Fold, state: FenceState | None, reading: Reading, line: int) -> FenceState:
        """Compare one position with the side that is confirmed."""
        assert reading.point is not None
        side = inside(reading.point, self.polygon)
        old = FenceState(reading.at) if state is None else state
        new = replace(old, at=reading.at, seq=reading.seq)
        if side == old.side:
            return self._judged(fold, replace(new, run=0), reading, line)
        again = old.run > 0 and side == old.last_side
        new = replace(new, run=old.run + 1 if again else 1, since=old.since if again else reading.at, last_side=side)
        if new.run < self.settings.confirm:
            return new
        new = replace(new, side=side, was_inside=old.was_inside or side, run=0)
        new = self._judged(fold, new, msgspec.structs.replace(reading, at=new.since), line)
        return self._judged(fold, new, reading, line)

    def _judged(self, fold: Fold, state: FenceState, reading: Reading, line: int) -> FenceState:
        holds = bool(state.side)
        if self.settings.event == "leave":
            holds = not holds and state.was_inside
        return replace(state, life=self.judge(fold, state.life, reading, line, None, truths=[holds]))

    def due(self, state: FenceState) -> int | None:
        """What the condition waits for; or the time at which a silent track is gone."""
        due = super().due(state)
        return min(due or 2**62, state.at + self.stale_ms) if self.is_track else due

    def tick(self, fold: Fold, due: int) -> None:
        """Let the condition's deadline pass, or forget the track."""
        state: FenceState = fold.state(self.key)
        if self.is_track and state.at + self.stale_ms <= due:
            self.retire(fold, due, EndReason.OUT_OF_SCOPE)
        else:
            super().tick(fold, due)


class Geofence:
    """The kind."""

    needs_raise = False
    needs_quantity = False
    starts = False
    single = True
    states = (FenceState,)

    def read(self, fields: Fields) -> GeofenceSettings:
        """`polygon` or `area`, `event`, `dwell`, `confirm`, `severity`."""
        fields.require("event")
        polygon, area = _polygon(fields), fields.text("area")
        if ("polygon" in fields) == ("area" in fields):
            fields.wrong("polygon", "either polygon or area", "both or neither", vi="một trong hai: polygon hoặc area")
        event, dwell = fields.choice("event", EVENTS, "enter"), fields.duration("dwell", 0)
        if (event == "dwell") != (dwell > 0):
            fields.wrong(
                "dwell",
                "a duration above 0 with event: dwell, and none without",
                vi="khoảng thời gian lớn hơn 0 khi event: dwell, còn không thì bỏ trống",
            )
        if event == "dwell" and "for" in fields:
            fields.wrong("for", "no for beside dwell", vi="bỏ for khi đã có dwell")
        return GeofenceSettings(
            polygon, area, event, dwell, fields.count("confirm", 2, high=100), read_severity(fields)
        )

    def watch(self, rule: Rule, entity: Entity, catalogue: Catalogue) -> Watch:
        """One device, series or track under one rule."""
        return FenceWatch(rule, entity, catalogue)


def _polygon(fields: Fields) -> Polygon:
    corners = fields.raw("polygon")
    if corners is None:
        return ()
    try:
        found = tuple(check_position("polygon", corner) for corner in corners)
    except (BadInput, TypeError):
        found = ()
    if not 3 <= len(found) <= MAX_CORNERS:
        fields.wrong(
            "polygon",
            f"3 to {MAX_CORNERS} positions, [longitude -180..180, latitude -90..90]",
            "this list",
            vi=f"từ 3 đến {MAX_CORNERS} điểm, [kinh độ -180..180, vĩ độ -90..90]",
        )
    return found


KIND = Geofence()
