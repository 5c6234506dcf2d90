"""The Faust side of the log app: assignment, consumption and commit.

Overrides private methods of faust-streaming 0.15.3 (pinned; a test sees that they are called). Everything that commits
offsets comes through two of them, and they commit what the checkpoints cover and nothing else. The others make one
Faust message of all the records that a poll brought for a partition: Faust's way from consumer to agent costs as much
as folding fifty readings, and the busier a worker is, the more records share it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import faust
import msgspec
import stamina
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.transports import SchedulingStrategyT
from faust.types.tuples import ConsumerMessage
from prometheus_client import Counter, Gauge

from pipeline.core.broker import committed_offsets, start_consumer
from pipeline.core.machine import CatalogueChange
from pipeline.core.telemetry import log
from pipeline.log_app.catalogue import CatalogueFollower
from pipeline.log_app.checkpoints import CheckpointStore
from pipeline.log_app.death import die
from pipeline.log_app.outputs import Outputs
from pipeline.log_app.part import Part, Record, Saved, Source

LOAD_LIMIT_S = 120
SAVE_LIMIT_S = 60
COMMIT_INTERVAL_S = 2.0
IDLE_CHECKPOINT_S = 10.0
"""How often a partition is checkpointed in which only time passes."""
STOP_LIMIT_S = 65
COMMITTED_LIMIT_S = 30
LANE_BATCHES = 2

FRAMES = Counter("ioc_worker_frames", "Frames folded", ["topic"])
LOST = Counter("ioc_worker_lost", "Records that retention removed before they were read", ["topic"])
PARTS = Gauge("ioc_worker_partitions", "Partitions owned", ["topic"])
LOG_TIME = Gauge("ioc_worker_log_time_seconds", "Newest log time folded", ["topic", "partition"])


class Lane:
    """Folds the records of one partition in order, beside the other partitions: none waits for another's queue."""

    def __init__(self, fold: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        self.queue: asyncio.Queue[Sequence[Any] | None] = asyncio.Queue(maxsize=LANE_BATCHES)
        self._fold, self._stopping = fold, False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while (records := await self.queue.get()) is not None:
            for record in records:
                if self._stopping:
                    return
                await self._fold(record)

    async def stop(self) -> None:
        """Finish the record being folded and drop those that wait: their next owner reads them again."""
        self._stopping = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)
        async with asyncio.timeout(STOP_LIMIT_S):
            await self._task


