"""Changes in mid-stream of the kinds whose edges do not come from values and levels, against their naive evaluations.

Of these rules only the title may change without an end: a change that costs the state leaves what was told behind W,
or by the readings before it, and what the naive evaluation makes of the records after it.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.core.catalogue import Device
from pipeline.core.conditions import Condition
from pipeline.core.events import Case, CaseKind, CaseState, Event, Reading
from tests.property import reloads
from tests.property.naive_kinds import KINDS, NAIVE, NEVER, REPEATS, Edges, Stream, applied, in_time
from tests.property.naive_life import Moment
from tests.property.reloads import PLAIN, Judged, Log, Step, Version, catalogue, expected, placed, play, steps
from tests.property.test_kinds import T0, readings, stages, told
from tests.property.test_life import END, SECOND, arrivals
from tests.property.test_life import told as life_told
from tests.property.test_reload import position, second
from tests.property.test_sequences import fence, near, sequences
from tests.property.test_silence_and_partitions import silences

plain = steps(PLAIN)
SCOPE = "scope: {quantity: rain_depth, sites: [s]}"


def is_told(kind: str, at: int, newest: int, watermark: int) -> bool:
    """Whether an edge is told by what has come up to `newest`, or behind W."""
    if kind == "session":
        return at + 10_000 < watermark
    return kind in KINDS or (kind in REPEATS and at <= newest) or at < watermark


@pytest.mark.parametrize("kind", NAIVE)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_kind_that_loses_its_state_begins_anew(kind: str, data: st.DataObject) -> None:
    """One level without a `for`: what is not forgotten shows at the first readings after the change."""
    text, naive = NAIVE[kind]
    single = kind in KINDS or kind in REPEATS
    log: Log = data.draw(placed(readings(data.draw(arrivals(0 if single else 10, steady=kind == "baseline"))), END))
    old, new = (f"{{id: r, {SCOPE}, live_for: {hours}h, {text}}}" for hours in (1, 2))
    found = told(play("ioc.readings.v1", *catalogue(old, new), log))
    early, late = log.streams()
    newest, watermark = max((at for _, at, _ in early), default=0), log.last - 10_000
    before = [one for one in naive(early) if is_told(kind, one[1], newest, watermark)]
    assert found == cut(before, log.log) + naive(late if single else log.in_time(10))


def texts(step: Step, rule: str) -> tuple[str | None, str | None]:
    """The rule before and after, by what it says beside its title and `stale_after`."""

    def text(version: Version | None) -> str | None:
        return version and f"{{id: r, title: {{en: {version.title}}}, stale_after: {version.stale + 172800}s, {rule}}}"

    return text(step.old), text(step.new)


def joined(step: Step, before: Edges, whole: Edges, fresh: Edges, log: int) -> Edges:
    """What a rule comes to: told before the change, over the whole log, after the change."""
    old, new = step.judges
    if old and new and not step.reason:
        return whole
    return [*(cut(before, log) if old else []), *(fresh if new else [])]


def cut(edges: Edges, log: int) -> Edges:
    """The edges, and an end at `log` of what is active."""
    return [*edges, ("end", max(log, edges[-1][1]))] if len(edges) % 2 else list(edges)


@settings(max_examples=80, deadline=None)
@given(
    step=plain,
    lateness=st.sampled_from([0, 7, 20]),
    within=st.sampled_from([8, 12, 25]),
    hold=st.sampled_from([0, 5, 15, 60]),
    restart=st.booleans(),
    data=st.data(),
)
def test_a_sequence_that_changes_is_what_a_naive_evaluation_says(
    step: Step, lateness: int, within: int, hold: int, restart: bool, data: st.DataObject
) -> None:
    """First readings that wait, a forbidden one between, and a hold, all lost or kept."""
    log: Log = data.draw(placed(readings(data.draw(arrivals(lateness))), END + lateness))
    rule = f"kind: sequence, {SCOPE}, lateness: {lateness}s, first: {{above: 7}}, then: {{below: 3}}, "
    rule += f"within: {within}s, not_between: {{equals: 5}}, hold: {hold}s, restart: {str(restart).lower()}"
    found = told(play("ioc.readings.v1", *catalogue(*texts(step, rule), step.devices), log))
    early, late = log.streams()

    def of(stream: Stream) -> Edges:
        return sequences(in_time(stream), within * SECOND, hold * SECOND, restart, between=True)

    before = [edge for edge in of(early) if edge[1] < log.last - lateness * SECOND]
    assert found == joined(step, before, of([*early, *late]), of(log.in_time(lateness)), log.log)


@settings(max_examples=80, deadline=None)
@given(
    step=plain,
    confirm=st.integers(1, 3),
    event=st.sampled_from(["enter", "leave", "dwell"]),
    dwell=st.integers(1, 40),
    data=st.data(),
)
def test_a_geofence_that_changes_is_what_a_naive_evaluation_says(
    step: Step, confirm: int, event: str, dwell: int, data: st.DataObject
) -> None:
    """The side that is confirmed, and positions that confirm it, lost or kept. Only positions make edges, as there."""
    log: Log = data.draw(placed(readings(data.draw(arrivals(20))), 100_000))
    rule = f"kind: geofence, {SCOPE}, lateness: 24h, live_for: 48h, event: {event}, confirm: {confirm}, "
    rule += "polygon: [[5, -1], [20, -1], [20, 1], [5, 1]]" + (f", dwell: {dwell}s" if event == "dwell" else "")
    found = told(play("ioc.readings.v1", *catalogue(*texts(step, rule), step.devices), log))
    early, late = log.streams()

    def of(stream: Stream, end: int) -> Edges:
        return fence(applied(stream), confirm, event, dwell * SECOND, end)

    last_inside = max((at for at, value in applied(early) if value >= 5), default=T0)
    end = log.frames[-1][0]
    assert found == joined(step, of(early, last_inside), of([*early, *late], end), of(late, end), log.log)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(step=steps(("for", "clear", "schedule", *PLAIN)), drift=st.sampled_from([0.2, 0.5, 1.0]), data=st.data())
def test_a_forecast_that_changes_lives_as_the_naive_life_says(step: Step, drift: float, data: st.DataObject) -> None:
    """The samples of the line, lost or kept."""
    step = step._replace(old=_without_bound(step.old), new=_without_bound(step.new))
    stream = [(log, at, drift * n + number / 4) for n, (log, at, number) in enumerate(data.draw(arrivals(0)))]
    log: Log = data.draw(placed(readings(stream), END))
    fields = "kind: forecast, level: 9.37, horizon: 60s, over: 120s"
    old, new = (one and one.text(fields, 0, raises=False) for one in (step.old, step.new))
    outputs = play("ioc.readings.v1", *catalogue(old, new, step.devices), log)
    early, late = log.streams()
    before, fresh, whole = (_forecast(part) for part in (early, late, [*early, *late]))
    judged = Judged(before, whole[len(before) :], fresh, position(before, log.last))
    end = second(log.frames[-1][0])
    assert life_told(outputs) == expected(step, judged, second(log.log), end, 0, raises=False)


def _without_bound(version: Version | None) -> Version | None:
    return version and version._replace(clear=(None, version.clear[1]))


def _forecast(stream: Stream) -> list[Moment]:
    values = applied(stream)
    narrow, wide = ([near(values, at, factor, 1) for at, _ in values] for factor in (0.99, 1.01))
    assume(narrow == wide)
    return [Moment(second(at), (holds,), 0.0) for (at, _), holds in zip(values, wide, strict=True) if holds is not None]


@settings(max_examples=60, deadline=None)
@given(step=steps(), data=st.data())
def test_a_rule_that_sorts_its_readings_lives_as_the_naive_life_says(step: Step, data: st.DataObject) -> None:
    """`reorder: 5s`: what waits is judged by the changed numbers, or dropped."""
    stream = [(log, max(at, log - 4000), value) for log, at, value in data.draw(arrivals(4))]
    log: Log = data.draw(placed(readings(stream), END + 5, redelivers=False))
    old, new = (one and one.text("kind: threshold, reorder: 5s", 5) for one in (step.old, step.new))
    outputs = play("ioc.readings.v1", *catalogue(old, new, step.devices), log)
    early, late = log.streams()
    watermark = log.last - 5 * SECOND
    tests = [one.tests() for one in ((step.old or step.new), (step.new or step.old)) if one]

    def moments(part: Stream, version: int) -> list[Moment]:
        return [Moment(second(at), tuple(test(v) for test in tests[version]), v) for at, v in in_time(part)]

    before = [one for one in moments(early, 0) if T0 + one.at * SECOND < watermark]
    kept = [one for one in moments([*early, *late], 1) if T0 + one.at * SECOND >= watermark]
    judged = Judged(before, kept, moments(late, 1), position(before, watermark))
    end = second(log.frames[-1][0]) - 5
    assert life_told(outputs) == expected(step, judged, second(log.log), end, 0)


class Early:
    """Windows of 20 s whose sum is above a bound, begun as soon as their readings say so: frame by frame."""

    def __init__(self, bound: float, lateness: int) -> None:
        self.bound, self.lateness = bound, lateness * SECOND
        self.known: dict[int, float] = {}
        self.final = -NEVER
        self.edges: Edges = []

    @property
    def active(self) -> bool:
        """Whether the last edge is a begin."""
        return len(self.edges) % 2 == 1

    def sum(self, end: int) -> float:
        """The sum of what is known of the window that ends at `end`."""
        return sum(value for at, value in self.known.items() if end - 20_000 <= at < end)

    def next(self) -> int | None:
        """The end of the next window to be final: windows begin with the first that holds a reading."""
        if not self.known:
            return None
        return max(min(self.known) // 20_000 * 20_000, self.final) + 20_000

    def look(self) -> None:
        """Begin early."""
        end = self.next()
        if end is not None and not self.active and self.sum(end) > self.bound:
            self.edges.append(("begin", max(at for at in self.known if end - 20_000 <= at < end)))

    def take(self, log: int, lines: tuple[Event, ...]) -> None:
        """One frame."""
        while (end := self.next()) is not None and end <= log - self.lateness:
            self.final = end
            holds = self.sum(end) > self.bound
            if holds and not self.active:
                self.edges.append(("begin", end))
            elif self.active and not holds and end > self.edges[-1][1]:
                self.edges.append(("end", end))
            self.look()
        for one in lines:
            assert isinstance(one, Reading)
            if one.at >= log - self.lateness:
                self.known.setdefault(one.at, one.value or 0.0)
                self.look()


@settings(max_examples=80, deadline=None)
@given(step=steps(("numbers", *PLAIN)), lateness=st.sampled_from([0, 7, 20]), data=st.data())
def test_an_early_window_that_changes_is_what_a_naive_evaluation_says(
    step: Step, lateness: int, data: st.DataObject
) -> None:
    """A changed number acts at the next reading or window's end, not on what has begun already."""
    log: Log = data.draw(placed(readings(data.draw(arrivals(lateness))), END + lateness))

    def text(version: Version | None) -> str | None:
        rule = f"kind: window, {SCOPE}, lateness: {lateness}s, window: {{size: 20s, aggregate: sum, early: true}}, "
        return version and texts(Step(version, None), rule + f"raise: {{above: {version.low + 5}}}")[0]

    found = told(play("ioc.readings.v1", *catalogue(text(step.old), text(step.new), step.devices), log))
    old, new = ((one.low + 5 if one else 0.0) for one in (step.old, step.new))
    whole, fresh = Early(old, lateness), Early(new, lateness)
    for frame in log.frames[: log.place]:
        whole.take(*frame)
    before, whole.bound = list(whole.edges), new
    for frame in [(log.log, ()), *log.frames[log.place :]]:
        whole.take(*frame)
        fresh.take(*frame)
    assert found == joined(step, before, whole.edges, fresh.edges, log.log)


