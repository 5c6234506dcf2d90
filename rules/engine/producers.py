"""Who feeds a partition, and whether each still does. A silent producer is one condition, not one a device."""

from __future__ import annotations

import msgspec

from pipeline.core.conditions import ConditionEdge, EndReason, Severity, Threshold, Why, next_episode
from rules.engine.fold import Fold, Source

SILENT_AFTER_MS = 30_000
FORGET_AFTER_MS = 86_400_000
RULE = "sys.producer"
PREFIX = b"p|"
VERSION = "system"


class ProducerState(msgspec.Struct, frozen=True, array_like=True):
    """`last`: L at its newest record.

    Its newest silence began at `fell` and ended at `back`; the one before it ended at `before`.
    """

    last: int
    silent: bool = False
    back: int = 0
    episode: int | None = None
    fell: int = 0
    before: int = 0


def producer_key(producer: str) -> bytes:
    """Where a producer's state is kept."""
    return PREFIX + producer.encode()


def hear(fold: Fold, report: bool) -> None:
    """Note the producer of the fold's frame; end its silence."""
    producer = fold.frame.producer
    if not producer:
        return
    key = producer_key(producer)
    old: ProducerState | None = fold.state(key)
    if old is None:
        fold.changed[key] = ProducerState(fold.log)
        fold.producers_changed = True
        return
    was_silent = fold.log - old.last > SILENT_AFTER_MS
    if old.silent and report:
        _emit(fold, producer, old, ConditionEdge.END, fold.log)
    fell, back, before = old.fell, old.back, old.before
    if was_silent:
        fell, back, before = old.last + SILENT_AFTER_MS, fold.log, old.back
    fold.changed[key] = ProducerState(fold.log, False, back, old.episode, fell, before)


def miss(fold: Fold, producers: list[bytes], report: bool) -> None:
    """Begin a condition for each producer that has been silent for too long; forget those gone for a day."""
    for key in producers:
        state: ProducerState | None = fold.state(key)
        if state is None:
            continue
        silence = fold.log - state.last
        if not state.silent and silence > SILENT_AFTER_MS:
            _fall_silent(fold, key, state, report)
        elif state.silent and silence > FORGET_AFTER_MS:
            _forget(fold, key, state, report)


def _fall_silent(fold: Fold, key: bytes, state: ProducerState, report: bool) -> None:
    at = state.last + SILENT_AFTER_MS
    new = msgspec.structs.replace(state, silent=True, episode=next_episode(at, state.episode))
    fold.changed[key] = new
    if report:
        _emit(fold, key[len(PREFIX) :].decode(), new, ConditionEdge.BEGIN, at)


def _forget(fold: Fold, key: bytes, state: ProducerState, report: bool) -> None:
    fold.changed[key] = None
    fold.producers_changed = True
    if report:
        _emit(fold, key[len(PREFIX) :].decode(), state, ConditionEdge.END, fold.log, EndReason.OUT_OF_SCOPE)


def held_until(fold: Fold, producer: str, last: int, due: int) -> int | None:
    """From when on a device's silence counts anew, when its producer was silent too at `due`; else None.

    Judged as of `due`, not of L: when the silence is noticed must not matter. While the producer is silent the
    answer moves along with L, so that the absence stays held back.
    """
    state: ProducerState | None = fold.state(producer_key(producer)) if producer else None
    if state is None:
        return None
    if due - state.last >= SILENT_AFTER_MS:  # L is beyond `due`: the silence has lasted and began by then
        return max(fold.log, last + 1)
    back = state.back if state.fell <= due else state.before  # a silence that began after `due` excuses nothing
    return back if back > last else None


def _emit(
    fold: Fold,
    producer: str,
    state: ProducerState,
    edge: ConditionEdge,
    at: int,
    reason: EndReason | None = None,
) -> None:
    assert state.episode is not None
    Source(RULE, VERSION, f"{RULE}|{producer}", producer).emit(
        fold,
        edge,
        episode=state.episode,
        n=0 if edge is ConditionEdge.BEGIN else 1,
        severity=Severity.MAJOR,
        at=at,
        why=Why(threshold=Threshold(predicate={"after": "30s"}, origin="system"), held_for_ms=fold.log - state.last),
        reason=reason,
    )
