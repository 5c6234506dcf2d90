"""What must not matter: ticks, repeats, kills, and folds that were thrown away."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.events import Event, Reading
from pipeline.core.machine import LogFrame
from rules.engine.engine import Engine
from tests.property.rule_logs import T0, changes, logs, outcome, run, tick

_END = 600_000


@settings(max_examples=120, deadline=None)
@given(logs, st.data())
def test_ticks_put_anywhere_change_no_outcome(log: list[LogFrame[Event]], data: st.DataObject) -> None:
    end = tick(log[-1].log + _END)
    ticked: list[LogFrame[Event]] = []
    for before, after in zip(log, [*log[1:], end], strict=True):
        ticked.append(before)
        times = data.draw(st.lists(st.integers(before.log, after.log), max_size=2))
        ticked += [tick(at) for at in sorted(times)]
    assert outcome(run([*ticked, end])) == outcome(run([*log, end]))


def test_an_absence_due_when_its_producer_falls_silent_is_held_back_with_and_without_a_tick() -> None:
    """The gateway's last word is 30 s before the absence of 40 s is due; a millisecond later it speaks again."""
    first = LogFrame[Event](
        topic="ioc.readings.v1", partition=0, offset=0, log=T0, lines=((0, reading("d1", T0)),), producer="gw"
    )
    log = [first, tick(T0 + 10_000, "gw"), tick(T0 + 40_001, "gw"), tick(T0 + 60_000, "gw")]
    without = outcome(run(log))
    assert [one[0] for one in without if "|d1|" in one[0]] == []
    assert outcome(run([*log[:2], tick(T0 + 40_001), *log[2:]])) == without


def test_an_absence_due_before_its_producer_falls_silent_begins_with_and_without_a_tick() -> None:
    """As above, but the gateway's last word is a millisecond later: when the absence is due it is not silent yet."""
    first = LogFrame[Event](
        topic="ioc.readings.v1", partition=0, offset=0, log=T0, lines=((0, reading("d1", T0)),), producer="gw"
    )
    log = [first, tick(T0 + 10_001, "gw"), tick(T0 + 40_002, "gw"), tick(T0 + 60_000, "gw")]
    without = outcome(run(log))
    assert [one[5] - T0 for one in without if "|d1|" in one[0]] == [40_000]
    assert outcome(run([*log[:2], tick(T0 + 40_001), *log[2:]])) == without


@settings(max_examples=200, deadline=None)
@given(logs)
def test_how_lines_of_one_moment_are_packed_into_frames_changes_no_outcome(log: list[LogFrame[Event]]) -> None:
    single = [
        LogFrame[Event](
            topic=frame.topic, partition=0, offset=frame.offset, log=frame.log, lines=lines, producer=frame.producer
        )
        for frame in log
        for lines in one_by_one(frame)
    ]
    end = tick(log[-1].log + _END)
    assert outcome(run([*single, end])) == outcome(run([*log, end]))


@settings(max_examples=120, deadline=None)
@given(logs, st.data())
def test_a_kill_at_any_point_changes_nothing(log: list[LogFrame[Event]], data: st.DataObject) -> None:
    kills = data.draw(st.sets(st.integers(0, len(log))))
    seen = 0

    def reborn(engine: Engine) -> Engine:
        nonlocal seen
        seen += 1
        if seen not in kills:
            return engine
        saved = {key: raw for key in engine.state_keys() if (raw := engine.dump(key)) is not None}
        return Engine("ioc.readings.v1", 0, changes=changes(), state=saved)

    frames = [*log, tick(log[-1].log + _END)]
    assert run(frames, reborn) == run(frames)


@settings(max_examples=60, deadline=None)
@given(logs)
def test_changed_keys_alone_rebuild_the_state(log: list[LogFrame[Event]]) -> None:
    engine = Engine("ioc.readings.v1", 0, changes=changes())
    saved: dict[bytes, bytes] = {}
    for frame in log:
        delta = engine.fold(frame)
        engine.commit(delta)
        for key in delta.changed:
            raw = engine.dump(key)
            if raw is None:
                saved.pop(key, None)
            else:
                saved[key] = raw
    assert saved == {key: engine.dump(key) for key in engine.state_keys()}


@settings(max_examples=60, deadline=None)
@given(logs)
def test_a_fold_that_is_not_committed_leaves_no_trace(log: list[LogFrame[Event]]) -> None:
    frames = [*log, tick(log[-1].log + _END)]
    engine = Engine("ioc.readings.v1", 0, changes=changes())
    for frame in frames:
        before = {key: engine.dump(key) for key in engine.state_keys()}
        first = engine.fold(frame)
        assert {key: engine.dump(key) for key in engine.state_keys()} == before
        second = engine.fold(frame)
        assert second.outputs == first.outputs
        assert second.changed == first.changed
        engine.commit(second)


@settings(max_examples=120, deadline=None)
@given(logs, st.data())
def test_a_repeated_reading_changes_nothing(log: list[LogFrame[Event]], data: st.DataObject) -> None:
    repeated = []
    for frame in log:
        again = data.draw(st.lists(st.sampled_from(frame.lines), max_size=2)) if frame.lines else []
        repeated.append(
            LogFrame[Event](
                topic=frame.topic,
                partition=0,
                offset=frame.offset,
                log=frame.log,
                lines=(*frame.lines, *again),
                producer=frame.producer,
            )
        )
    end = tick(log[-1].log + _END)
    assert outcome(run([*repeated, end])) == outcome(run([*log, end]))


@settings(max_examples=120, deadline=None)
@given(logs)
def test_edges_of_an_episode_are_in_order_and_nothing_follows_an_end(log: list[LogFrame[Event]]) -> None:
    open_: dict[str, tuple[int, int, int]] = {}
    for one in run([*log, tick(log[-1].log + _END)]):
        if one.late:
            continue
        if one.edge == "begin":
            assert one.key not in open_
            assert one.n == 0
        else:
            episode, n, at = open_.pop(one.key)
            assert (one.episode, one.n) == (episode, n + 1)
            assert one.at >= at
        if one.edge != "end":
            open_[one.key] = (one.episode, one.n, one.at)


def reading(device: str, at: int) -> Reading:
    """A temperature that raises nothing."""
    return Reading(device=device, quantity="air_temperature", value=3.0, at=at)


def one_by_one(frame: LogFrame[Event]) -> list[tuple[tuple[int, Event], ...]]:
    """The lines of a frame, each alone; a tick stays one."""
    return [(line,) for line in frame.lines] or [()]