class LogApp:
    """One worker process: owns partitions of its sources, folds their frames, keeps their state.

    `session_s` and `heartbeat_s` decide how fast another worker takes over; `instance` is the static member
    id, one a worker (None: dynamic membership, for tests). `accept_empty_state` is a person's word that
    partitions with committed offsets and no checkpoint may start from nothing.
    """

    def __init__(
        self,
        name: str,
        brokers: str,
        sources: Iterable[Source],
        *,
        instance: str | None,
        session_s: float = 10.0,
        heartbeat_s: float = 3.0,
        accept_empty_state: bool = False,
    ) -> None:
        self.name, self.brokers = name, brokers
        self.sources = {source.topic: source for source in sources}
        self.parts: dict[TP, Part] = {}
        self._lanes: dict[TP, Lane] = {}
        self.catalogue = CatalogueFollower(brokers)
        self.outputs = Outputs(brokers)
        self._accept_empty_state = accept_empty_state
        self._ready = False
        self._first_frames = asyncio.Lock()
        self.app = self._faust_app(instance, session_s, heartbeat_s)
        for topic in self.sources:
            self._agent(topic)

    def _faust_app(self, instance: str | None, session_s: float, heartbeat_s: float) -> faust.App:
        consumer = _consumer_class(self)

        class Transport(driver.Transport):
            Consumer = consumer

        class App(faust.App):
            def _new_transport(self) -> Any:
                return Transport(self.conf.broker_consumer, self)

            def _create_directories(self) -> None:
                """Faust keeps nothing on disk here: its folders would only litter the one that we run in."""

        app = App(
            self.name,
            broker=f"kafka://{self.brokers}",
            web_enabled=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            worker_redirect_stdouts=False,
            broker_commit_interval=COMMIT_INTERVAL_S,
            broker_max_poll_records=500,
            ConsumerScheduler=WholePartitions,
            broker_session_timeout=session_s,
            broker_heartbeat_interval=heartbeat_s,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=instance,
            stream_buffer_maxsize=65536,
            key_serializer="raw",
            value_serializer="raw",
        )
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        app.on_rebalance_complete.connect(self._complete, weak=False)
        app.on_before_shutdown.connect(self._stopped, weak=False)
        return app

    def _agent(self, topic: str) -> None:
        async def follow(stream: Any) -> None:
            async for event in stream.events():
                await self.handle(event.message)

        channel = self.app.topic(topic, value_serializer="raw", key_serializer="raw")
        self.app.agent(channel, name=f"{self.name}-{topic}", concurrency=1)(follow)

    async def handle(self, batch: Batch) -> None:
        """Hand the records of a partition to its lane; waits when the lane is full."""
        lane = self._lanes.get(batch.tp)
        if lane is not None:  # else: not ours, a rebalance is under way: no effect, no commit
            await lane.queue.put(batch.records)

    async def fold(self, part: Part, found: Any) -> None:
        """Fold one record, unless it is folded already. Whatever goes wrong ends the process."""
        try:
            expected = part.marker.next
            if expected is not None and found.offset < expected:
                return
            if expected is not None and found.offset > expected:
                await self._gap(part, found)
            # one by one: the shorter each first frame's own time, the less a kill from outside is held against it
            async with self._first_frames if part.begins_carefully else nullcontext():
                record = _record(found)
                await part.before(record)
                await part.step(record, self._news, self.outputs.hand_in)
        except BaseException as error:  # noqa: BLE001 - whatever it is, this process must not go on
            die(f"{found.topic}/{found.partition} offset {found.offset}: {error!r}")
        FRAMES.labels(found.topic).inc()
        LOG_TIME.labels(found.topic, found.partition).set(part.marker.log / 1000)

    async def _news(self, after: int, upto: int) -> tuple[CatalogueChange, ...]:
        await self.catalogue.read_to(upto)
        return self.catalogue.between(after, upto)

    async def _gap(self, part: Part, found: Any) -> None:
        where = f"{found.topic}/{found.partition}"
        if await self._beginning(part.store.source) != found.offset:
            die(f"{where}: expected offset {part.marker.next}, got {found.offset}; starting again from there")
        gone = part.pass_over(found.offset)
        LOST.labels(found.topic).inc(gone)
        log.error("records lost to retention", partition=where, count=gone)

    async def _beginning(self, partition: TopicPartition) -> int:
        consumer = await start_consumer(self.brokers)
        try:
            return int((await consumer.beginning_offsets([partition]))[partition])
        finally:
            await consumer.stop()

    # --- commit: Faust asks, the checkpoints answer

    async def committable(self, tps: Sequence[TP]) -> dict[TP, int]:
        """Checkpoint `tps` and return, for each that has one, the offset that its checkpoint covers."""
        offsets = await asyncio.gather(*[self._checkpoint(tp, IDLE_CHECKPOINT_S) for tp in tps])
        return {tp: offset for tp, offset in zip(tps, offsets, strict=True) if offset}

    async def _checkpoint(self, tp: TP, idle_s: float = 0.0) -> int | None:
        part = self.parts.get(tp)
        if part is None:
            return None
        try:
            async with asyncio.timeout(SAVE_LIMIT_S):
                return await part.checkpoint(idle_s=idle_s)
        except BaseException as error:  # noqa: BLE001 - fenced or unknown outcome: never go on with this state
            die(f"checkpoint of {tp}: {error!r}")

    # --- assignment

    async def _revoked(self, _app: Any, revoked: Iterable[TP], **_: Any) -> None:
        await self._let_go(tp for tp in revoked if tp in self.parts)

    async def _let_go(self, tps: Iterable[TP]) -> None:
        """Finish what is being folded, save it, and close the stores."""
        mine = list(tps)
        await asyncio.gather(*[self._lanes.pop(tp).stop() for tp in mine])
        await asyncio.gather(*[self._checkpoint(tp) for tp in mine])
        await asyncio.gather(*[self.parts.pop(tp).store.close() for tp in mine])
        self._count_parts()

    async def _complete(self, app: Any, **_: Any) -> None:
        """Load what was assigned. Awaited by Faust before the partitions resume."""
        try:
            if not self._ready:
                await self._connect()
            await self._load(app)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - half loaded state must never be used
            die(f"load: {error!r}")

    async def _connect(self) -> None:
        await self.outputs.start()
        await self.catalogue.start()
        await self.catalogue.read_all()
        self._ready = True

    async def _load(self, app: Any) -> None:
        generation, started = app.consumer_generation_id, time.monotonic()
        await self._let_go(list(self.parts))
        tps = sorted(tp for tp in app.consumer.assignment() if tp.topic in self.sources)
        stores = {tp: self._store(tp) for tp in tps}
        loading = asyncio.gather(*[self._part(tp, store) for tp, store in stores.items()])
        while not loading.done():
            await asyncio.wait([loading], timeout=0.1)
            if app.consumer_generation_id != generation or app.should_stop:
                loading.cancel()
                break
            if time.monotonic() - started > LOAD_LIMIT_S:
                die(f"loading {len(tps)} partitions took longer than {LOAD_LIMIT_S} s")
        try:
            loaded = await loading
        except asyncio.CancelledError:
            loaded = None
        if loaded is None or app.consumer_generation_id != generation:
            await asyncio.gather(*[store.close() for store in stores.values()])
            return  # Faust sees the newer generation and comes here again
        self.parts.update(zip(tps, loaded, strict=True))
        self._lanes = {tp: Lane(partial(self.fold, part)) for tp, part in self.parts.items()}
        self._count_parts()
        log.info("partitions loaded", generation=generation, partitions=[f"{tp.topic}/{tp.partition}" for tp in tps])

    def _store(self, tp: TP) -> CheckpointStore:
        source = TopicPartition(tp.topic, tp.partition)
        return CheckpointStore(self.brokers, self.name, source, self.sources[tp.topic].checkpoints)

    async def _part(self, tp: TP, store: CheckpointStore) -> Part:
        marker, state = await store.open()
        if marker.next is None:
            await self._first_start(tp)
        await self.catalogue.read_to(marker.catalogue)
        source = self.sources[tp.topic]
        documents = self.catalogue.as_of(marker.catalogue)
        machine = source.machine(Saved(store.source, state, marker.log, marker.catalogue, documents))
        marker = msgspec.structs.replace(marker, starts=marker.starts + 1)
        await store.save({}, marker)
        return Part(source, store, marker, machine)

    async def _first_start(self, tp: TP) -> None:
        committed = await self._committed(tp)
        if committed and not self._accept_empty_state:
            die(
                f"{tp} was read up to offset {committed} but has no checkpoint in "
                f"{self.sources[tp.topic].checkpoints}: its state is gone. "
                f"If it may start from nothing, run `ioc run {self.name} --accept-empty-state` once"
            )

    async def _committed(self, tp: TP) -> int:
        """The group's committed offset, 0 for none. A coordinator that is moving is asked again, as stamina decides."""
        async for attempt in stamina.retry_context(on=KafkaError, timeout=COMMITTED_LIMIT_S, attempts=None):
            with attempt:
                offsets = await committed_offsets(self.brokers, self.name)
                return offsets.get(TopicPartition(tp.topic, tp.partition), 0)
        raise AssertionError("stamina ends by returning or raising")

    def _count_parts(self) -> None:
        for topic in self.sources:
            PARTS.labels(topic).set(sum(1 for tp in self.parts if tp.topic == topic))

    async def _stopped(self, _app: Any, **_: Any) -> None:
        """A normal stop: save what changed and let go. A commit that Faust asks for later finds nothing owned."""
        await self._let_go(list(self.parts))
        await self.outputs.stop()
        await self.catalogue.stop()


