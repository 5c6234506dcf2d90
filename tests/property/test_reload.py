"""A rule or device that changes in mid-stream, against the naive life that knows the change's place in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.core.catalogue import Device, Kind
from pipeline.core.events import Event
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text
from tests.property.naive_kinds import WINDOWS, Values
from tests.property.naive_life import Change, Clear, Level, Moment, Terms, Test, life
from tests.property.test_kinds import T0
from tests.property.test_life import END, SECOND, events, minutes, stream, told

DEVICE = Device(id="d", type="t", site="s")
LEAVES = [replace(DEVICE, retired_at=1), replace(DEVICE, site="other")]
Lines = list[tuple[int, int, tuple[Event, ...], tuple[CatalogueChange, ...]]]
values = st.lists(
    st.tuples(st.one_of(st.integers(1, 12), st.sampled_from([5, 8, 20])), st.integers(0, 10)), max_size=20
)
_holds = st.sampled_from([0, 5, 12, 20])


class Version(NamedTuple):
    """One version of a rule with two levels: what may change without an end, and what may not (`stale`)."""

    low: float
    high: float
    hold: int
    clears: int
    schedule: tuple[str, Callable[[int], bool]]
    title: str
    stale: int

    def text(self, kind: str) -> str:
        """The rule."""
        return (
            f"{{id: r, {kind}, scope: {{quantity: rain_depth, sites: [s]}}, lateness: 0s, live_for: 1h, "
            f"raise: {{minor: {{above: {self.low}}}, major: {{above: {self.high}, for: 12s}}}}, "
            f"title: {{en: {self.title}}}, for: {self.hold}s, "
            f"clear: {{for: {self.clears}s}}, stale_after: {self.stale}s{self.schedule[0]}}}"
        )

    def terms(self, least: int) -> Terms:
        """The same in terms."""
        levels = (Level("minor"), Level("major", 12))
        return Terms(levels, self.hold, Clear(None, self.clears), max(self.stale, least), self.schedule[1])

    def tests(self) -> list[Test]:
        """Its two comparisons."""
        return [lambda v: v is not None and v > self.low, lambda v: v is not None and v > self.high]


_bound = st.integers(1, 8).map(lambda bound: bound + 0.37)
versions = st.builds(Version, _bound, _bound, _holds, _holds, minutes(), st.just("a"), st.sampled_from([8, 25, 600]))


@st.composite
def changes(draw: st.DrawFn, old: Version) -> tuple[Version | None, Device | None, str]:
    """The version after a change, or None; the device after it; and why what lives ends."""
    fields: dict[str, Any] = {
        "numbers": {"low": draw(_bound), "high": draw(_bound)},
        "for": {"hold": draw(_holds)},
        "clear": {"clears": draw(_holds)},
        "title": {"title": "b"},
        "schedule": {"schedule": draw(minutes())},
        "stale": {"stale": {8: 25, 25: 600, 600: 8}[old.stale]},
    }
    what = draw(st.sampled_from([*fields, "removed", "device", "device"]))
    if what == "removed":
        return None, None, "rule_removed"
    if what == "device":
        return old, draw(st.sampled_from(LEAVES)), "out_of_scope"
    return old._replace(**fields[what]), None, "rule_changed" if what == "stale" else ""


def play(before: str, after: str | None, device: Device | None, lines: list[tuple[int, Event]], at: int) -> list[Any]:
    """What the engine gives when the change is in the log at `at` (ms)."""
    known = [CatalogueChange(0, Kind.DEVICE, "d", DEVICE), *rule_changes(load_text(before).checked())]
    news = rule_changes(load_text(after).checked()) if after else [CatalogueChange(1, Kind.RULE, "r", None)]
    if device is not None:
        news = [CatalogueChange(1, Kind.DEVICE, "d", device)]
    engine = Engine("ioc.readings.v1", 0, changes=known)
    end = max([at, *(log for log, _ in lines)]) + END * SECOND
    frames: Lines = [(log, 1, (event,), ()) for log, event in lines]
    frames += [(at, -1, (), ()), (at, 0, (), tuple(news)), (end, 1, (), ())]
    found: list[Any] = []
    for number, (log, _, events_, news_) in enumerate(sorted(frames, key=lambda one: one[:2])):
        frame = LogFrame[Event](
            topic="ioc.readings.v1", partition=0, offset=number, log=log, lines=tuple(enumerate(events_)), news=news_
        )
        delta = engine.fold(frame)
        engine.commit(delta)
        found += delta.outputs
    return found


def _moments(judged: list[tuple[int, float | None]], tests: list[Test]) -> list[Moment]:
    return [Moment(at, tuple(test(number) for test in tests), number) for at, number in judged]


@settings(max_examples=200, deadline=None)
@given(versions, values.map(stream), st.integers(1, 90), st.data())
def test_a_threshold_that_changes_lives_as_the_naive_life_says(
    old: Version, pairs: list[tuple[int, float]], at: int, data: st.DataObject
) -> None:
    new, device, reason = data.draw(changes(old))
    pairs = [pair for pair in pairs if pair[0] != at]
    outputs = play(
        old.text("kind: threshold"), new and new.text("kind: threshold"), device, events(pairs), T0 + at * SECOND
    )
    gone = new is None or device is not None
    after = [] if gone or new is None else _moments([one for one in pairs if one[0] > at], new.tests())
    moments = _moments([one for one in pairs if one[0] < at], old.tests()) + after
    end = max([at, *(one[0] for one in pairs)]) + END
    change = Change(at, (new or old).terms(0), reason)
    assert told(outputs) == life(moments, old.terms(0), end, change)


@pytest.mark.parametrize("kind", ["tumbling", "hopping", "sliding", "count"])
@settings(max_examples=50, deadline=None)
@given(old=versions, pairs=values.map(stream), at=st.integers(1, 90).map(lambda at: at + (at % 5 == 0)), data=st.data())
def test_a_window_that_changes_lives_as_the_naive_life_says(
    kind: str, old: Version, pairs: list[tuple[int, float]], at: int, data: st.DataObject
) -> None:
    """A change that costs the state costs the readings before it, too; any other lets the open window go on."""
    fields, of, least = WINDOWS[kind]
    text = f"kind: window, window: {{{fields}, aggregate: mean}}"
    new, device, reason = data.draw(changes(old))
    pairs = [pair for pair in pairs if pair[0] != at]
    pairs = [pair for pair in pairs if kind != "sliding" or pair[0] != at - 20]

    def judged(part: Values) -> list[tuple[int, float | None]]:
        values_ = [(T0 + then * SECOND, number) for then, number in part]
        return [((then - T0) // SECOND, number) for then, number, _ in of("mean", values_)]

    outputs = play(old.text(text), new and new.text(text), device, events(pairs), T0 + at * SECOND)
    before = [one for one in judged(pairs) if one[0] < at]
    kept = pairs if not reason else [one for one in pairs if one[0] > at]
    after = [] if new is None or device is not None else [one for one in judged(kept) if one[0] > at]
    moments = _moments(before, old.tests()) + ([] if new is None else _moments(after, new.tests()))
    end = max([at, *(one[0] for one in pairs)]) + END
    assert told(outputs) == life(moments, old.terms(least), end, Change(at, (new or old).terms(least), reason))