_gap = st.one_of(st.integers(1, 70), st.sampled_from([30, 31, 40]))


@settings(max_examples=80, deadline=None)
@given(step=plain, gaps=st.lists(_gap, max_size=15), data=st.data())
def test_an_absence_that_changes_is_what_a_naive_evaluation_says(
    step: Step, gaps: list[int], data: st.DataObject
) -> None:
    """A rule that comes, or loses its state, counts from then on."""
    heard: list[tuple[int, Event]] = []
    at = T0
    for gap in gaps:
        at += gap * SECOND
        heard.append((at, Reading(device="d", quantity="rain_depth", at=at, value=1.0)))
    log: Log = data.draw(placed(heard, END))
    devices = tuple(_since(device) for device in step.devices)
    rules = texts(step, f"kind: absence, {SCOPE}, after: 30s")
    found = told(play("ioc.readings.v1", *catalogue(*rules, devices), log))  # type: ignore[arg-type]
    early = [at for at, lines in log.frames[: log.place] if lines]
    late = [at for at, lines in log.frames[log.place :] if lines]
    end = log.frames[-1][0]
    before, whole = _told(early, T0, log.last), _told([*early, *late], T0, end)
    assert found == joined(step, before, whole, _told(late, log.log, end), log.log)


def _told(heard: list[int], begin: int, until: int) -> Edges:
    """The silences that are told by L = `until`."""
    return [one for one in silences(heard, begin, NEVER) if one[0] == "end" or one[1] < until]


