"""One fold in the making: new states over the committed ones, outputs, timers and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.core.conditions import (
    Condition,
    ConditionEdge,
    EndReason,
    Partial,
    Progress,
    Severity,
    Why,
    condition_id,
)
from pipeline.core.events import Reading
from pipeline.core.machine import LogFrame

Output = Condition | Partial | Progress | Reading
"""What a fold gives; a reading among it is a derived one."""


class Fold:
    """What watches write to. `states`: committed; `changed`: new, None where gone. `log`: L in ms.

    `timers`: (key, due, lateness) newly armed. `out_of_service`: ids of failed rules. `evidence`: digest of
    the picture behind the line at hand. `now`: what a reading's age is measured against: L, or its own time when it
    is derived. `derived`: derived readings that no rule has seen yet.
    """

    __slots__ = (
        "armed",
        "changed",
        "counts",
        "derived",
        "evidence",
        "frame",
        "log",
        "now",
        "out_of_service",
        "outputs",
        "producers_changed",
        "states",
        "timers",
        "was_armed",
    )

    def __init__(
        self,
        frame: LogFrame[Any],
        log: int,
        states: Mapping[bytes, Any],
        was_armed: Mapping[bytes, int],
        out_of_service: Iterable[str] = (),
    ) -> None:
        self.frame, self.log, self.states, self.was_armed = frame, log, states, was_armed
        self.evidence = ""
        self.now = log
        self.out_of_service: set[str] = set(out_of_service)
        self.producers_changed = False
        self.armed: dict[bytes, int] = {}
        self.changed: dict[bytes, Any] = {}
        self.derived: list[Reading] = []
        self.outputs: list[Output] = []
        self.timers: list[tuple[bytes, int, int]] = []
        self.counts: Counter[str] = Counter()

    def state(self, key: bytes) -> Any:
        """The newest state under `key`, None when there is none."""
        if key in self.changed:
            return self.changed[key]
        return self.states.get(key)

    def arm(self, key: bytes, due: int | None, lateness: int) -> None:
        """Wake the watch of `key` when W passes `due`, unless it will be woken earlier anyway.

        A watch says anew, after each change of its state, when it wants to be woken; too early is harmless,
        because a timer is checked against the state when it fires.
        """
        if due is None:
            return
        fires = due + lateness
        armed = self.armed.get(key)
        if armed is None:
            armed = self.was_armed.get(key)
        if armed is None or fires < armed:
            self.armed[key] = fires
            self.timers.append((key, due, lateness))


class Source:
    """Whose conditions are written: rule, version, alert key and device, for one entity."""

    __slots__ = ("device", "key", "rule", "shadow", "version")

    def __init__(self, rule: str, version: str, key: str, device: str = "", shadow: bool = False) -> None:
        self.rule, self.version, self.key, self.device, self.shadow = rule, version, key, device, shadow

    def emit(
        self,
        fold: Fold,
        edge: ConditionEdge,
        *,
        episode: int,
        n: int,
        severity: Severity,
        at: int,
        why: Why,
        reason: EndReason | None = None,
        late: bool = False,
    ) -> None:
        """Write one edge of a condition."""
        fold.outputs.append(
            Condition(
                id=condition_id(self.rule, self.key, episode, n),
                rule=self.rule,
                rule_version=self.version,
                key=self.key,
                episode=episode,
                n=n,
                edge=edge,
                severity=severity,
                at=at,
                log=fold.log,
                reason=reason,
                late=late,
                shadow=self.shadow,
                device=self.device,
                why=why,
            )
        )
