"""The alert topic, followed once a process and fanned out to every browser.

Receives the records of `ioc.alerts.v1`; keeps the newest in memory, so that a browser that comes back resumes from
its last offset; sends each to every browser's queue. A queue that is full belongs to a browser that is too slow:
it is told to reload and dropped. A dead Kafka: the last events stay, nothing new comes, browsers veil themselves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from pipeline.core.alerts import AlertEvent, EvaluatedUpTo
from pipeline.core.broker import read_to_end, start_consumer
from pipeline.core.clock import Clock, now_ms
from pipeline.core.errors import ServiceMissing
from pipeline.core.telemetry import log
from pipeline.core.topics import ALERTS

QUEUE = 1000
KEPT_EVENTS = 5000
KEPT_BYTES = 32 * 1024 * 1024
CATCH_UP = 100_000
_PAUSE_S = 1.0
_PARTITION = TopicPartition(ALERTS, 0)
_TOLD = ("id", "type", "subject", "alertid", "time", "recordedtime", "causationid")

CLIENTS = Gauge("ioc_console_streams", "Browsers that follow the alert stream")
TAKEN = Counter("ioc_console_received", "Records of the alert topic taken in")
TOO_SLOW = Counter("ioc_console_dropped", "Browsers told to reload", ["reason"])


class Event(msgspec.Struct, frozen=True):
    """One event as browsers get it: the offset is its id, `data` is JSON."""

    offset: int
    name: str
    data: bytes

    def sse(self) -> bytes:
        """As a server-sent event (WHATWG HTML, section 9.2)."""
        identity = b"id: %d\n" % self.offset if self.offset >= 0 else b""
        return identity + b"event: %s\ndata: %s\n\n" % (self.name.encode(), self.data)


def event_of(offset: int, headers: dict[str, bytes], value: bytes, now: int) -> Event:
    """A record of the alert topic as an event: CloudEvents attributes with the body under `data`."""
    type_ = headers.get("ce_type", b"").decode()
    if type_ == AlertEvent.PROGRESS:
        return Event(offset, "progress", b'{"now":%d,%s' % (now, value.lstrip()[1:]))
    told: dict[str, Any] = {name: headers[f"ce_{name}"].decode() for name in _TOLD if f"ce_{name}" in headers}
    told["sequence"] = int(headers.get("ce_sequence", b"0"))
    return Event(offset, "alert", msgspec.json.encode({**told, "now": now, "data": msgspec.Raw(value)}))


class Client:
    """One browser's queue, with what it missed before."""

    def __init__(self, missed: list[Event], gap: tuple[int, int] | None, size: int = QUEUE) -> None:
        self.missed, self.gap = missed, gap
        self._queue: asyncio.Queue[Event] = asyncio.Queue(size)
        self.slow = False

    def offer(self, event: Event) -> bool:
        """Queue an event; False, for good, once the queue was full."""
        if not self.slow:
            try:
                self._queue.put_nowait(event)
            except asyncio.QueueFull:
                self.slow, self._queue = True, asyncio.Queue()
        return not self.slow

    async def next(self, within_s: float) -> Event | None:
        """The next event, or None when none came in time."""
        try:
            return await asyncio.wait_for(self._queue.get(), within_s)
        except TimeoutError:
            return None


class Hub:
    """Follows the topic while `run` runs. `progress`: the newest progress; `progress_at`: when it came (ms)."""

    def __init__(self, brokers: str, *, clock: Clock = now_ms, queue: int = QUEUE) -> None:
        self._brokers, self._clock, self._queue = brokers, clock, queue
        self._kept: deque[Event] = deque()
        self._bytes = 0
        self._first: int | None = None
        self.next: int | None = None
        self.progress: Event | None = None
        self.upto = 0
        self._clients: set[Client] = set()

    async def run(self) -> None:
        """Follow until cancelled; a broker that is away is tried again each second."""
        while True:
            try:
                await self._follow()
            except (ServiceMissing, KafkaError) as error:
                log.warning("alert stream cut", error=str(error))
            await asyncio.sleep(_PAUSE_S)

    async def _follow(self) -> None:
        consumer = await start_consumer(self._brokers)
        try:
            consumer.assign([_PARTITION])
            self._begin(*await _bounds(consumer))
            assert self.next is not None
            consumer.seek(_PARTITION, self.next)
            while True:
                for record in (await consumer.getmany(_PARTITION, timeout_ms=500)).get(_PARTITION, ()):
                    self.take(event_of(record.offset, dict(record.headers), record.value, self._clock()))
        finally:
            await consumer.stop()

    def _begin(self, first: int, end: int) -> None:
        """Where to read from: on from where we were, or a little before the end."""
        if self.next is None or not first <= self.next <= end:
            self._kept.clear()
            self._bytes = 0
            self._first = self.next = max(first, end - KEPT_EVENTS)
            self._tell_to_reload("topic")

    def take(self, event: Event) -> None:
        """Keep an event and hand it to every browser."""
        TAKEN.inc()
        if self._first is None:
            self._first = event.offset
        self.next = event.offset + 1
        if event.name == "progress":
            self.progress, self.upto = event, msgspec.json.decode(event.data, type=EvaluatedUpTo).upto
        else:
            self._keep(event)
        for client in list(self._clients):
            if not client.offer(event):
                TOO_SLOW.labels("slow").inc()
                self.leave(client)

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        self._bytes += len(event.data)
        while len(self._kept) > KEPT_EVENTS or self._bytes > KEPT_BYTES:
            gone = self._kept.popleft()
            self._bytes -= len(gone.data)
            self._first = gone.offset + 1

    def join(self, after: int | None) -> Client:
        """A browser that has seen everything up to `after`; None: it wants what comes from now on."""
        missed: list[Event] = []
        gap = None
        if after is not None and self._first is not None:
            missed = [event for event in self._kept if event.offset > after]
            gap = (after + 1, self._first) if after + 1 < self._first else None
        client = Client(missed, gap, self._queue)
        if after is not None and self.next is not None and after >= self.next:
            client.slow = True  # an offset of another topic: only the list can tell
        self._clients.add(client)
        CLIENTS.set(len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        """Forget a browser."""
        self._clients.discard(client)
        CLIENTS.set(len(self._clients))

    @property
    def clients(self) -> int:
        """How many browsers follow."""
        return len(self._clients)

    def _tell_to_reload(self, reason: str) -> None:
        for client in list(self._clients):
            client.slow = True
            TOO_SLOW.labels(reason).inc()
            self.leave(client)

    async def read_back(self, first: int, end: int) -> AsyncIterator[Event]:
        """Events of `first` up to `end` that are no longer in memory, without progress. Raises ServiceMissing."""
        consumer = await start_consumer(self._brokers)
        try:
            consumer.assign([_PARTITION])
            consumer.seek(_PARTITION, max(first, (await _bounds(consumer))[0]))
            async for record in read_to_end(consumer, [_PARTITION]):
                if record.offset >= end:
                    return
                event = event_of(record.offset, dict(record.headers), record.value, self._clock())
                if event.name != "progress":
                    yield event
        finally:
            await consumer.stop()


async def _bounds(consumer: Any) -> tuple[int, int]:
    first = await consumer.beginning_offsets([_PARTITION])
    end = await consumer.end_offsets([_PARTITION])
    return first[_PARTITION], end[_PARTITION]
