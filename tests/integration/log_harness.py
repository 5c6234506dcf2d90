"""What the log app's tests do to workers: start, stop, freeze and kill them, feed them, and read what they wrote."""

from __future__ import annotations

import asyncio
import signal
import sys
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from pipeline.core.broker import apply_topics, committed_offsets, read_topic, start_producer
from pipeline.core.codec import encode_line, pack
from pipeline.core.topics import DEADLETTER, Topic
from pipeline.log_app.checkpoints import MARKER_KEY, Marker
from tests.integration.log_worker import Item, Step

PARTITIONS = 4


class Log:
    """One input topic, one output topic, one checkpoint topic of their own, and the workers on them."""

    def __init__(self, brokers: str, folder: Path) -> None:
        self.brokers, self.folder = brokers, folder
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.input, self.output, self.checkpoints = (f"{self.name}.{part}" for part in ("in", "out", "checkpoints"))
        self.workers: dict[str, asyncio.subprocess.Process] = {}
        self.fed: dict[str, int] = defaultdict(int)
        self._loads_before: dict[str, int] = {}
        self._producer: Any = None

    async def open(self) -> None:
        """Make the topics."""
        clock = {"message.timestamp.type": "LogAppendTime"}
        await apply_topics(
            self.brokers,
            [
                Topic(self.input, PARTITIONS, clock),
                Topic(self.output, PARTITIONS, clock),
                Topic(self.checkpoints, PARTITIONS, {"cleanup.policy": "compact"}),
            ],
        )
        self._producer = await start_producer(self.brokers)

    async def close(self) -> None:
        """End all workers."""
        for name in list(self.workers):
            await self.signal(name, signal.SIGKILL)
        await self._producer.stop()

    async def start(self, name: str, *, static: bool = True) -> None:
        """Start a worker process."""
        self._loads_before[name] = self._loads(name)
        arguments = (self.brokers, self.name, self.input, self.output, self.checkpoints, name if static else "-")
        with (self.folder / f"{name}.log").open("ab") as log_file:
            self.workers[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.log_worker", *arguments, stdout=log_file, stderr=log_file
            )

    async def loaded(self, name: str) -> None:
        """Wait until this start of the worker owns its partitions."""

        async def done() -> bool:
            return self._loads(name) > self._loads_before[name]

        await eventually(done, 40, every_s=0.05)

    def _loads(self, name: str) -> int:
        path = self.folder / f"{name}.log"
        return path.read_text().count("partitions loaded") if path.exists() else 0

    async def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal; a deadly one is waited for."""
        process = self.workers[name]
        if process.returncode is None:
            process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            del self.workers[name]
            await asyncio.wait_for(process.wait(), 20)

    async def exit_status(self, name: str, within_s: float) -> int:
        """Wait for a worker to end by itself. Raises TimeoutError when it goes on."""
        status = await asyncio.wait_for(self.workers[name].wait(), within_s)
        del self.workers[name]
        return status

    async def feed(self, count: int, *, keys: int = 40, pause_s: float = 0.0) -> None:
        """`count` items of each of `keys` keys, in frames; numbers go on where they were."""
        for _ in range(count // 10):
            for partition in range(PARTITIONS):
                mine = [f"k{n}" for n in range(keys) if n % PARTITIONS == partition]
                lines = [encode_line(self._next(key)) for key in mine for _ in range(10)]
                for frame in pack(lines):
                    await self.send(partition, frame)
            if pause_s:
                await asyncio.sleep(pause_s)

    def _next(self, key: str) -> Item:
        self.fed[key] += 1
        return Item(key, self.fed[key])

    async def send(self, partition: int, value: bytes) -> None:
        """One record as it is."""
        await self._producer.send_and_wait(self.input, value, partition=partition)

    async def steps(self) -> dict[str, list[Step]]:
        """Everything in the output topic, by key, without the repeats of records that were written twice."""
        found: dict[str, list[Step]] = defaultdict(list)
        seen: set[bytes] = set()
        async for record in read_topic(self.brokers, self.output, PARTITIONS):
            headers = dict(record.headers)
            if headers["source"] not in seen:
                seen.add(headers["source"])
                for step in msgspec.json.Decoder(Step).decode_lines(record.value):
                    found[step.key].append(step)
        return found

    async def state(self) -> tuple[dict[str, Step], dict[int, Marker]]:
        """What the newest committed checkpoints hold: state by key, marker by partition."""
        steps: dict[str, Step] = {}
        markers: dict[int, Marker] = {}
        async for record in read_topic(self.brokers, self.checkpoints, PARTITIONS, isolation_level="read_committed"):
            if record.key == MARKER_KEY:
                markers[record.partition] = msgspec.msgpack.decode(record.value, type=Marker)
            else:
                steps[record.key.decode()] = msgspec.msgpack.decode(record.value, type=Step)
        return steps, markers

    async def dead_letter(self, source: str) -> bytes:
        """The reason of the dead letter with this id, or nothing."""
        letters = [record async for record in read_topic(self.brokers, DEADLETTER) if record.key == source.encode()]
        return dict(letters[0].headers)["reason"] if letters else b""

    async def delete_before(self, partition: int, offset: int) -> None:
        """What retention does: the log of the input begins at `offset` from now on."""
        async with self._admin() as admin:
            await admin.delete_records({TopicPartition(self.input, partition): RecordsToDelete(offset)})

    async def forget_checkpoints(self) -> None:
        """What a lost disk does: the checkpoint topic is made anew, empty."""
        async with self._admin() as admin:
            await admin.delete_topics([self.checkpoints])
        await asyncio.sleep(1)
        await apply_topics(self.brokers, [Topic(self.checkpoints, PARTITIONS, {"cleanup.policy": "compact"})])

    async def committed(self) -> dict[int, int]:
        """The group's committed offset of each partition."""
        offsets = await committed_offsets(self.brokers, self.name)
        return {partition.partition: offset for partition, offset in offsets.items()}

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.brokers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def settled(self, within_s: float = 60) -> None:
        """Wait until the checkpoints hold everything that was fed."""

        async def done() -> bool:
            steps, _ = await self.state()
            return {key: step.count for key, step in steps.items()} == dict(self.fed)

        await eventually(done, within_s)

    async def check_exact(self) -> None:
        """State and outputs are what one uninterrupted run gives: closed form, not the code under test."""
        steps, _ = await self.state()
        expected = {key: Step(key, n, n * (n + 1) // 2) for key, n in self.fed.items()}
        assert steps == expected
        outputs = await self.steps()
        for key, count in self.fed.items():
            numbers = {step.count: step.total for step in outputs[key]}
            assert numbers == {n: n * (n + 1) // 2 for n in range(1, count + 1)}


async def eventually(check: Callable[[], Any], within_s: float, every_s: float = 0.2) -> None:
    """Wait for `check` (awaitable) to become true; fails with its last answer after `within_s`."""
    async with asyncio.timeout(within_s):
        while not await check():
            await asyncio.sleep(every_s)


@asynccontextmanager
async def a_log(brokers: str, folder: Path) -> AsyncIterator[Log]:
    """A log with its topics, ended with all its workers."""
    log = Log(brokers, folder)
    await log.open()
    try:
        yield log
    finally:
        await log.close()
