"""A second evaluation of "The life of a condition" of rules/SEMANTICS.md: whole histories, no timers.

Shares nothing with the engine. It goes through time step by step; at each step whatever matters - since when a level
holds, whether the condition is clear, whether a value has lapsed - is read off the whole history of the episode again.
Times are whole steps, of a second unless the test says otherwise. A moment carries W at its arrival: a begin or an end
that the next value does not confirm happens only when W has passed it by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

LONG = 10**9
Test = Callable[[float | None], bool]
Happens = Callable[[int, Callable[["Moment"], bool]], bool]
"""Whether what is due at a time comes to pass: W goes by before the next value, or that value confirms it."""


class Moment(NamedTuple):
    """A judged value: which levels hold, the number that clear predicates look at, and W on arrival."""

    at: int
    truths: tuple[bool, ...]
    value: float | None
    w: int = LONG


class Clear(NamedTuple):
    """A clear side: a test, None when it is that nothing holds any more; for how long."""

    test: Test | None = None
    hold: int = 0


class Level(NamedTuple):
    """A level: its severity, its own `for` and `clear`, None when it has none."""

    severity: str
    hold: int | None = None
    clear: Clear | None = None


class Terms(NamedTuple):
    """What a rule says. `opened`: whether a step of time lies in the rule's hours."""

    levels: tuple[Level, ...]
    hold: int = 0
    clear: Clear = Clear()
    stale: int = LONG
    opened: Callable[[int], bool] = lambda _: True


class Edge(NamedTuple):
    """One edge of a condition. `unknown`: of updates only."""

    edge: str
    at: int
    severity: str
    unknown: bool = False
    reason: str = ""


class Change(NamedTuple):
    """A change of the rule that comes after all that is due before `at`, and lets what lives go on."""

    at: int
    terms: Terms


class Held(NamedTuple):
    """A level at one time: since when it holds, since when its own clear does; None when it does not."""

    since: int | None = None
    clearing: int | None = None


