"""The MQTT gateway: from devices' messages to readings in Kafka, acknowledged only when Kafka has them.

Receives MQTT messages below `ioc/`; sends readings, `seq_gap`, `clock_skew` and `mode` readings, dead letters; drops
`command` and `own` (what we publish ourselves), `other_site` (another gateway serves it), `retained` (of unknown
age, sent to whoever subscribes) and `overload` (QoS 0 beyond what is in flight). A message is acknowledged to
mosquitto when Kafka acknowledged all its lines and letters. kill -9: mosquitto redelivers what was not
acknowledged; (at, seq) makes the repeat harmless, and the numbering is recalled from the log. A slow or dead Kafka:
at most RECEIVE_MAXIMUM messages in flight, mosquitto queues the rest. Garbage: dead-lettered with its reason, also
when a decoder fails in a way of its own. Metrics: `ioc_gateway_*`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence

from devices.decoders import DECODERS, Item, Measurement
from devices.directory import Directory, Known
from devices.doorstep import MODE, ClockSkew, StationMode, reading, said
from devices.mqtt_session import Message
from devices.numbering import Came, Numbering
from pipeline.core.codec import encode_line
from pipeline.core.errors import BadInput, Reason, Rejected
from pipeline.core.events import Reading
from pipeline.core.frames import FrameProducer
from pipeline.core.telemetry import Component
from pipeline.core.topics import READINGS

TOPICS = ("ioc/#",)
MAX_PAYLOAD_BYTES = 128 * 1024
OWN_BRANCH = "alerts"
"""What we publish ourselves; no site may be called so."""
Letter = Callable[[bytes, Rejected, str, Callable[[], None]], None]
"""(raw, rejection, source, settled): begins to write a dead letter; `settled` is called when Kafka has it."""


def topics(sites: Sequence[str]) -> tuple[str, ...]:
    """What to subscribe to for these sites; none named means all."""
    return tuple(f"ioc/{site}/#" for site in sites) or TOPICS


class Gateway:
    """Handles messages one by one in the event loop; never blocks, never waits for Kafka."""

    def __init__(
        self, frames: FrameProducer, directory: Directory, letter: Letter, *, sites: Iterable[str] = ()
    ) -> None:
        self._frames, self._directory, self._letter = frames, directory, letter
        self._sites = frozenset(sites)
        self.numbering, self._skew, self._mode = Numbering(), ClockSkew(), StationMode()
        self.component = Component("gateway")

    def handle(self, message: Message) -> None:
        """Take one message in; it is settled when everything made of it is in Kafka."""
        pending = _Pending(message, self.component)
        if passed_over := self._passed_over(message):
            self.dropped(passed_over)
            pending.done()
            return
        try:
            known = sender(self._directory, message.topic, message.payload, message.received)
            self._handle_items(message, known, pending)
        except Rejected as rejection:
            self.component.received.inc()
            self._reject(message, message.payload, rejection, 0, pending)
        pending.done()

    def dropped(self, reason: str, count: int = 1) -> None:
        """Count messages that nobody should see."""
        self.component.received.inc(count)
        self.component.dropped.labels(reason).inc(count)

    def _passed_over(self, message: Message) -> str | None:
        parts = message.topic.split("/", 4)
        if message.retained:
            return "retained"
        if parts[1:2] == [OWN_BRANCH]:
            return "own"
        if parts[3:4] == ["cmd"]:
            return "command"
        return "other_site" if self._sites and parts[1:2] and parts[1] not in self._sites else None

    def _handle_items(self, message: Message, known: Known, pending: _Pending) -> None:
        for number, item in enumerate(decoded(message.payload, message.topic, known)):
            self.component.received.inc()
            try:
                self._accept(message, known, item, pending)
            except Rejected as rejection:
                if item.measurement is not None:
                    self.numbering.refused(known.device.id, item.measurement.seq)
                self._reject(message, item.raw or message.payload, rejection, number, pending)
        self._send_made(self._mode.due(listed=any(one.quantity == MODE for one in known.type.quantities)), pending)

    def _accept(self, message: Message, known: Known, item: Item, pending: _Pending) -> None:
        measurement = measured(item)
        found = reading(measurement, known, message.received)
        self._send(found, pending)
        came = Came(found.device, found.seq, found.at, said(found), found.site)
        self.numbering.came(came, message.received, stamped=measurement.at is not None)
        self._send_made(self._skew.measure(found, message.received), pending)
        self._mode.note(found)

    def report_gaps(self, now: int) -> None:
        """Send what the numbering found missing. A crash before Kafka has it: it is found in the log again."""
        for gap in self.numbering.due(now):
            self.component.received.inc()
            self._send(gap, _Pending(None, self.component))

    def _send_made(self, made: Reading | None, pending: _Pending) -> None:
        """Send a reading that the gateway made of the message in hand."""
        if made is not None:
            self.component.received.inc()
            self._send(made, pending)

    def _send(self, found: Reading, pending: _Pending) -> None:
        pending.wait()
        self._frames.put(READINGS, found.device, encode_line(found), pending.sent)

    def _reject(self, message: Message, raw: bytes, rejection: Rejected, number: int, pending: _Pending) -> None:
        source = f"{message.topic}#{hashlib.sha256(message.payload).hexdigest()[:16]}/{number}"
        pending.wait()
        self._letter(raw, rejection, source, lambda: pending.rejected(rejection.reason))


def sender(directory: Directory, topic: str, payload: bytes, received: int) -> Known:
    """The device that sent this. Raises Rejected: wrong_topic, too_large, unknown_device, retired_device."""
    parts = topic.split("/", 3)
    if len(parts) < 4:
        raise Rejected(Reason.WRONG_TOPIC, f"topic: {topic!r}; expected ioc/<site>/<device>/<anything>")
    if len(payload) > MAX_PAYLOAD_BYTES:
        detail = f"payload: {len(payload)} bytes; expected at most {MAX_PAYLOAD_BYTES}"
        raise Rejected(Reason.TOO_LARGE, detail)
    return directory.sender(parts[2], parts[1], received)


def decoded(payload: bytes, topic: str, known: Known) -> Iterable[Item]:
    """The items of a payload. Raises Rejected, and nothing else, whatever the decoder does."""
    try:
        return list(DECODERS[known.type.decoder](payload, topic))
    except Rejected:
        raise
    except BadInput as error:
        raise Rejected(Reason.UNDECODABLE, str(error)) from None
    except Exception as error:  # one device's bytes must not stop the others; it is counted as undecodable
        detail = f"the decoder {known.type.decoder!r} failed: {error!r}"
        raise Rejected(Reason.UNDECODABLE, detail) from error


def measured(item: Item) -> Measurement:
    """The measurement of an item. Raises Rejected with the decoder's reason when it has none."""
    if item.measurement is None:
        raise item.rejection or Rejected(Reason.UNDECODABLE, "the decoder gave neither a value nor a reason")
    return item.measurement


class _Pending:
    """Counts what one message still waits for."""

    __slots__ = ("_begun", "_component", "_count", "_message")

    def __init__(self, message: Message | None, component: Component) -> None:
        self._message, self._component, self._count = message, component, 1
        self._begun = time.perf_counter()

    def wait(self) -> None:
        self._count += 1
        self._component.in_flight.inc()

    def sent(self) -> None:
        self._component.sent.inc()
        self._settled()

    def rejected(self, reason: Reason) -> None:
        self._component.rejected.labels(reason).inc()
        self._settled()

    def _settled(self) -> None:
        self._component.in_flight.dec()
        self.done()

    def done(self) -> None:
        self._count -= 1
        if self._count == 0 and self._message is not None:
            self._component.latency.observe(time.perf_counter() - self._begun)
            self._message.settle()
