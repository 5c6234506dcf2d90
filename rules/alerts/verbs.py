"""What operators do to alerts. A verb that comes too late, or makes no sense, is refused with an event."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from pipeline.core.alerts import Alert, AlertEvent, AlertState, Comment, Entity, Flag
from pipeline.core.clock import rfc3339
from pipeline.core.conditions import Severity, Verb, VerbName
from rules.alerts.body import MAX_COMMENTS, MAX_NOTE
from rules.alerts.desk import Cause, Desk
from rules.alerts.state import RECENT, KeyState

Deed = Callable[[Desk, KeyState, Alert, Verb], None]


def apply_verb(desk: Desk, verb: Verb) -> None:
    """Do it, or refuse it. A verb id that was seen before does nothing."""
    state = desk.state(verb.key)
    if verb.id in state.verbs:
        desk.counts["ioc_alerts_repeated_total"] += 1
        return
    if not desk.known(verb.key):
        _refuse_unknown(desk, verb)
        return
    state = replace(state, verbs=(*state.verbs[-RECENT + 1 :], verb.id))
    desk.keep(verb.key, state)
    reason = _objection(state, verb)
    if reason or state.alert is None:
        _refuse(desk, state, verb, reason)
        return
    _DEEDS[verb.verb](desk, replace(state, verb_at=state.sequence + 1), state.alert, verb)


def _objection(state: KeyState, verb: Verb) -> str:
    """Why a verb cannot be applied; empty when it can."""
    alert = state.alert
    if alert is None:
        return "the alert is closed"
    if verb.verb not in _DEEDS:
        return f"{verb.verb.value} is not supported yet"
    if (verb.alert and verb.alert != alert.alert) or verb.seen < state.raised_at:
        return "another alert of this key has been raised since"
    if state.rose_at > verb.seen:
        return "the severity has risen since"
    if state.verb_at > verb.seen:
        return "someone else has acted on it since"
    if verb.verb is VerbName.ACK and alert.state.acked.on:
        return "it is acknowledged already"
    if verb.verb is VerbName.UNACK and not alert.state.acked.on:
        return "it is not acknowledged"
    if verb.verb is VerbName.COMMENT and not verb.note.strip():
        return "the comment is empty"
    return ""


def _refuse(desk: Desk, state: KeyState, verb: Verb, reason: str) -> None:
    desk.counts["ioc_alerts_refused_total"] += 1
    alert = state.alert if state.alert is not None else _nothing(verb)
    desk.tell_aside(state, AlertEvent.REFUSED, replace(alert, refused=reason), _cause(verb))


def _refuse_unknown(desk: Desk, verb: Verb) -> None:
    """A key that never had an alert: told with sequence 0, and nothing is remembered."""
    desk.counts["ioc_alerts_refused_total"] += 1
    alert = replace(_nothing(verb), refused="there is no such alert")
    desk.tell_aside(KeyState(sequence=-1), AlertEvent.REFUSED, alert, _cause(verb))
    del desk.changed[verb.key]


def _nothing(verb: Verb) -> Alert:
    rule, _, entity = verb.key.partition("|")
    return Alert(
        alert=verb.alert,
        key=verb.key,
        rule=rule,
        rule_version="",
        episode=0,
        sequence=0,
        state=AlertState(active=Flag(False), acked=Flag(False), closed=Flag(True)),
        severity=Severity.INDETERMINATE,
        highest=Severity.INDETERMINATE,
        entity=Entity(kind="unknown", id=entity),
    )


def _cause(verb: Verb) -> Cause:
    return Cause(verb.id, verb.at, verb.by)


def _ack(desk: Desk, state: KeyState, alert: Alert, verb: Verb) -> None:
    flag = Flag(True, rfc3339(verb.at), verb.by, verb.reason)
    alert = replace(_noted(alert, verb), state=replace(alert.state, acked=flag))
    state = desk.tell(state, AlertEvent.ACKNOWLEDGED, alert, _cause(verb))
    if not alert.state.active.on and state.alert is not None:
        desk.close(state, state.alert, _cause(verb), "done")


def _unack(desk: Desk, state: KeyState, alert: Alert, verb: Verb) -> None:
    flag = Flag(False, rfc3339(verb.at), verb.by, verb.reason)
    alert = replace(_noted(alert, verb), state=replace(alert.state, acked=flag))
    desk.tell(state, AlertEvent.UNACKNOWLEDGED, alert, _cause(verb))


def _comment(desk: Desk, state: KeyState, alert: Alert, verb: Verb) -> None:
    desk.tell(state, AlertEvent.COMMENTED, _noted(alert, verb), _cause(verb))


def _close(desk: Desk, state: KeyState, alert: Alert, verb: Verb) -> None:
    desk.close(state, _noted(alert, verb), _cause(verb), verb.reason or "closed")


def _noted(alert: Alert, verb: Verb) -> Alert:
    """With the verb's note as a comment; the oldest beyond the limit go."""
    if not verb.note.strip():
        return alert
    comment = Comment(verb.by, rfc3339(verb.at), verb.note[:MAX_NOTE])
    return replace(alert, comments=(*alert.comments[-MAX_COMMENTS + 1 :], comment))


_DEEDS: dict[VerbName, Deed] = {
    VerbName.ACK: _ack,
    VerbName.UNACK: _unack,
    VerbName.COMMENT: _comment,
    VerbName.CLOSE: _close,
}
"""The verbs that are understood so far."""