class Episode:
    """The history since a condition was last idle, and what can be read off it."""

    def __init__(self, terms: Terms, first: Moment, happens: Happens) -> None:
        self.terms, self.seen, self.happens = terms, [first], happens
        self.begun: int | None = None
        self.shown: list[tuple[int, int]] = []
        self.clears: dict[int, bool] = {}
        self.changed: int | None = None
        self.kept: list[Held] = []

    def change(self, at: int, terms: Terms) -> None:
        """Go on by other terms: what the old ones made of the levels before `at` stays."""
        kept = self.held(at - 1)
        lapsed = self.lapse == at - 1
        self.kept = [self._lapsed(number, held, self.lapse) for number, held in enumerate(kept)] if lapsed else kept
        self.changed, self.terms = at, terms

    @property
    def lapse(self) -> int:
        """When the newest value ceases to hold."""
        return self.seen[-1].at + self.terms.stale

    @property
    def level(self) -> int:
        """The level shown."""
        return self.shown[-1][1]

    def held(self, t: int) -> list[Held]:
        """All levels at t, after what t itself brings; before a change, what the terms after it make of them."""
        if self.changed is not None and t < self.changed:
            return [Held() if self._cleared(number, held, t) else held for number, held in enumerate(self.kept)]
        return [self._held(number, t) for number in range(len(self.terms.levels))]

    def _held(self, number: int, t: int) -> Held:
        found = Held() if self.changed is None else self.kept[number]
        since = -LONG if self.changed is None else self.changed
        seen = [one for one in self.seen if one.at <= t]
        for now, later in zip(seen, [*seen[1:], None], strict=True):
            following = None if later is None else later.at
            if following is not None and following < since:
                continue
            if now.at >= since:
                found = self._valued(number, found, now)
            lapse = now.at + self.terms.stale
            if self._cleared(number, found, min(lapse, t if following is None else following - 1)):
                found = Held()
            if since <= lapse < (t if following is None else following):
                found = self._lapsed(number, found, lapse)
        return found

    def _valued(self, number: int, held: Held, now: Moment) -> Held:
        level = self.terms.levels[number]
        if now.truths[number]:
            return Held(now.at if held.since is None else held.since)
        active = self.begun is not None and self.begun < now.at
        if level.clear is None or not active or not self._counts(number, held, now.at):
            return Held()
        if level.clear.test is not None and not level.clear.test(now.value):
            return Held(held.since)
        return Held(held.since, now.at if held.clearing is None else held.clearing)

    def _counts(self, number: int, held: Held, t: int) -> bool:
        """Whether a level has held for its own time; when that would have been told, only if nothing denied it."""
        if held.since is None:
            return False
        due = held.since + (self.terms.levels[number].hold or 0)
        told = any(level == number and held.since <= when <= t for when, level in self.shown)
        return told or (
            due <= t and (self._below_shown(number, due) or self.happens(due, lambda one: one.truths[number]))
        )

    def _below_shown(self, number: int, t: int) -> bool:
        """Whether a level is the one shown at t, or below one that is shown and holds: its time passes unnoticed."""
        shown = next((level for when, level in reversed(self.shown) if when <= t), -1)
        return shown == number or (shown > number and self._held(shown, t).since is not None)

    def _cleared(self, number: int, held: Held, t: int) -> bool:
        """Whether the level's own clear has held for its own time by t."""
        clear = self.terms.levels[number].clear
        if held.clearing is None or clear is None or held.clearing + clear.hold > t:
            return False
        due = held.clearing + clear.hold
        return self.happens(due, lambda one: self._clears(number, one))

    def _clears(self, number: int, one: Moment) -> bool:
        clear = self.terms.levels[number].clear
        assert clear is not None
        return not one.truths[number] and (clear.test is None or clear.test(one.value))

    def _lapsed(self, number: int, held: Held, at: int) -> Held:
        """Silence: what does not count yet, and what was about to clear, begins anew."""
        shown = max((one for one in self.shown if one[0] <= at), default=(0, -1))[1]
        return Held(held.since if self._counts(number, held, at) or number == shown else None)

    def begin(self, t: int) -> int | None:
        """The level of the begin that is due at t."""
        held = self.held(t)
        return self.highest_at_begin(t, held) if self.begins(held) == t else None

    def begins(self, held: Sequence[Held]) -> int:
        """When a condition that is pending begins."""
        due = []
        for level, one in zip(self.terms.levels, held, strict=True):
            if one.since is not None:
                rules = max(self.seen[0].at + self.terms.hold, one.since)
                due.append(rules if level.hold is None else one.since + level.hold)
        return min(due)

    def highest_at_begin(self, t: int, held: Sequence[Held]) -> int:
        """The highest level whose own time is over; one without a time of its own needs none."""
        levels = enumerate(zip(self.terms.levels, held, strict=True))
        return max(
            number
            for number, (level, one) in levels
            if one.since is not None and (level.hold is None or one.since + level.hold <= t)
        )

    def highest(self, t: int) -> int:
        """The highest level that counts at t; one that is shown does while it holds; when none does, it stays."""
        counts = [
            number
            for number, one in enumerate(self.held(t))
            if self._counts(number, one, t) or (number == self.level and one.since is not None)
        ]
        return max(counts, default=self.level)

    def clear(self, t: int) -> bool:
        """Whether C holds at t: P does not, and the clear predicate does; without one, no level is left."""
        if any(self.seen[-1].truths) or t > self.lapse:
            return False
        if self.terms.clear.test is not None:
            if self.changed is not None and self.seen[-1].at < self.changed:
                return self.clears.get(self.changed - 1, False)  # a changed number acts at the next value
            return self.terms.clear.test(self.seen[-1].value)
        return all(one.since is None for one in self.held(t))

    def clear_since(self, t: int) -> int:
        """The first step of the unbroken run of steps, up to t, at which C holds."""
        while self.clears.get(t - 1, False):
            t -= 1
        return t


