"""One consumer, many browsers: order, resumption, and what happens to a browser that is too slow."""

from __future__ import annotations

import asyncio
import json

from pipeline.console.stream import KEPT_EVENTS, Client, Event, Hub, event_of


def hub(queue: int = 10) -> Hub:
    return Hub("127.0.0.1:1", clock=lambda: 1000, queue=queue)


def event(offset: int) -> Event:
    return Event(offset, "alert", b"{}")


def waiting(client: Client) -> list[int]:
    """The offsets in a browser's queue."""
    found = []
    while not client._queue.empty():
        found.append(client._queue.get_nowait().offset)
    return found


def test_an_event_is_written_as_the_standard_says() -> None:
    assert Event(7, "alert", b'{"a":1}').sse() == b'id: 7\nevent: alert\ndata: {"a":1}\n\n'
    assert Event(-1, "hb", b"{}").sse() == b"event: hb\ndata: {}\n\n"


def test_an_alert_event_carries_the_attributes_and_the_body_as_it_is() -> None:
    headers = {"ce_type": b"vn.ioc.alert.raised.v1", "ce_id": b"e1", "ce_alertid": b"a1", "ce_sequence": b"3"}
    told = event_of(5, {**headers, "ce_causationid": b"v1"}, b'{"key":"r|d"}', 1000)
    assert json.loads(told.data) == {
        "id": "e1",
        "type": "vn.ioc.alert.raised.v1",
        "alertid": "a1",
        "causationid": "v1",
        "sequence": 3,
        "now": 1000,
        "data": {"key": "r|d"},
    }


def test_progress_is_told_with_the_servers_clock() -> None:
    told = event_of(5, {"ce_type": b"vn.ioc.progress.v1"}, b'{"upto":900,"alerts":950}', 1000)
    assert (told.name, json.loads(told.data)) == ("progress", {"now": 1000, "upto": 900, "alerts": 950})


def test_every_browser_gets_every_event_in_order() -> None:
    fan = hub()
    clients = [fan.join(None), fan.join(None)]
    for offset in (1, 2, 3):
        fan.take(event(offset))
    assert [waiting(client) for client in clients] == [[1, 2, 3], [1, 2, 3]]


def test_a_browser_that_is_too_slow_is_told_to_reload_and_the_others_go_on() -> None:
    fan = hub(queue=3)
    slow, quick = fan.join(None), fan.join(None)
    for offset in range(1, 5):
        fan.take(event(offset))
        waiting(quick) if offset == 3 else None
    assert (slow.slow, waiting(slow)) == (True, [])
    assert (quick.slow, waiting(quick)) == (False, [4])
    assert fan.clients == 1


def test_last_event_id_resumes_after_that_offset() -> None:
    fan = hub()
    for offset in (1, 2, 3, 4):
        fan.take(event(offset))
    back = fan.join(2)
    fan.take(event(5))
    assert [one.offset for one in back.missed] == [3, 4]
    assert waiting(back) == [5]
    assert back.gap is None


def test_what_memory_no_longer_holds_is_named_to_be_read_from_the_topic() -> None:
    fan = hub()
    for offset in range(KEPT_EVENTS + 11):
        fan.take(event(offset))
    back = fan.join(3)
    assert back.gap == (4, 11)
    assert back.missed[0].offset == 11


def test_progress_is_not_kept_for_those_who_come_back() -> None:
    fan = hub()
    fan.take(event(1))
    fan.take(Event(2, "progress", b'{"now":1,"upto":7,"alerts":8}'))
    fan.take(event(3))
    assert [one.offset for one in fan.join(0).missed] == [1, 3]
    assert fan.upto == 7


def test_an_offset_beyond_the_end_means_another_topic_so_the_browser_reloads() -> None:
    fan = hub()
    fan.take(event(1))
    assert fan.join(50).slow


async def test_nothing_new_within_the_time_gives_none() -> None:
    assert await hub().join(None).next(0.01) is None


async def test_a_browser_that_waits_gets_the_event_at_once() -> None:
    fan = hub()
    client = fan.join(None)
    waiting_for = asyncio.create_task(client.next(5))
    await asyncio.sleep(0)
    fan.take(event(9))
    found = await waiting_for
    assert found is not None
    assert found.offset == 9
