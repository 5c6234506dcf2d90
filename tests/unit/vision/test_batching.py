"""Batches across cameras: newest picture only, the longest unserved first, deadline; a stalled one holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.detectors import Batched, Dropped
from vision.detectors.batching import DROPPED, Batcher, WaitingRoom
from vision.picture import Box, Image, Picture, Seen


def cameras(room: WaitingRoom[int], now: float) -> list[str]:
    return [each.camera for each in room.take(now).batch]


def test_a_batch_is_due_when_the_first_has_waited_20_ms() -> None:
    room: WaitingRoom[int] = WaitingRoom(most=16, wait_ms=20)
    assert room.due_in(0) is None
    room.put("a", 1, 100)
    room.put("b", 2, 110)
    assert room.due_in(110) == 10
    assert room.due_in(120) == 0
    assert cameras(room, 120) == ["a", "b"]
    assert room.due_in(120) is None


def test_a_full_batch_is_due_at_once() -> None:
    room: WaitingRoom[int] = WaitingRoom(most=2)
    room.put("a", 1, 0)
    assert room.due_in(0) == 20
    room.put("b", 1, 0)
    assert room.due_in(0) == 0


def test_of_a_camera_only_the_newest_picture_waits() -> None:
    room: WaitingRoom[int] = WaitingRoom()
    assert room.put("a", 1, 0) is None
    before = room.put("a", 2, 5)
    assert before is not None
    assert before.thing == 1
    assert [each.thing for each in room.take(30).batch] == [2]


def test_the_camera_that_was_served_longest_ago_comes_first() -> None:
    room: WaitingRoom[int] = WaitingRoom(most=2)
    for n, name in enumerate("abc"):
        room.put(name, n, n)
    assert cameras(room, 30) == ["a", "b"]
    for name in "ab":  # the quick ones are here again before the third
        room.put(name, 9, 31)
    assert cameras(room, 60) == ["c", "a"]
    assert cameras(room, 60) == ["b"]


def test_a_picture_that_waited_beyond_the_deadline_is_not_looked_at() -> None:
    room: WaitingRoom[int] = WaitingRoom(deadline_ms=400)
    room.put("a", 1, 0)
    room.put("b", 2, 100)
    taken = room.take(401)
    assert [each.camera for each in taken.batch] == ["b"]
    assert [each.camera for each in taken.late] == ["a"]


@given(st.integers(1, 16), st.integers(1, 64), st.integers(1, 20))
def test_every_camera_is_served_once_in_a_round_however_many_there_are(most: int, count: int, rounds: int) -> None:
    """Cameras that always have a picture: after k batches nobody was served twice more often than another."""
    room: WaitingRoom[int] = WaitingRoom(most=most, deadline_ms=10**9)
    served = {f"cam-{n}": 0 for n in range(count)}
    for turn in range(rounds):
        for camera in served:
            room.put(camera, turn, turn)
        batch = cameras(room, turn)
        assert len(batch) == min(most, count)
        for camera in batch:
            served[camera] += 1
    assert max(served.values()) - min(served.values()) <= 1


def simulated(cameras: int, stalled: int = 0, batch_ms: int = 40, seconds: int = 20) -> tuple[list[int], int]:
    """Cameras at 5 pictures a second for a while, in simulated time; a batch takes `batch_ms`.

    Returns how long each picture that was looked at took from its arrival to its answer, and how many were dropped.
    Cameras that stall send one picture at the begin and then nothing.
    """
    room: WaitingRoom[int] = WaitingRoom()
    taken, dropped, free_at = [], 0, 0
    for now in range(seconds * 1000):
        for n in range(cameras):
            if now % 200 == n * 200 // cameras and (n >= stalled or now < 200):
                dropped += room.put(f"cam-{n}", now, now) is not None
        if now >= free_at and room.due_in(now) == 0:
            found = room.take(now)
            free_at = now + batch_ms
            taken += [free_at - each.thing for each in found.batch]
            dropped += len(found.late)
    return taken, dropped


def test_of_64_cameras_each_picture_is_answered_in_half_a_second_and_none_is_dropped() -> None:
    taken, dropped = simulated(64)  # 320 pictures a second; batches of 16 in 40 ms could do 400
    assert np.percentile(taken, 99) < 500
    assert dropped == 0
    assert len(taken) >= 64 * 5 * 20 - 64


def test_a_camera_that_stalls_changes_nothing_for_the_others() -> None:
    all_well, _ = simulated(64)
    taken, dropped = simulated(64, stalled=1)
    assert dropped == 0
    assert np.percentile(taken, 99) <= np.percentile(all_well, 99) + 1


def test_of_twice_as_many_cameras_as_can_be_served_as_many_pictures_are_answered_as_can_be_and_in_time() -> None:
    taken, dropped = simulated(128)
    assert len(taken) == pytest.approx(400 * 20, rel=0.05)  # as many as the network can
    assert dropped == pytest.approx(128 * 5 * 20 - len(taken), abs=128)
    assert np.percentile(taken, 99) < 500


class Network:
    """Counts its batches; waits at a gate, so that a test says when it goes on. Sees the picture's first byte."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.batches: list[int] = []
        self.began = threading.Semaphore(0)
        self.fault: Exception | None = None

    def __call__(self, images: Sequence[Image]) -> list[list[Seen]]:
        self.batches.append(len(images))
        self.began.release()
        assert self.gate.wait(10)
        if self.fault is not None:
            raise self.fault
        return [[Seen(Box(float(image[0, 0, 0]), 0, 1, 1), "person", 0.9)] for image in images]


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.gate.set()


