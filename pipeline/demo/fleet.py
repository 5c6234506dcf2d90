"""The simulated devices: each with its own credential and MQTT connection, as real ones are."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from random import Random

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from devices.credentials import Credential
from pipeline.core.catalogue import Device
from pipeline.core.clock import now_ms
from pipeline.demo.storm import measure, silent

BAD_INPUT: dict[str, bytes] = {
    "broken_json": b'{"quantity":"rain_rate","value":',
    "not_finite": b'{"quantity":"rain_rate","value":NaN,"unit":"mm/h"}',
    "wrong_unit": b'{"quantity":"rain_rate","value":3,"unit":"kg"}',
    "unknown_quantity": b'{"quantity":"rain_rat","value":3}',
}
"""What a badly set up device sends once in the story, by the reason of its rejection."""
BAD_AT = 0.2


class Counts:
    """Messages and readings handed to paho, and messages that mosquitto acknowledged. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.messages = self.readings = self.bad = self.acknowledged = 0

    def published(self, readings: int, bad: bool) -> None:
        """One message with so many readings."""
        with self._lock:
            self.messages += 1
            self.readings += readings
            self.bad += bad

    def on_publish(self, *_: object) -> None:
        """One acknowledgement."""
        with self._lock:
            self.acknowledged += 1


class Simulated:
    """One device."""

    def __init__(self, device: Device, credential: Credential, host: str, port: int, counts: Counts) -> None:
        self.device, self._topic, self._counts = device, f"{credential.topic}/up", counts
        self._random = Random(device.id)
        self._seq = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device.id, protocol=mqtt.MQTTv5)
        self._client.username_pw_set(credential.username, credential.secret)
        self._client.on_publish = counts.on_publish
        self._client.max_queued_messages_set(0)
        self._client.connect(host, port, keepalive=30)
        self._client.loop_start()

    def report(self, moment: float, period_s: float) -> None:
        """Measure and publish at `moment` (0..1) of the story."""
        if silent(self.device.id, moment):
            return
        self._seq += 1
        at, message = now_ms(), []
        for quantity, value in measure(self.device, moment, period_s, self._random).items():
            field = "text" if isinstance(value, str) else "value"
            message.append({"quantity": quantity, field: value, "at": at, "seq": self._seq})
        self.publish(json.dumps(message).encode(), len(message), bad=False)

    def publish(self, payload: bytes, readings: int, *, bad: bool) -> None:
        """Publish with QoS 1."""
        self._counts.published(readings, bad)
        self._client.publish(self._topic, payload, qos=1)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


class Fleet:
    """All simulated devices, driven through the story on a thread of their own."""

    def __init__(self, devices: Iterable[Device], credentials: Mapping[str, Credential], host: str, port: int) -> None:
        self.counts = Counts()
        self._devices = [Simulated(d, credentials[d.id], host, port, self.counts) for d in devices]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._length_s = 0.0
        self.moment = 0.0

    def start(self, length_s: float) -> None:
        """Run the story once, over `length_s` seconds."""
        self._length_s = length_s
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the story has ended."""
        return not self._thread.is_alive()

    def stop(self, within_s: float = 20.0) -> bool:
        """Stop the devices and wait for mosquitto's acknowledgements; says whether all came."""
        self._stop.set()
        self._thread.join()
        until = time.monotonic() + within_s
        while self.counts.acknowledged < self.counts.messages and time.monotonic() < until:
            time.sleep(0.05)
        for device in self._devices:
            device.close()
        return self.counts.acknowledged == self.counts.messages

    def _run(self) -> None:
        began, last = time.monotonic(), 0.0
        said_bad = False
        while not self._stop.is_set() and self.moment < 1:
            passed = time.monotonic() - began
            self.moment = passed / self._length_s
            for device in self._devices:
                device.report(self.moment, passed - last)
            if self.moment > BAD_AT and not said_bad:
                said_bad = True
                for payload in BAD_INPUT.values():
                    self._devices[0].publish(payload, 1, bad=True)
            last = passed
            self._stop.wait(max(0.0, 1.0 - (time.monotonic() - began - passed)))
