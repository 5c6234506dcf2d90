"""What a condition does to the alert of its key. Conditions are idempotent by (key, episode, n)."""

from __future__ import annotations

from msgspec.structs import replace

from pipeline.core.alerts import Alert, AlertEvent
from pipeline.core.conditions import RANK, Condition, ConditionEdge
from rules.alerts.body import cleared
from rules.alerts.desk import Cause, Desk, closed_alert
from rules.alerts.state import RECENT, KeyState


def apply_condition(desk: Desk, condition: Condition) -> bool:
    """Raise, update or clear; repeats, shadows and edges without a begin are counted. Whether it was news."""
    if condition.shadow:
        desk.counts["ioc_alerts_shadow_total"] += 1
        return True
    state = desk.state(condition.key)
    if condition.late:
        _apply_late(desk, state, condition)
        return True
    if _is_repeat(state, condition):
        desk.counts["ioc_alerts_repeated_total"] += 1
        return False
    if condition.edge is ConditionEdge.BEGIN:
        _begin(desk, state, condition)
    else:
        _go_on(desk, replace(state, n=condition.n), condition)
    return True


def _is_repeat(state: KeyState, condition: Condition) -> bool:
    if condition.edge is not ConditionEdge.BEGIN:
        return condition.episode != state.episode or condition.n <= state.n
    open_ = state.alert is not None and state.alert.state.active.on
    return condition.episode <= state.episode or (open_ and condition.rule.startswith("sys."))


def _begin(desk: Desk, state: KeyState, condition: Condition) -> None:
    cause = Cause(condition.id, condition.at)
    if state.alert is not None:
        state = desk.close(state, state.alert, cause, "superseded")
    _raise(desk, replace(state, episode=condition.episode, n=condition.n), condition)


def _raise(desk: Desk, state: KeyState, condition: Condition) -> None:
    sequence = state.sequence + 1
    alert = desk.describer.raised(condition, sequence, desk.log)
    state = replace(state, raised_at=sequence, rose_at=sequence)
    desk.tell(state, AlertEvent.RAISED, alert, Cause(condition.id, condition.at))


def _go_on(desk: Desk, state: KeyState, condition: Condition) -> None:
    """An update or the end of the open episode; one that an operator has closed stays closed."""
    if state.alert is None or state.alert.episode != condition.episode:
        desk.counts["ioc_alerts_after_close_total"] += 1
        desk.keep(condition.key, state)
    elif condition.edge is ConditionEdge.UPDATE:
        _update(desk, state, state.alert, condition)
    else:
        _clear(desk, state, state.alert, condition)


def _update(desk: Desk, state: KeyState, alert: Alert, condition: Condition) -> None:
    rose = RANK[condition.severity] > RANK[alert.severity]
    highest = max(alert.highest, condition.severity, key=RANK.__getitem__)
    alert = replace(desk.describer.told(alert, condition, desk.log), severity=condition.severity, highest=highest)
    state = replace(state, rose_at=state.sequence + 1) if rose else state
    desk.tell(state, AlertEvent.UPDATED, alert, Cause(condition.id, condition.at))


def _clear(desk: Desk, state: KeyState, alert: Alert, condition: Condition) -> None:
    cause = Cause(condition.id, condition.at)
    alert = cleared(desk.describer.told(alert, condition, desk.log), condition.at)
    state = desk.tell(state, AlertEvent.CLEARED, alert, cause)
    if alert.state.acked.on and state.alert is not None:
        desk.close(state, state.alert, cause, "done")


def _apply_late(desk: Desk, state: KeyState, condition: Condition) -> None:
    """A late episode: an alert of its own when the key has none open, else told beside the open one and closed."""
    mark = (condition.episode, condition.n)
    if mark in state.late:
        desk.counts["ioc_alerts_repeated_total"] += 1
        return
    state = replace(state, late=(*state.late[-RECENT + 1 :], mark))
    desk.keep(condition.key, state)
    mine = state.alert is not None and state.alert.late and state.alert.episode == condition.episode
    if condition.edge is ConditionEdge.BEGIN and state.alert is None:
        _raise(desk, state, condition)
    elif condition.edge is ConditionEdge.END and mine and state.alert is not None:
        _clear(desk, state, state.alert, condition)
    else:
        _tell_beside(desk, state, condition)


def _tell_beside(desk: Desk, state: KeyState, condition: Condition) -> None:
    cause = Cause(condition.id, condition.at)
    alert = desk.describer.raised(condition, state.sequence + 1, desk.log)
    if condition.edge is ConditionEdge.BEGIN:
        desk.tell_aside(state, AlertEvent.RAISED, alert, cause)
        return
    alert = cleared(alert, condition.at)
    state = desk.tell_aside(state, AlertEvent.CLEARED, alert, cause)
    desk.tell_aside(state, AlertEvent.CLOSED, closed_alert(alert, cause, "superseded", 0), cause)