class Life:
    """All episodes of one condition."""

    def __init__(self, terms: Terms, moments: Sequence[Moment], change: Change | None = None) -> None:
        self.terms, self.moments, self.change = terms, moments, change
        self.now: Episode | None = None
        self.edges: list[Edge] = []

    def run(self, end: int) -> list[Edge]:
        """The edges up to `end`."""
        values = {one.at: one for one in self.moments}
        first = min(values, default=end) if self.change is None else min([*values, self.change.at])
        for t in range(first, end):
            if self.change is not None and t == self.change.at:
                self._changed(self.change)
            if self.terms.opened(t):
                self._value(t, values.get(t))
                self._deadlines(t)
            elif self.now is not None:
                self._close(t)
        return self.edges

    def _tell(self, edge: str, at: int, unknown: bool = False, reason: str = "") -> None:
        assert self.now is not None
        self.edges.append(Edge(edge, at, self.terms.levels[self.now.level].severity, unknown, reason))

    def _changed(self, change: Change) -> None:
        """What lives goes on by the new terms; what they make due in the past happens, at its time."""
        now, self.terms = self.now, change.terms
        if now is None:
            return
        newest, known = now.seen[-1].at, now.lapse >= change.at
        now.change(change.at, change.terms)
        for t in range(now.seen[0].at, change.at):
            if self.now is not None and known and now.begun is not None:
                self._end_before(t, change.at)
            if self.now is not None and t >= newest and not self.terms.opened(t):
                self._overdue("end", t, reason="schedule")
            if self.now is not None and now.begun is None and now.begins(now.held(t)) == t:
                now.begun = t
                now.shown.append((t, now.highest_at_begin(t, now.held(t))))
                self._tell("begin", t)
            if self.now is not None and known and now.begun is not None and now.highest(t) != now.level:
                now.shown.append((t, now.highest(t)))
                self._tell("update", max(t, self.edges[-1].at))

    def _end_before(self, t: int, until: int) -> None:
        """An end that is due at t, since when the condition is clear, perhaps by a level's own clear at t."""
        now = self.now
        assert now is not None
        if not now.clears.get(until - 1, False) and now.clear(t):
            now.clears.update((step, True) for step in range(t, until))
        if now.clears.get(until - 1, False) and now.clear_since(until - 1) + self.terms.clear.hold == t:
            self._overdue("end", t)

    def _overdue(self, edge: str, due: int, reason: str = "") -> None:
        assert self.now is not None
        if self.now.begun is not None:
            self._tell(edge, max(due, self.edges[-1].at), reason=reason)
        self.now = None

    def _happens(self, t: int, confirms: Callable[[Moment], bool]) -> bool:
        """Whether what is due at t comes to pass before the next value: that confirms it, or W or the hours go by."""
        following = next((one for one in self.moments if one.at >= t), None)
        if following is None or following.at == t or following.w > t or confirms(following):
            return True
        return not all(self.terms.opened(step) for step in range(t, following.at + 1))

    def _close(self, t: int) -> None:
        """The hours are over. An end that is due at the same time comes first, a level that changes then does not."""
        assert self.now is not None
        if self.now.begun is not None:
            hold = self.terms.clear.hold
            over = hold > 0 and self.now.clear(t) and self.now.clear_since(t) + hold == t
            self._tell("end", t, reason="" if over else "schedule")
        self.now = None

    def _value(self, t: int, value: Moment | None) -> None:
        now = self.now
        if value is None:
            return
        if now is None or (now.begun is None and not any(value.truths)):
            self.now = Episode(self.terms, value, self._happens) if any(value.truths) else None
            return
        was_unknown = now.begun is not None and t > now.lapse
        now.seen.append(value)
        if now.begun is not None:
            self._show(t, was_unknown)

    def _show(self, t: int, was_unknown: bool) -> None:
        assert self.now is not None
        level = self.now.highest(t)
        if was_unknown or level != self.now.level:
            self.now.shown.append((t, level))
            self._tell("update", t)

    def _deadlines(self, t: int) -> None:
        now = self.now
        if now is not None and now.begun is not None:
            now.clears[t] = now.clear(t)
            self._end(t)
        if self.now is not None and self.now.begun is None:
            self._begin(t)
        if self.now is not None and self.now.begun is not None and t <= self.now.lapse:
            self._show(t, was_unknown=False)
        if self.now is not None and t == self.now.lapse:
            self._lapse(t)

    def _end(self, t: int) -> None:
        assert self.now is not None
        due = self.now.clears[t] and self.now.clear_since(t) + self.terms.clear.hold == t
        if due and self._happens(t, self._confirms_end):
            self._tell("end", t)
            self.now = None

    def _confirms_end(self, value: Moment) -> bool:
        return not any(value.truths) and (self.terms.clear.test is None or self.terms.clear.test(value.value))

    def _begin(self, t: int) -> None:
        assert self.now is not None
        level = self.now.begin(t)
        if level is not None and self._happens(t, lambda value: any(value.truths)):
            self.now.begun = t
            self.now.shown.append((t, level))
            self._tell("begin", t)

    def _lapse(self, t: int) -> None:
        assert self.now is not None
        if self.now.begun is None:
            self.now = None
        else:
            self.now.clears[t] = False
            self._tell("update", t, unknown=True)


def life(moments: Sequence[Moment], terms: Terms, end: int, change: Change | None = None) -> list[Edge]:
    """The edges of one condition up to `end`, in their order."""
    return Life(terms, moments, change).run(end)


def cut_off(edges: Sequence[Edge], log: int, reason: str) -> list[Edge]:
    """The edges of a condition whose rule loses its state at `log`."""
    if not edges or edges[-1].edge == "end":
        return list(edges)
    return [*edges, Edge("end", max(log, edges[-1].at), edges[-1].severity, reason=reason)]
