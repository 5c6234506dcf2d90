"""The seam between the log app and what folds a log: frames go in, outputs and changed state come out.

A machine belongs to one (topic, partition). It does no I/O and reads no clock. `fold` promises to change
nothing: the log app sends the outputs first, repeats a failed send without folding again, and only then
calls `commit`. Killed in between, the next owner folds the same frame from the same state and writes the
same outputs, to the id.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec

from pipeline.core.catalogue import Document, Kind

Line = TypeVar("Line")
Out = TypeVar("Out")


class CatalogueChange(msgspec.Struct, frozen=True):
    """A document as of `offset` of the catalogue topic; `document` is None when it was deleted."""

    offset: int
    kind: Kind
    id: str
    document: Document | None


class LogFrame(msgspec.Struct, Generic[Line], frozen=True, kw_only=True):
    """One record of a partition, decoded. A tick is a frame without lines.

    `log`: the broker's append time, ms. `catalogue`: the catalogue offset that applies from this frame on.
    `lines`: (line number in the record, event); bad lines are gone to the dead letters already. `news`: catalogue
    changes that take effect before the first line. `lost`: records that retention removed between the previous
    frame and this one.
    """

    topic: str
    partition: int
    offset: int
    log: int
    lines: tuple[tuple[int, Line], ...] = ()
    producer: str = ""
    sent: int = 0
    catalogue: int = 0
    news: tuple[CatalogueChange, ...] = ()
    lost: int = 0


class Delta(msgspec.Struct, Generic[Out]):
    """What one fold leads to. `changed` names the state keys to be dumped into the next checkpoint.

    `only_time`: nothing happened but that time passed, so a checkpoint of it may wait. `commit` of the machine that
    made it receives it back; `carry` is that machine's own business.
    """

    outputs: list[Out]
    changed: set[bytes]
    carry: object = None
    only_time: bool = False


class Machine(Protocol[Line, Out]):
    """What the log app drives."""

    def fold(self, frame: LogFrame[Line]) -> Delta[Out]:
        """The outputs and state changes of one frame. Changes nothing by itself."""

    def commit(self, delta: Delta[Out]) -> None:
        """Make a delta of `fold` this machine's state. Called at most once, before the next fold."""

    def dump(self, key: bytes) -> bytes | None:
        """The state under `key`, encoded; None when it is gone. Keys never begin with `!`."""
