"""The newest thing wins; what it replaces is counted."""

from __future__ import annotations

import asyncio
import threading

from vision.newest import Newest


async def test_the_newest_is_taken_and_the_older_ones_are_reported() -> None:
    skipped: list[int] = []
    newest: Newest[int] = Newest(skipped.append)
    for number in range(4):
        newest.put(number)
    assert await newest.get(1) == 3
    assert skipped == [0, 1, 2]
    assert await newest.get(0.01) is None


async def test_a_waiting_taker_is_woken_from_another_thread() -> None:
    newest: Newest[str] = Newest(lambda _: None)
    taker = asyncio.create_task(newest.get(5))
    await asyncio.sleep(0)
    threading.Thread(target=newest.put, args=("here",)).start()
    assert await taker == "here"


async def test_nothing_is_lost_or_taken_twice_between_two_threads() -> None:
    skipped: list[int] = []
    newest: Newest[int] = Newest(skipped.append)
    thread = threading.Thread(target=_put_all, args=(newest, 2000))
    thread.start()
    taken: list[int] = []
    while not taken or taken[-1] != 1999:
        found = await newest.get(5)
        if found is not None:
            taken.append(found)
    thread.join()
    assert sorted(taken + skipped) == list(range(2000))
    assert taken == sorted(taken)


async def test_what_comes_after_the_end_is_reported_and_not_kept() -> None:
    skipped: list[int] = []
    newest: Newest[int] = Newest(skipped.append)
    newest.put(1)
    assert newest.close() == 1
    newest.put(2)
    assert skipped == [2]
    assert newest.take() is None


def _put_all(newest: Newest[int], count: int) -> None:
    for number in range(count):
        newest.put(number)