def picture(number: int) -> Picture:
    return Picture(np.full((2, 2, 3), number, np.uint8), number)


def left(answer: Future[list[Seen]]) -> list[float]:
    return [seen.box.x for seen in answer.result(10)]


def dropped(camera: str, reason: str) -> float:
    return float(DROPPED.labels(camera, reason)._value.get())


def test_pictures_of_many_cameras_go_in_one_batch_and_each_gets_its_own_answer(network: Network) -> None:
    batcher = Batcher(network, WaitingRoom(most=16, wait_ms=5))
    first = batcher.submit("first", picture(99))
    assert network.began.acquire(timeout=10)  # while this one is at work, the others gather
    answers = [batcher.submit(f"cam-{n}", picture(n)) for n in range(16)]
    network.gate.set()
    assert left(first) == [99]
    assert [left(answer) for answer in answers] == [[n] for n in range(16)]
    assert network.batches == [1, 16]
    batcher.stop()


def test_a_newer_picture_takes_the_place_of_the_waiting_one_which_is_counted(network: Network) -> None:
    batcher = Batcher(network, WaitingRoom(wait_ms=1))
    batcher.submit("busy", picture(0))
    assert network.began.acquire(timeout=10)
    before = dropped("cam-newer", "newer")
    old, new = batcher.submit("cam-newer", picture(1)), batcher.submit("cam-newer", picture(2))
    with pytest.raises(Dropped, match="newer"):
        old.result(10)
    network.gate.set()
    assert left(new) == [2]
    assert dropped("cam-newer", "newer") == before + 1
    batcher.stop()


def test_a_picture_that_waits_behind_a_slow_batch_beyond_its_deadline_is_refused(network: Network) -> None:
    batcher = Batcher(network, WaitingRoom(wait_ms=1, deadline_ms=-1))
    answer = batcher.submit("cam-late", picture(1))
    with pytest.raises(Dropped, match="deadline"):
        answer.result(10)
    assert network.batches == []
    batcher.stop()


def test_a_network_that_fails_tells_every_camera_of_the_batch_and_goes_on(network: Network) -> None:
    network.gate.set()
    network.fault = RuntimeError("out of memory")
    batcher = Batcher(network, WaitingRoom(wait_ms=1))
    with pytest.raises(RuntimeError, match="out of memory"):
        batcher.submit("a", picture(1)).result(10)
    network.fault = None
    assert left(batcher.submit("a", picture(2))) == [2]
    batcher.stop()


def test_an_answer_that_nobody_waits_for_any_more_costs_no_run(network: Network) -> None:
    batcher = Batcher(network, WaitingRoom(wait_ms=1))
    batcher.submit("busy", picture(0))
    assert network.began.acquire(timeout=10)
    gone = batcher.submit("gone", picture(1))
    assert gone.cancel()
    here = batcher.submit("here", picture(2))
    network.gate.set()
    assert left(here) == [2]
    assert network.batches == [1, 1]
    batcher.stop()


def test_stopping_refuses_what_waits_and_what_comes(network: Network) -> None:
    batcher = Batcher(network, WaitingRoom(wait_ms=1))
    working = batcher.submit("busy", picture(0))
    assert network.began.acquire(timeout=10)
    waiting = batcher.submit("a", picture(1))
    stopping = threading.Thread(target=batcher.stop)
    stopping.start()
    with pytest.raises(Dropped, match="stopped"):
        waiting.result(10)
    network.gate.set()
    assert left(working) == [0]
    stopping.join(10)
    with pytest.raises(Dropped, match="stopped"):
        batcher.submit("a", picture(2)).result(10)


def test_only_a_detector_with_submit_is_batched() -> None:
    class Plain:
        def detect(self, picture: Picture) -> list[Seen]:
            return []

    assert not isinstance(Plain(), Batched)
