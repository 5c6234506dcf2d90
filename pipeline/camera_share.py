"""Which cameras are this worker's: a consumer group shares out the partitions of `ioc.cameras.v1`.

Receives camera documents of its partitions; hands on the newest of each camera, with the generation of the
partition's belonging; drops records that it does not understand (logged). Nothing is acknowledged: after every
rebalance a partition is read from its begin. A worker that dies (kill -9) is noticed after SESSION_MS, and its
partitions go to the others; so does one that is frozen or cut off. Such a one may go on sending for a moment; so
each partition has a generation, kept as the note of a committed offset: who takes a partition over commits the next
one, Kafka refuses that commit to whoever is no member any more, and those who read what cameras say drop what is
of an older generation (`rules.engine.generations`). A dead Kafka: the worker goes on with what it has.

Generations are seconds since the epoch, made to grow: should Kafka ever forget the notes (it does a week after the
last worker left), the next ones are above the old ones all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError

from pipeline.core.broker import committed_notes, start_consumer
from pipeline.core.catalogue import Camera
from pipeline.core.clock import Clock, now_ms
from pipeline.core.telemetry import log
from pipeline.core.topics import CAMERAS
from pipeline.log_app.catalogue import decode_change

GROUP = "ioc-vision"
SESSION_MS = 6_000
"""The shortest that Kafka's brokers allow by default (`group.min.session.timeout.ms`)."""
HEARTBEAT_MS = 1_500
_POLL_MS = 200
Cameras = Mapping[str, Camera | None]
Apply = Callable[[Cameras, int], Awaitable[None]]


class CameraShare:
    """This worker's part of the cameras. `apply` gets newest documents (None: not ours any more) and a generation."""

    def __init__(self, brokers: str, apply: Apply, *, group: str = GROUP, clock: Clock = now_ms) -> None:
        self._brokers, self._apply, self._group, self._clock = brokers, apply, group, clock
        self._consumer: Any = None
        self._listener = _Listener()
        self._generations: dict[TopicPartition, int] = {}
        self._ids: dict[TopicPartition, set[str]] = {}

    @property
    def partitions(self) -> int:
        """How many of the topic's partitions are this worker's."""
        return len(self._generations)

    async def join(self, within_s: float = 30.0) -> None:
        """Become a member and take over a first share, all of its cameras. Raises ServiceMissing, TimeoutError."""
        self._consumer = await start_consumer(
            self._brokers,
            group_id=self._group,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            partition_assignment_strategy=[StickyPartitionAssignor],
        )
        self._consumer.subscribe([CAMERAS], listener=self._listener)
        async with asyncio.timeout(within_s):
            while not (self._listener.told and await self._at_the_end()):
                await self._step()

    async def follow(self) -> None:
        """Keep the share, as it grows and shrinks, until cancelled."""
        while True:
            await self._step()

    async def leave(self) -> None:
        """Give all partitions to the others, at once."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def _step(self) -> None:
        if self._listener.news:
            self._listener.news = False
            await self._take_over(self._consumer.assignment())
        batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
        for partition, records in batches.items():
            if partition in self._generations:  # else they are handed out again after the take-over
                await self._hand_on(partition, records)

    async def _at_the_end(self) -> bool:
        if self._listener.news:
            return False
        mine = list(self._generations)
        ends = await self._consumer.end_offsets(mine) if mine else {}
        return all([await self._consumer.position(each) >= end for each, end in ends.items()])

    async def _take_over(self, assigned: Iterable[TopicPartition]) -> None:
        mine = set(assigned)
        for partition in set(self._generations) - mine:
            await self._give_up(partition)
        noted = await committed_notes(self._brokers, self._group)
        fresh = {each for each in mine if noted.get(each) != str(self._generations.get(each, ""))}
        for partition in fresh & set(self._generations):  # another worker had it in between
            await self._give_up(partition)
        if fresh and not await self._take(
            {each: next_generation(noted.get(each, ""), self._clock()) for each in fresh}
        ):
            return  # the group moves on already, and its listener will tell
        log.info("cameras shared", partitions=len(mine), taken=len(fresh))

    async def _take(self, generations: dict[TopicPartition, int]) -> bool:
        try:
            # always offset 0: whoever owns a partition reads all of it
            await self._consumer.commit({each: (0, str(number)) for each, number in generations.items()})
        except (CommitFailedError, IllegalStateError):
            return False
        self._generations |= generations
        await self._consumer.seek_to_beginning(*generations)
        return True

    async def _give_up(self, partition: TopicPartition) -> None:
        generation = self._generations.pop(partition)
        await self._apply(dict.fromkeys(self._ids.pop(partition, ())), generation)

    async def _hand_on(self, partition: TopicPartition, records: Iterable[Any]) -> None:
        changes = [decode_change(record.offset, record.key, record.value) for record in records]
        cameras = {
            change.id: change.document if isinstance(change.document, Camera) else None for change in changes if change
        }
        self._ids.setdefault(partition, set()).update(cameras)
        await self._apply(cameras, self._generations[partition])


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Notes that the group has given out partitions. Cameras go on until it is known who has them now."""

    def __init__(self) -> None:
        self.told = self.news = False

    def on_partitions_revoked(self, revoked: object) -> None:
        """Nothing yet: most of them will come back at once."""

    def on_partitions_assigned(self, assigned: object) -> None:
        """Look at what is ours now."""
        self.told = self.news = True


def next_generation(noted: str, now: int) -> int:
    """The generation after the one that was noted, if any; at least the seconds since the epoch."""
    before = int(noted) if noted.isdecimal() else 0
    return max(before + 1, now // 1000)
