"""aiokafka clients set up the way this product needs them, and topics made as the table says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from pipeline.core.errors import IocError, ServiceMissing
from pipeline.core.topics import MAX_MESSAGE_BYTES, TOPICS, Topic

REQUEST_TIMEOUT_MS = 30_000
_PAUSE_S = 0.5
_REMEDY = "start it with `ioc up`, or set kafka.brokers"
_REMEDY_VI = "khởi động bằng `ioc up`, hoặc đặt kafka.brokers"


def kafka_missing(brokers: str) -> ServiceMissing:
    """The one sentence that a person sees when Kafka is not there."""
    return ServiceMissing("Kafka", brokers, _REMEDY, vi=_REMEDY_VI)


async def start_producer(brokers: str, **settings: Any) -> AIOKafkaProducer:
    """A started idempotent producer. Raises ServiceMissing when no broker answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=brokers,
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=MAX_MESSAGE_BYTES,
        max_request_size=MAX_MESSAGE_BYTES,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **settings,
    )
    calm(producer)
    return await _started(producer, brokers)


async def start_consumer(brokers: str, *topics: str, **settings: Any) -> AIOKafkaConsumer:
    """A started consumer without automatic commits. Raises ServiceMissing when no broker answers."""
    defaults: dict[str, Any] = {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "max_partition_fetch_bytes": 2 * MAX_MESSAGE_BYTES,
    }
    return await _started(AIOKafkaConsumer(*topics, bootstrap_servers=brokers, **{**defaults, **settings}), brokers)


async def _started(client: Any, brokers: str) -> Any:
    try:
        await client.start()
    except KafkaError as error:
        await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())
        raise kafka_missing(brokers) from error
    return client


async def check_kafka(brokers: str) -> None:
    """Return when a broker answers. Raises ServiceMissing; Faust would only retry in silence."""
    await (await _started(AIOKafkaAdminClient(bootstrap_servers=brokers), brokers)).close()


def calm(producer: AIOKafkaProducer, pause_s: float = _PAUSE_S) -> None:
    """Pause after a refused connection: aiokafka 0.14 retries thousands of times a second without it."""
    client = producer.client
    connect = client._get_conn

    async def connect_calmly(node_id: int, **keywords: Any) -> Any:
        connection = await connect(node_id, **keywords)
        if connection is None:
            await asyncio.sleep(pause_s)
        return connection

    client._get_conn = connect_calmly


async def read_to_end(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> Any:
    """Yield all records of assigned `partitions` up to the end as of now.

    Goes by position, not by the last record's offset: transaction markers take offsets too.
    """
    ends = await consumer.end_offsets(list(partitions))
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            batches = await consumer.getmany(partition, timeout_ms=1000)
            for record in batches.get(partition, ()):
                if record.offset < end:
                    yield record


async def read_topic(brokers: str, topic: str, partitions: int = 1, **settings: Any) -> AsyncIterator[Any]:
    """Yield all records of partitions 0 to `partitions` - 1 of a topic, from the first to the end as of now."""
    consumer = await start_consumer(brokers, **settings)
    try:
        mine = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(mine)
        await consumer.seek_to_beginning(*mine)
        async for record in read_to_end(consumer, mine):
            yield record
    finally:
        await consumer.stop()


async def committed_offsets(brokers: str, group: str) -> dict[TopicPartition, int]:
    """The committed offsets of a consumer group; a partition without one is left out."""
    return {partition: offset for partition, (offset, _) in (await _committed(brokers, group)).items()}


async def committed_notes(brokers: str, group: str) -> dict[TopicPartition, str]:
    """What a consumer group committed beside its offsets; a partition without an offset is left out."""
    return {partition: note for partition, (_, note) in (await _committed(brokers, group)).items()}


async def _committed(brokers: str, group: str) -> dict[TopicPartition, tuple[int, str]]:
    admin = await _started(AIOKafkaAdminClient(bootstrap_servers=brokers), brokers)
    try:
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {partition: (each.offset, each.metadata or "") for partition, each in found.items() if each.offset >= 0}


async def apply_topics(brokers: str, topics: Iterable[Topic] = TOPICS.values()) -> list[str]:
    """Create missing topics, correct settings of the others; returns what was done, a sentence each.

    Raises IocError when a topic has fewer partitions than the table says (raising is a documented procedure),
    ServiceMissing when Kafka does not answer.
    """
    admin = await _started(
        AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=REQUEST_TIMEOUT_MS), brokers
    )
    try:
        wanted = {topic.name: topic for topic in topics}
        done = await _create(admin, wanted)
        await _wait_until_led(admin, wanted)
        return done + await _correct(admin, wanted)
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, wanted: dict[str, Topic]) -> list[str]:
    missing = sorted(set(wanted) - set(await admin.list_topics()))
    if not missing:
        return []
    response = await admin.create_topics([_new_topic(wanted[name]) for name in missing])
    for name, code, *rest in response.topic_errors:
        error = for_code(code)
        if code and not issubclass(error, TopicAlreadyExistsError):
            raise IocError(f"Kafka did not create the topic {name}: {rest[0] if rest else error.__name__}")
    return [f"created {name} with {wanted[name].partitions} partitions" for name in missing]


def _new_topic(topic: Topic) -> NewTopic:
    # replication -1 = the broker's default; aiokafka 0.14 accepts it only beside an (empty) assignment
    return NewTopic(topic.name, topic.partitions, -1, replica_assignments={}, topic_configs=topic.settings())


async def _wait_until_led(admin: AIOKafkaAdminClient, wanted: dict[str, Topic]) -> None:
    for _ in range(100):
        described = {topic["topic"]: topic for topic in await admin.describe_topics(list(wanted))}
        short = [n for n, t in wanted.items() if not _led(described.get(n), t.partitions)]
        if not short:
            return
        for name in short:
            partitions = described.get(name, {}).get("partitions", [])
            if partitions and len(partitions) < wanted[name].partitions and _led(described[name], len(partitions)):
                raise IocError(
                    f"topic {name} has {len(partitions)} partitions, the table says {wanted[name].partitions}; "
                    "see 'More partitions' in ARCHITECTURE.md"
                )
        await asyncio.sleep(0.1)
    raise IocError(f"Kafka gave these topics no leader within 10 s: {', '.join(short)}")


def _led(described: dict[str, Any] | None, partitions: int) -> bool:
    found = described["partitions"] if described else []
    return len(found) >= partitions and all(partition["leader"] >= 0 for partition in found)


async def _correct(admin: AIOKafkaAdminClient, wanted: dict[str, Topic]) -> list[str]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for _code, _message, _type, name, entries in response.resources:
            found[name] = {entry[0]: entry[1] for entry in entries}
    wrong = [name for name, topic in wanted.items() if not topic.settings().items() <= found.get(name, {}).items()]
    if wrong:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, configs=wanted[name].settings()) for name in wrong]
        )
    return [f"corrected the settings of {name}" for name in wrong]
