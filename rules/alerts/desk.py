"""One fold of the alerts machine in the making: new key states, events, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from pipeline.core.alerts import Alert, AlertEvent, Flag
from pipeline.core.clock import rfc3339
from pipeline.core.conditions import alert_event_id
from rules.alerts.body import Describer, fitted
from rules.alerts.state import AlertOutput, KeyState


class Cause:
    """What an event comes from: a condition's or verb's id, its time (ms), and who did it."""

    __slots__ = ("at", "by", "id")

    def __init__(self, id_: str, at: int, by: str = "") -> None:
        self.id, self.at, self.by = id_, at, by


class Desk:
    """Where a fold writes. `log`: L in ms."""

    def __init__(self, states: Mapping[str, KeyState], log: int, describer: Describer) -> None:
        self._states, self.log, self.describer = states, log, describer
        self.changed: dict[str, KeyState] = {}
        self.outputs: list[AlertOutput] = []
        self.counts: Counter[str] = Counter()

    def state(self, key: str) -> KeyState:
        """The newest state of a key; a blank one for a key that was never seen."""
        found = self.changed.get(key) or self._states.get(key)
        return KeyState() if found is None else found

    def known(self, key: str) -> bool:
        """Whether the key was ever seen."""
        return key in self.changed or key in self._states

    def keep(self, key: str, state: KeyState) -> None:
        """Keep a new state."""
        self.changed[key] = state

    def tell(self, state: KeyState, type_: AlertEvent, alert: Alert, cause: Cause) -> KeyState:
        """Write one event that changes the open alert to `alert`; returns the state after it."""
        alert = fitted(replace(alert, sequence=state.sequence + 1))
        new = replace(state, sequence=state.sequence + 1, alert=alert)
        self._write(type_, alert, cause, tells_state=True, state=alert)
        self.keep(alert.key, new)
        return new

    def tell_aside(self, state: KeyState, type_: AlertEvent, alert: Alert, cause: Cause) -> KeyState:
        """Write one event that leaves the open alert of the key, if there is one, as it is."""
        alert = fitted(replace(alert, sequence=state.sequence + 1))
        new = replace(state, sequence=state.sequence + 1)
        self._write(type_, alert, cause, tells_state=False, state=None)
        self.keep(alert.key, new)
        return new

    def close(self, state: KeyState, alert: Alert, cause: Cause, reason: str) -> KeyState:
        """Close the open alert."""
        closed = closed_alert(alert, cause, reason, state.sequence + 1)
        self._write(AlertEvent.CLOSED, closed, cause, tells_state=True, state=None)
        new = replace(state, sequence=state.sequence + 1, alert=None, closed_at=self.log)
        self.keep(alert.key, new)
        return new

    def _write(self, type_: AlertEvent, alert: Alert, cause: Cause, *, tells_state: bool, state: Alert | None) -> None:
        self.outputs.append(
            AlertOutput(
                type=type_,
                id=alert_event_id(alert.alert, cause.id, type_.value),
                key=alert.key,
                alert=alert.alert,
                time=cause.at,
                recorded=self.log,
                sequence=alert.sequence,
                causation=cause.id,
                body=alert,
                tells_state=tells_state,
                state=state,
            )
        )


def closed_alert(alert: Alert, cause: Cause, reason: str, sequence: int) -> Alert:
    """The alert, closed."""
    flag = Flag(True, rfc3339(cause.at), cause.by, reason)
    return fitted(replace(alert, sequence=sequence, state=replace(alert.state, closed=flag)))
