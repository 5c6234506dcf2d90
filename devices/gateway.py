"""The MQTT gateway: from devices' messages to readings in Kafka, acknowledged only when Kafka has them.

Receives MQTT messages below `ioc/`; sends readings, `seq_gap` and `clock_skew` readings, dead letters; drops
`command` and `own` (what we publish ourselves). A message is acknowledged to mosquitto when Kafka acknowledged
all its lines and letters. kill -9: mosquitto redelivers what was not acknowledged; (at, seq) makes the repeat
harmless. A slow or dead Kafka: at most RECEIVE_MAXIMUM messages in flight, mosquitto queues the rest. Garbage:
dead-lettered with its reason. Metrics: `ioc_gateway_*`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from devices.decoders import DECODERS, Item
from devices.directory import Directory, Known
from devices.doorstep import Bookkeeping, reading
from devices.mqtt_session import Message
from pipeline.core.codec import encode_line
from pipeline.core.errors import Reason, Rejected
from pipeline.core.events import Reading
from pipeline.core.frames import FrameProducer
from pipeline.core.telemetry import Component
from pipeline.core.topics import READINGS

TOPICS = ("ioc/#",)
MAX_PAYLOAD_BYTES = 128 * 1024
_OWN_BRANCH = "alerts"
Letter = Callable[[bytes, Rejected, str, Callable[[], None]], None]
"""(raw, rejection, source, settled): begins to write a dead letter; `settled` is called when Kafka has it."""


class Gateway:
    """Handles messages one by one in the event loop; never blocks, never waits for Kafka."""

    def __init__(self, frames: FrameProducer, directory: Directory, letter: Letter) -> None:
        self._frames, self._directory, self._letter = frames, directory, letter
        self._bookkeeping = Bookkeeping()
        self.component = Component("gateway")

    def handle(self, message: Message) -> None:
        """Take one message in; it is settled when everything made of it is in Kafka."""
        pending = _Pending(message, self.component)
        try:
            known = self._sender(message)
            if known is None:
                self.component.received.inc()
                self.component.dropped.labels("own").inc()
            else:
                self._handle_items(message, known, pending)
        except Rejected as rejection:
            self.component.received.inc()
            self._reject(message, message.payload, rejection, 0, pending)
        pending.done()

    def _sender(self, message: Message) -> Known | None:
        """Who sent it; None for what we publish ourselves. Raises Rejected."""
        parts = message.topic.split("/")
        if len(parts) > 1 and (parts[1] == _OWN_BRANCH or parts[3:4] == ["cmd"]):
            return None
        if len(parts) < 4:
            raise Rejected(Reason.WRONG_TOPIC, f"topic: {message.topic!r}; expected ioc/<site>/<device>/<anything>")
        if len(message.payload) > MAX_PAYLOAD_BYTES:
            size = len(message.payload)
            raise Rejected(Reason.TOO_LARGE, f"payload: {size} bytes; expected at most {MAX_PAYLOAD_BYTES}")
        return self._directory.sender(parts[2], parts[1], message.received)

    def _handle_items(self, message: Message, known: Known, pending: _Pending) -> None:
        items = DECODERS[known.type.decoder](message.payload, message.topic)
        for number, item in enumerate(items):
            self.component.received.inc()
            try:
                self._accept(message, known, item, pending)
            except Rejected as rejection:
                self._reject(message, item.raw or message.payload, rejection, number, pending)

    def _accept(self, message: Message, known: Known, item: Item, pending: _Pending) -> None:
        if item.measurement is None:
            raise item.rejection or Rejected(Reason.UNDECODABLE, "the decoder gave neither a value nor a reason")
        found = reading(item.measurement, known, message.received)
        self._send(found, pending)
        for extra in (self._bookkeeping.gap(found), self._bookkeeping.skew(found, message.received)):
            if extra is not None:
                self.component.received.inc()
                self._send(extra, pending)

    def _send(self, found: Reading, pending: _Pending) -> None:
        pending.wait()
        self._frames.put(READINGS, found.device, encode_line(found), pending.sent)

    def _reject(self, message: Message, raw: bytes, rejection: Rejected, number: int, pending: _Pending) -> None:
        source = f"{message.topic}#{hashlib.sha256(message.payload).hexdigest()[:16]}/{number}"
        self.component.rejected.labels(rejection.reason).inc()
        pending.wait()
        self._letter(raw, rejection, source, pending.settled)


class _Pending:
    """Counts what one message still waits for."""

    __slots__ = ("_component", "_count", "_message")

    def __init__(self, message: Message, component: Component) -> None:
        self._message, self._component, self._count = message, component, 1

    def wait(self) -> None:
        self._count += 1
        self._component.in_flight.inc()

    def sent(self) -> None:
        self._component.sent.inc()
        self.settled()

    def settled(self) -> None:
        self._component.in_flight.dec()
        self.done()

    def done(self) -> None:
        self._count -= 1
        if self._count == 0:
            self._message.settle()
