"""Scripted engines for tests: readings at seconds after T0."""

from __future__ import annotations

from typing import Any

from pipeline.core.catalogue import Device, Document, Kind, RuleDocument
from pipeline.core.conditions import Condition
from pipeline.core.events import Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text

T0 = 1_795_222_800_000
HOT = "{id: hot, kind: threshold, scope: {quantity: air_temperature}, raise: {above: 30}}"


def device(id_: str, **fields: Any) -> CatalogueChange:
    """A device document as news."""
    fields.setdefault("type", "t")
    fields.setdefault("site", "s")
    return CatalogueChange(1, Kind.DEVICE, id_, Device(id=id_, **fields))


def gone(kind: Kind, id_: str) -> CatalogueChange:
    """A deletion as news."""
    return CatalogueChange(1, kind, id_, None)


def rules(text: str) -> tuple[CatalogueChange, ...]:
    """Rules as news."""
    return tuple(rule_changes(load_text(text).checked()))


def broken_rule(id_: str) -> CatalogueChange:
    """A rule document that does not hold."""
    document: Document = RuleDocument(id=id_, rule={"id": id_, "kind": "nonsense"}, sha256="x")
    return CatalogueChange(1, Kind.RULE, id_, document)


class Log:
    """One partition's log and the engine that folds it."""

    def __init__(self, *changes: CatalogueChange, **options: Any) -> None:
        self.engine = Engine("ioc.readings.v1", 0, changes=changes, **options)
        self.offset = 0

    def add(self, second: float, *values: float, **fields: Any) -> list[Condition]:
        """Fold one frame at `second`, with a reading of device d1 for each value; the conditions."""
        log = T0 + round(second * 1000)
        name, at = fields.pop("device", "d1"), fields.pop("at", second)
        reading = {"quantity": "air_temperature", **fields.pop("reading", {})}
        lines: tuple[tuple[int, Event], ...] = tuple(
            (index, Reading(device=name, value=value, at=T0 + round(at * 1000), seq=index, **reading))
            for index, value in enumerate(values)
        )
        frame = LogFrame[Event](
            topic="ioc.readings.v1", partition=0, offset=self.offset, log=log, lines=lines, **fields
        )
        self.offset += 1
        delta = self.engine.fold(frame)
        self.engine.commit(delta)
        return [output for output in delta.outputs if isinstance(output, Condition)]


def brief(conditions: list[Condition]) -> list[tuple[str, str, float, str]]:
    """Key, edge, second and reason of each condition."""
    return [(one.key, one.edge.value, (one.at - T0) / 1000, one.reason or "") for one in conditions]
