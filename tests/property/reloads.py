"""Logs in which a rule or its device changes at one place, and what the naive life makes of them.

A rule has two levels, of which the upper one may have a `for` and a `clear` of its own. Times are whole seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.core.catalogue import Device, Document, Kind, Site
from pipeline.core.conditions import Condition, ConditionEdge
from pipeline.core.events import Event, Reading
from pipeline.core.machine import CatalogueChange, LogFrame
from rules.backtest import rule_changes
from rules.engine.engine import Engine
from rules.engine.loader import load_text
from tests.property.naive_kinds import Stream
from tests.property.naive_life import Change, Clear, Edge, Level, Moment, Terms, cut_off, life
from tests.property.test_kinds import T0
from tests.property.test_life import SECOND, minutes

DEVICE = Device(id="d", type="t", site="s")
LEAVES = [replace(DEVICE, retired_at=1), replace(DEVICE, site="other")]
Test = Callable[[float | None], bool]
Frame = tuple[int, tuple[Event, ...]]


class Version(NamedTuple):
    """One version of a rule. `rise`, `fall`: the upper level's own `for` and `clear`; None where there is none.

    `named`: the numbers of the levels are attributes of the device.
    """

    low: float
    high: float
    rise: int | None
    fall: tuple[float | None, int] | None
    hold: int
    clear: tuple[float | None, int]
    schedule: tuple[str, Callable[[int], bool]]
    title: str
    stale: int
    named: bool = False

    def device(self) -> Device:
        """The device with the numbers as attributes."""
        return replace(DEVICE, attributes={"low": self.low, "high": self.high})

    def text(self, kind: str, lateness: int, raises: bool = True) -> str:
        """The rule; without levels when the kind has its own predicate."""
        low, high = ("{attribute: low}", "{attribute: high}") if self.named else (self.low, self.high)
        upper = [f"above: {high}"]
        upper += [] if self.rise is None else [f"for: {self.rise}s"]
        upper += [] if self.fall is None else [f"clear: {_clear_text(*self.fall)}"]
        levels = f"raise: {{minor: {{above: {low}}}, major: {{{', '.join(upper)}}}}}, " if raises else ""
        return (
            f"{{id: r, {kind}, scope: {{quantity: rain_depth, sites: [s]}}, lateness: {lateness}s, live_for: 1h, "
            f"title: {{en: {self.title}}}, {levels}for: {self.hold}s, clear: {_clear_text(*self.clear)}, "
            f"stale_after: {self.stale}s{self.schedule[0]}}}"
        )

    def terms(self, least: int, raises: bool = True) -> Terms:
        """The same in terms."""
        fall = None if self.fall is None else Clear(_below(self.fall[0]), self.fall[1])
        levels = (Level("minor"), Level("major", self.rise, fall)) if raises else (Level("warning"),)
        clear = Clear(_below(self.clear[0]), self.clear[1])
        return Terms(levels, self.hold, clear, max(self.stale, least), self.schedule[1])

    def tests(self) -> list[Test]:
        """Its two comparisons."""
        return [lambda v: v is not None and v > self.low, lambda v: v is not None and v > self.high]


def _clear_text(bound: float | None, hold: int) -> str:
    return f"{{for: {hold}s}}" if bound is None else f"{{below: {bound}, for: {hold}s}}"


def _below(bound: float | None) -> Test | None:
    return None if bound is None else lambda v: v is not None and v < bound


_bound = st.integers(1, 8).map(lambda bound: bound + 0.37)
_holds = st.sampled_from([0, 5, 12, 20])
_clears = st.tuples(st.one_of(st.none(), _bound), _holds)
versions = st.builds(
    Version,
    low=_bound,
    high=_bound,
    rise=st.one_of(st.none(), _holds),
    fall=st.one_of(st.none(), _clears),
    hold=_holds,
    clear=_clears,
    schedule=minutes(),
    title=st.just("a"),
    stale=st.sampled_from([8, 25, 600]),
    named=st.just(False),
)


def _renumbered(draw: st.DrawFn, clear: tuple[float | None, int] | None) -> tuple[float | None, int] | None:
    """A clear with the same fields."""
    return None if clear is None else (None if clear[0] is None else draw(_bound), draw(_holds))


class Step(NamedTuple):
    """A change: the rule and the device before and after it, None where there is none; why what lives ends."""

    old: Version | None
    new: Version | None
    devices: tuple[Device, Device] = (DEVICE, DEVICE)
    reason: str = ""

    @property
    def judges(self) -> tuple[bool, bool]:
        """Whether the rule judges the device before and after."""
        before, after = ((one.site, one.retired_at) == ("s", None) for one in self.devices)
        return self.old is not None and before, self.new is not None and after


KEPT = ("numbers", "attributes", "rise", "fall", "for", "clear", "title", "schedule", "device", "site")
PLAIN = ("title", "site", "stale", "stale", "stale", "removed", "leaves", "comes", "enters")
"""Changes of a rule of which nothing but its title may change without an end."""
COSTLY = ("stale", "stale", "stale", "structure", "removed", "leaves", "comes", "enters")


@st.composite
def steps(draw: st.DrawFn, sorts: Sequence[str] = (*KEPT, *COSTLY)) -> Step:
    """A change of one of the sorts: of what may change without an end, or of what may not."""
    kept, costly = ([sort for sort in sorts if (sort in COSTLY) is costs] for costs in (False, True))
    what = draw(st.sampled_from(draw(st.sampled_from([costly, kept]))))
    old = draw(versions)
    if what in COSTLY and draw(st.booleans()):  # what begins at once shows best what was not forgotten
        old = old._replace(hold=0, clear=(None, 0), schedule=("", lambda _: True))
    fields: dict[str, Any] = {
        "numbers": {"low": draw(_bound), "high": draw(_bound)},
        "rise": {"rise": draw(st.one_of(st.none(), _holds))},
        "fall": {"fall": _renumbered(draw, old.fall)},
        "for": {"hold": draw(_holds)},
        "clear": {"clear": _renumbered(draw, old.clear)},
        "title": {"title": "b"},
        "schedule": {"schedule": draw(minutes())},
        "structure": {"clear": (4.37 if old.clear[0] is None else None, old.clear[1])},
        "stale": {"stale": {8: 25, 25: 600, 600: 8}[old.stale]},
    }
    if what == "attributes":
        old, new = old._replace(named=True), old._replace(named=True, low=draw(_bound), high=draw(_bound))
        return Step(old, new, (old.device(), new.device()))
    if what in fields:
        return Step(old, old._replace(**fields[what]), reason="rule_changed" if what in COSTLY else "")
    if what == "removed":
        return Step(old, None, reason="rule_removed")
    if what == "comes":
        return Step(None, old)
    other = draw(st.sampled_from(LEAVES))
    if what == "leaves":
        return Step(old, old, (DEVICE, other), "out_of_scope")
    if what == "enters":
        return Step(old, old, (other, DEVICE))
    return Step(old, old, (DEVICE, DEVICE if what == "site" else replace(DEVICE, attributes={"a": 1})))


class Log(NamedTuple):
    """Frames in log order; the catalogue changes at `log` (ms), before the frame numbered `place` and its lines.

    `packed`: with that frame, when it has the same log time. `kills`: frames after which the engine is killed.
    """

    frames: list[Frame]
    place: int
    log: int
    packed: bool
    kills: set[int]

    @property
    def last(self) -> int:
        """L before the change, ms."""
        return self.frames[self.place - 1][0] if self.place else -(10**15)

    def streams(self) -> tuple[Stream, Stream]:
        """What comes before the change and after it."""
        before, after = (
            [(log, one.at, one.value or 0.0) for log, lines in part for one in lines if isinstance(one, Reading)]
            for part in (self.frames[: self.place], self.frames[self.place :])
        )
        return before, after

    def in_time(self, lateness: int) -> Stream:
        """What comes after the change and is not late (s)."""
        return [one for one in self.streams()[1] if one[1] >= one[0] - lateness * SECOND]


@st.composite
def placed(draw: st.DrawFn, stream: list[tuple[int, Event]], tail: int, redelivers: bool = True) -> Log:
    """A log of events, with ticks, packed lines and redeliveries; where it changes, and where it is killed."""
    frames: list[Frame] = []
    for number, (log, event) in enumerate(stream):
        before = frames[-1][0] if frames else T0
        if draw(st.integers(0, 4)) == 0:
            frames.append((_between(draw, before, log), ()))
        older = draw(st.integers(0, number)) if redelivers else number
        again = draw(st.sampled_from([None, None, None, None, number, older]))
        lines = (event,) if again is None else (event, stream[again][1])
        if frames and frames[-1][0] == log and draw(st.booleans()):
            frames[-1] = (log, (*frames[-1][1], *lines))
        else:
            frames.append((log, lines))
    frames.append(((frames[-1][0] if frames else T0) + tail * SECOND, ()))
    place = draw(st.integers(0, len(frames) - 1))
    before, following = frames[place - 1][0] if place else T0, frames[place][0]
    seen = [event for _, lines in frames[:place] for event in lines]
    if redelivers and seen and draw(st.booleans()):  # first of all after the change
        frames[place] = (following, (draw(st.sampled_from(seen[-3:])), *frames[place][1]))
    return Log(
        frames,
        place,
        _between(draw, before, min(following, before + 40 * SECOND)),
        draw(st.booleans()),
        draw(st.sets(st.integers(0, len(frames)), max_size=3)),
    )


def _between(draw: st.DrawFn, first: int, last: int) -> int:
    return first + draw(st.integers(0, max(0, last - first) // SECOND)) * SECOND


def play(topic: str, known: Sequence[CatalogueChange], news: Sequence[CatalogueChange], log: Log) -> list[Any]:
    """What the engine gives; after a kill it is built anew from its dumps and the catalogue as of then."""
    engine = Engine(topic, 0, changes=known)
    frames = [(*frame, ()) for frame in log.frames]
    frames[log.place : log.place] = [(log.log, (), tuple(news))]  # type: ignore[list-item]
    if log.packed and frames[log.place + 1][0] == log.log:
        frames[log.place : log.place + 2] = [(*log.frames[log.place], tuple(news))]  # type: ignore[list-item]
    found: list[Any] = []
    for number, (at, lines, news_) in enumerate(frames):
        known = [*known, *news_]
        frame = LogFrame[Event](
            topic=topic, partition=0, offset=number, log=at, lines=tuple(enumerate(lines)), news=news_
        )
        delta = engine.fold(frame)
        engine.commit(delta)
        found += delta.outputs
        if number in log.kills:
            saved = {key: raw for key in engine.state_keys() if (raw := engine.dump(key)) is not None}
            engine = Engine(topic, 0, changes=known, state=saved)
    _in_sequence(found)
    return found


def _in_sequence(outputs: list[Any]) -> None:
    """Alerts take an episode that is not above the one before, or an edge out of its turn, for a repeat."""
    told = [(one.episode, one.n, one.edge) for one in outputs if isinstance(one, Condition)]
    for (episode, n, edge), (following, m, _) in pairwise(told):
        assert (following > episode and m == 0) if edge is ConditionEdge.END else (following, m) == (episode, n + 1)


def catalogue(
    old: str | None, new: str | None, devices: tuple[Device, Device] = (DEVICE, DEVICE)
) -> tuple[list[CatalogueChange], list[CatalogueChange]]:
    """What is known at first, and the news: rules as texts, None where there is none."""
    known = [CatalogueChange(0, Kind.DEVICE, "d", devices[0])]
    known += rule_changes(load_text(old).checked()) if old else []
    if devices[0] != devices[1]:
        return known, [CatalogueChange(1, Kind.DEVICE, "d", devices[1])]
    if old == new:
        site: Document = Site(id="s")
        return known, [CatalogueChange(1, Kind.SITE, "s", site)]
    return known, rule_changes(load_text(new).checked()) if new else [CatalogueChange(1, Kind.RULE, "r", None)]


class Judged(NamedTuple):
    """What a kind judges: before the change, after it when the state is kept, after it when it knows only that.

    `position`: the first second at which the rule after the change is in force.
    """

    before: list[Moment]
    kept: list[Moment]
    fresh: list[Moment]
    position: int


def expected(step: Step, judged: Judged, log: int, end: int, least: int, raises: bool = True) -> list[Edge]:
    """The edges of a rule that changes at `log` (s), up to `end`."""
    before, after = step.judges
    old = step.old.terms(least, raises) if step.old else None
    new = step.new.terms(least, raises) if step.new else None
    if old and new and before and after and not step.reason:
        return life([*judged.before, *judged.kept], old, end, Change(judged.position, new))
    edges: list[Edge] = []
    if old and before:
        edges = cut_off(life(judged.before, old, judged.position), log, step.reason)
    return [*edges, *life(judged.fresh, new, end)] if new and after else edges
