"""What the rules know of the world: areas, sites, types, devices, cameras and rules, as of one catalogue offset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from pipeline.core.catalogue import (
    Area,
    Calendar,
    Camera,
    DatedValue,
    Device,
    DeviceType,
    Document,
    Group,
    Kind,
    RuleDocument,
    Site,
)
from pipeline.core.days import Days, days_of
from pipeline.core.events import Position
from pipeline.core.machine import CatalogueChange
from pipeline.core.schedule import Schedule
from rules.engine.settings import DEFAULT_LATENESS_MS, DEFAULT_STALE_MS, Rule, Scope

_KEPT = (Kind.AREA, Kind.SITE, Kind.TYPE, Kind.DEVICE, Kind.CAMERA, Kind.GROUP, Kind.CALENDAR, Kind.RULE)
_MAX_AREA_DEPTH = 32
STALE_PERIODS = 3


class Catalogue:
    """An immutable view; `with_changes` gives the next one, so that a fold can be thrown away.

    `as_of`: the time (L, ms) whose areas count; None before any time has passed.
    """

    def __init__(self, as_of: int | None = None) -> None:
        self.as_of = as_of
        self._next_change: int | None = None
        self.documents: dict[Kind, dict[str, Any]] = {kind: {} for kind in _KEPT}
        self._by_type: dict[str, dict[str, Device]] | None = None

    def with_changes(self, changes: Iterable[CatalogueChange], as_of: int | None = None) -> Catalogue:
        """The view after `changes`; documents of kinds that rules do not use are passed over."""
        new = Catalogue(self.as_of if as_of is None else as_of)
        new.documents = dict(self.documents)
        copied: set[Kind] = set()
        for change in changes:
            if change.kind in new.documents:
                if change.kind not in copied:
                    new.documents[change.kind] = dict(new.documents[change.kind])
                    copied.add(change.kind)
                _put(new.documents[change.kind], change)
        return new

    def expires(self, at: int) -> bool:
        """Whether an area has begun or ended by `at`, since `as_of`."""
        if self._next_change is None:
            areas: Iterable[Area] = self.documents[Kind.AREA].values()
            times = {time for area in areas for time in (area.valid_from, area.valid_to) if time is not None}
            first = -(2**62) if times and self.as_of is None else 2**62
            self._next_change = min(
                (time for time in times if self.as_of is not None and time > self.as_of), default=first
            )
        return at >= self._next_change

    @property
    def rules(self) -> dict[str, RuleDocument]:
        """Rule documents by id."""
        return self.documents[Kind.RULE]

    @property
    def devices(self) -> dict[str, Device]:
        """Devices by id."""
        return self.documents[Kind.DEVICE]

    def device(self, device: str) -> Device | Camera | None:
        """The device or camera of that id, or the camera whose zone or line `<camera>.<place>` is."""
        found: Device | Camera | None = self.devices.get(device)
        return found if found is not None else self._camera(device)

    def _camera(self, device: str) -> Camera | None:
        cameras: dict[str, Camera] = self.documents[Kind.CAMERA]
        camera, dot = device, "."
        while camera and dot:
            found = cameras.get(camera)
            if found is not None and (camera == device or _has_place(found, device[len(camera) + 1 :])):
                return found
            camera, dot, _ = camera.rpartition(".")
        return None

    def attributes(self, device: str, at: int | None = None) -> dict[str, Any]:
        """Attributes of a device; empty when it is unknown. `at`: with the dated values that hold then."""
        found = self.device(device)
        if found is None:
            return {}
        if at is None or not found.dated:
            return found.attributes
        valid = {name: one.value for name, values in found.dated.items() for one in values if one.holds(at)}
        return {**{name: value for name, value in found.attributes.items() if name not in found.dated}, **valid}

    def dated(self, device: str, names: Iterable[str]) -> dict[str, tuple[DatedValue, ...]]:
        """The dated values of a device, of those of `names` that have any."""
        found = self.device(device)
        return {} if found is None else {name: found.dated[name] for name in names if name in found.dated}

    def calendar(self, calendar: str) -> Days | None:
        """The days of a calendar; `vn` needs no document."""
        document: Calendar | None = self.documents[Kind.CALENDAR].get(calendar)
        if document is None and calendar == "vn":
            document = Calendar(id="vn")
        return None if document is None else days_of(document)

    def schedule(self, rule: Rule) -> Schedule | None:
        """A rule's schedule, with the days of its calendar."""
        found = rule.schedule
        if found is None or not found.calendar:
            return found
        return msgspec.structs.replace(found, days=self.calendar(found.calendar))

    def position(self, device: str) -> Position | None:
        """Where a device or camera is: its own point, else that of its site."""
        found = self.device(device)
        site = None if found is None else self.site(found.site)
        return (None if found is None else found.point) or (None if site is None else site.point)

    def type_of(self, device: str) -> DeviceType | None:
        """The type document of a device."""
        found = self.devices.get(device)
        return None if found is None else self.documents[Kind.TYPE].get(found.type)

    def site(self, site: str) -> Site | None:
        """A site by id."""
        found: Site | None = self.documents[Kind.SITE].get(site)
        return found

    def areas_of(self, device: str) -> tuple[str, ...]:
        """The area of a device's site and all areas around it, innermost first."""
        found = self.device(device)
        site = None if found is None else self.site(found.site)
        return () if site is None else self.chain(site.area)

    def area(self, area: str) -> Area | None:
        """An area by id."""
        found: Area | None = self.documents[Kind.AREA].get(area)
        return found

    def group(self, group: str) -> Group | None:
        """A group by id."""
        found: Group | None = self.documents[Kind.GROUP].get(group)
        return found

    def chain(self, area: str) -> tuple[str, ...]:
        """An area and all areas around it, innermost first; empty when one of them does not exist now."""
        chain: list[str] = []
        while area and area not in chain and len(chain) < _MAX_AREA_DEPTH:
            chain.append(area)
            document = self.area(area)
            if document is not None and not self._exists(document):
                return ()
            area = "" if document is None else document.parent
        return tuple(chain)

    def _exists(self, area: Area) -> bool:
        at = self.as_of
        if at is None:
            return True
        return (area.valid_from is None or area.valid_from <= at) and (area.valid_to is None or at < area.valid_to)

    def in_scope(self, scope: Scope, device: str) -> bool:
        """Whether a device is one that `scope` names. A retired device is in no scope."""
        found = self.device(device)
        if found is not None and found.retired_at is not None:
            return False
        if scope.devices and device not in scope.devices and (found is None or found.id not in scope.devices):
            return False
        if not scope.narrow:
            return True
        return found is not None and self._fits(scope, device, found)

    def _fits(self, scope: Scope, device: str, found: Device | Camera) -> bool:
        kind = found.type if isinstance(found, Device) else "camera"
        return (
            (not scope.types or kind in scope.types)
            and (not scope.sites or found.site in scope.sites)
            and scope.tags <= set(found.tags)
            and (not scope.area or scope.area in self.areas_of(device))
            and (not scope.group or self._in_group(scope.group, device, found))
        )

    def _in_group(self, group: str, device: str, found: Device | Camera) -> bool:
        document = self.group(group)
        return document is not None and (found.id in document.devices or found.site in document.sites)

    def lateness(self, rule: Rule) -> int:
        """A rule's own lateness, else the largest delay of a type in its scope, else 10 s; in ms."""
        if rule.lateness_ms is not None:
            return rule.lateness_ms
        for delay, name in self._delays(rule.scope):
            if any(self.in_scope(rule.scope, device) for device in self._of_type(name)):
                return delay
        return DEFAULT_LATENESS_MS

    def _delays(self, scope: Scope) -> list[tuple[int, str]]:
        types: dict[str, DeviceType] = self.documents[Kind.TYPE]
        wanted = [
            (round(document.delay_s * 1000), name)
            for name, document in types.items()
            if (not scope.types or name in scope.types) and _measures(document, scope.quantity)
        ]
        return sorted(wanted, reverse=True)

    def _of_type(self, name: str) -> dict[str, Device]:
        if self._by_type is None:
            self._by_type = {}
            for device in self.devices.values():
                self._by_type.setdefault(device.type, {})[device.id] = device
        return self._by_type.get(name, {})

    def stale_after(self, rule: Rule, device: str) -> int:
        """How long a value of `device` holds: the rule's own figure, else 3 declared periods, else 10 min; in ms."""
        if rule.stale_after_ms is not None:
            return rule.stale_after_ms
        period = self.period(device)
        return DEFAULT_STALE_MS if period is None else STALE_PERIODS * period

    def period(self, device: str) -> int | None:
        """The declared reporting period of a device's type, ms."""
        kind = self.type_of(device)
        return None if kind is None or not kind.period_s else round(kind.period_s * 1000)

    def delay(self, device: str) -> int:
        """How late a device's data may come, ms."""
        kind = self.type_of(device)
        return DEFAULT_LATENESS_MS if kind is None else round(kind.delay_s * 1000)

    def live_for(self, rule: Rule, device: str) -> int:
        """How old a reading may be on arrival and still be live, ms."""
        if rule.live_for_ms is not None:
            return rule.live_for_ms
        return max(self.stale_after(rule, device), self.delay(device))


def _has_place(camera: Camera, place: str) -> bool:
    return place in {*(zone.id for zone in camera.zones), *(line.id for line in camera.lines)}


def _measures(kind: DeviceType, quantity: str) -> bool:
    return not quantity or not kind.quantities or any(row.quantity == quantity for row in kind.quantities)


def _put(documents: dict[str, Any], change: CatalogueChange) -> None:
    if change.document is None:
        documents.pop(change.id, None)
    else:
        documents[change.id] = change.document


def changes_from(documents: Iterable[tuple[Kind, Document]]) -> list[CatalogueChange]:
    """Documents as changes of offset 0."""
    return [CatalogueChange(0, kind, document.id, document) for kind, document in documents]