def _since(device: Device) -> Device:
    return replace(device, active_from=T0)


_case = st.tuples(st.integers(1, 40), st.sampled_from([*[CaseState.OPEN] * 4, CaseState.DONE]), st.integers(-60, 120))


@settings(max_examples=80, deadline=None)
@given(
    step=steps(("title", "site", "stale", "removed", "comes")),
    raw=st.lists(_case, max_size=8),
    lateness=st.sampled_from([0, 10]),
    data=st.data(),
)
def test_a_deadline_that_changes_is_what_a_naive_evaluation_says(
    step: Step, raw: list[tuple[int, CaseState, int]], lateness: int, data: st.DataObject
) -> None:
    """After a change that costs the state a case is known from its next state on."""
    at, stream = T0, []
    for gap, state, off in raw:
        at += gap * SECOND
        stream.append((at, Case(case="k", kind=CaseKind.DOSSIER, state=state, at=at, due_at=at + off * SECOND)))
    log: Log = data.draw(placed(stream, END))  # type: ignore[arg-type]
    rule = "scope: {cases: {case: dossier}}, kind: deadline, due_soon: 20s, overdue: true, escalate: 30s, "
    outputs = play("ioc.cases.v1", *catalogue(*texts(step, f"{rule}lateness: {lateness}s")), log)
    found = [(one.edge.value, one.at, one.severity.value) for one in outputs if isinstance(one, Condition)]

    def of(frames: list[reloads.Frame]) -> list[tuple[str, int, str]]:
        known: list[tuple[int, bool, int]] = []
        for _, lines in frames:
            for one in lines:
                assert isinstance(one, Case)
                if not known or one.at > known[-1][0]:
                    known.append((one.at, one.state is CaseState.DONE, one.due_at or 0))
        return stages(known) if known else []

    newest = max((log_ for log_, lines in log.frames[: log.place] if lines), default=0)
    before = [one for one in of(log.frames[: log.place]) if one[1] <= newest or one[1] < log.last - lateness * SECOND]
    whole, fresh = of(log.frames), of(log.frames[log.place :])
    severity = before[-1][2] if before and before[-1][0] != "end" else ""
    old, new = step.judges
    if old and new and not step.reason:
        assert found == whole
        return
    ends = [("end", max(log.log, before[-1][1]), severity)] if severity else []
    assert found == [*(before + ends if old else []), *(fresh if new else [])]