def _record(found: Any) -> Record:
    return Record(found.offset, found.timestamp, found.value or b"", dict(found.headers))


class WholePartitions(SchedulingStrategyT):
    """Schedules the records of a poll: each partition's at once; the lanes take them from there side by side."""

    def iterate(self, records: Mapping[TP, list[Any]]) -> Iterator[tuple[TP, Any]]:
        """One item a partition."""
        return iter(records.items())


class Batch(ConsumerMessage):
    """What one poll brought for one partition, as a Faust message with the last offset; `records` are aiokafka's."""

    records: Sequence[Any] = ()


def _consumer_class(owner: LogApp) -> type:
    class CheckpointedConsumer(driver.Consumer):
        """Commits what the checkpoints cover: periodic commit, rebalance and stop all come through here."""

        def _to_message(self, tp: TP, record: Any) -> Batch:
            last = record[-1]
            batch = Batch(
                *(tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type),
                *(None, None, b"", None, None, None, tp),
                generation_id=self.app.consumer_generation_id,
            )
            batch.records = record
            return batch

        async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
            """Offsets inside a batch are no gap."""

        def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
            return [tp for tp in owner.parts if topics is None or tp in topics or tp.topic in topics]

        async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
            tps = list(tps)
            for tp in tps:
                self._acked[tp].clear()
                self._acked_index[tp].clear()
                self._gap.pop(tp, None)
            covered = await owner.committable(tps)
            offsets = {tp: offset for tp, offset in covered.items() if self._should_commit(tp, offset)}
            if not offsets:
                return False
            committed: bool = await self._commit_offsets(offsets, start_new_transaction=start_new_transaction)
            return committed

    return CheckpointedConsumer


def run(log_app: LogApp, before: Callable[[], None] | None = None) -> None:
    """Run the worker until SIGTERM or SIGINT; exits the process."""
    if before is not None:
        before()
    for library in ("aiokafka", "faust", "mode"):
        logging.getLogger(library).setLevel(max(logging.WARNING, logging.getLogger(library).level))
    worker = faust.Worker(log_app.app, loglevel="WARNING", redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()
