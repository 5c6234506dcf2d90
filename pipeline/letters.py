"""Dead letters: what stands in `ioc.deadletter.v1`, each id once, and putting one through its door again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from devices.directory import Directory
from devices.doorstep import reading
from devices.gateway import decoded, measured, sender
from pipeline.core.broker import read_topic, start_producer
from pipeline.core.clock import now_ms
from pipeline.core.codec import encode_line, pack
from pipeline.core.errors import IocError, Rejected
from pipeline.core.events import Reading
from pipeline.core.topics import DEADLETTER, READINGS, TOPICS, partition_of
from pipeline.log_app.catalogue import CatalogueFollower

GATEWAY = "gateway"


class Letter(NamedTuple):
    """One dead letter. `source` is its id; `at` is when it was written (ms); `raw` may be cut at 1.5 MB."""

    source: str
    reason: str
    detail: str
    component: str
    at: int
    raw: bytes
    times: int = 1


class Retried(NamedTuple):
    """What a retry sent: readings of how many devices' messages."""

    device: str
    readings: int


async def newest(brokers: str, limit: int, reason: str = "") -> list[Letter]:
    """The newest letters, the newest first, each id once with how often it was written. Raises ServiceMissing."""
    found: dict[str, Letter] = {}
    async for letter in _letters(brokers):
        if reason and letter.reason != reason:
            continue
        before = found.pop(letter.source, None)
        found[letter.source] = letter._replace(times=before.times + 1) if before else letter
        if len(found) > limit:
            del found[next(iter(found))]
    return list(reversed(found.values()))


async def find(brokers: str, source: str) -> list[Letter]:
    """All letters with this id, the oldest first. Raises IocError when there is none."""
    found = [letter async for letter in _letters(brokers) if letter.source == source]
    if not found:
        raise IocError(f"there is no dead letter {source!r}; see `ioc deadletter list`")
    return found


async def retry(brokers: str, source: str) -> Retried:
    """Put a letter through the gateway's doorstep again, as received when it was written.

    Time and number of a reading are its identity, so a second retry changes nothing. Raises IocError when it
    cannot be retried, or is still refused.
    """
    letters = await find(brokers, source)
    if letters[0].component != GATEWAY:
        raise IocError(
            f"{source} comes from {letters[0].component} and cannot be retried: "
            "what it holds was refused behind the door, where the log has it already"
        )
    directory, reached = await _directory(brokers)
    found = list({line: event for letter in letters for line, event in _lines(letter, directory)}.items())
    await _publish(brokers, found[0][1].device, [line for line, _ in found], reached)
    return Retried(found[0][1].device, len(found))


def _lines(letter: Letter, directory: Directory) -> Iterable[tuple[bytes, Reading]]:
    topic = letter.source.rpartition("#")[0]
    try:
        known = sender(directory, topic, letter.raw, letter.at)
        readings = [reading(measured(item), known, letter.at) for item in decoded(letter.raw, topic, known)]
    except Rejected as rejection:
        raise IocError(f"{letter.source} is still refused, {rejection.reason}: {rejection.detail}") from None
    return [(encode_line(event), event) for event in readings]


async def _directory(brokers: str) -> tuple[Directory, int]:
    catalogue, directory = CatalogueFollower(brokers), Directory()
    await catalogue.start()
    try:
        reached = await catalogue.read_all()
    finally:
        await catalogue.stop()
    directory.apply(catalogue.as_of(reached))
    return directory, reached


async def _publish(brokers: str, device: str, lines: list[bytes], catalogue: int) -> None:
    """Without the header `producer`: the rules would miss somebody who was here only once."""
    partition = partition_of(device, TOPICS[READINGS].partitions)
    producer = await start_producer(brokers)
    try:
        for frame in pack(lines):
            headers = [
                ("sent", b"%d" % now_ms()),
                ("catalogue", b"%d" % catalogue),
                ("lines", b"%d" % (frame.count(b"\n") + 1)),
            ]
            await producer.send_and_wait(READINGS, frame, partition=partition, headers=headers)
    finally:
        await producer.stop()


async def _letters(brokers: str) -> Any:
    async for record in read_topic(brokers, DEADLETTER):
        yield _letter(record)


def _letter(record: Any) -> Letter:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    return Letter(
        headers.get("source", ""),
        headers.get("reason", ""),
        headers.get("detail", ""),
        headers.get("component", ""),
        int(headers.get("at", record.timestamp)),
        record.value or b"",
    )
