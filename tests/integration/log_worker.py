"""A worker for the tests of the log app: counts and sums per key, and tells every step.

Run as `python -m tests.integration.log_worker BROKERS APP IN OUT CHECKPOINTS INSTANCE`.
"""

from __future__ import annotations

import sys

import msgspec

from pipeline.core.codec import LineCodec, encode_line
from pipeline.core.machine import Delta, LogFrame
from pipeline.log_app import LogApp, Output, Saved, Source
from pipeline.log_app.worker import run


class Item(msgspec.Struct, frozen=True):
    """One line of the input: a key, its running number from 1, and `poison` that kills the process."""

    key: str
    number: int
    poison: bool = False


class Step(msgspec.Struct, frozen=True):
    """One line of the output: how many items of the key were folded, and the sum of their numbers."""

    key: str
    count: int
    total: int


class Summing:
    """Counts and sums per key. A duplicate or a missing item shows in both numbers for ever."""

    def __init__(self, saved: Saved) -> None:
        self._state = {key: msgspec.msgpack.decode(value, type=Step) for key, value in saved.state.items()}

    def fold(self, frame: LogFrame[Item]) -> Delta[Step]:
        steps: list[Step] = []
        new: dict[bytes, Step] = {}
        for _, item in frame.lines:
            if item.poison:
                raise ValueError("poison")
            key = item.key.encode()
            before = new.get(key) or self._state.get(key) or Step(item.key, 0, 0)
            new[key] = Step(item.key, before.count + 1, before.total + item.number)
            steps.append(new[key])
        return Delta(steps, set(new), new)

    def commit(self, delta: Delta[Step]) -> None:
        assert isinstance(delta.carry, dict)
        self._state.update(delta.carry)

    def dump(self, key: bytes) -> bytes | None:
        return msgspec.msgpack.encode(self._state[key])


def main(brokers: str, app: str, source: str, target: str, checkpoints: str, instance: str) -> None:
    """Run the worker until it is killed."""

    def outputs(frame: LogFrame[Item], delta: Delta[Step]) -> list[Output]:
        if not delta.outputs:
            return []
        headers = (("source", f"{frame.topic}/{frame.partition}/{frame.offset}".encode()), ("index", b"0"))
        value = b"\n".join(map(encode_line, delta.outputs))
        return [Output(target, value, partition=frame.partition, headers=headers)]

    codec: LineCodec[Item] = LineCodec(Item)
    run(
        LogApp(
            app,
            brokers,
            [Source(source, checkpoints, codec, Summing, outputs)],
            instance=None if instance == "-" else instance,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
