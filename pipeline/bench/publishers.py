"""Simulated devices in a process of their own, so that they do not share an interpreter with what is measured.

`python -m pipeline.bench.publishers HOST PORT RATE SECONDS`, credentials as JSON on standard input; prints the
counts as one line of JSON when every message has been acknowledged (or 30 s after the last one). All connections
are served by one thread: a thread each would make the devices wait for each other and not for the centre.
"""

from __future__ import annotations

import json
import selectors
import sys
import time
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from pipeline.core.clock import now_ms

HIGH, LOW = 9.0, 1.0
TOGGLE_EVERY = 20
"""One message in so many crosses the threshold, up or down in turn."""
_ACK_LIMIT_S = 30.0
_CONNECT_LIMIT_S = 10.0


class Devices:
    """One MQTT connection a device."""

    def __init__(self, host: str, port: int, credentials: dict[str, tuple[str, str]]) -> None:
        self.acknowledged = 0
        self._selector = selectors.DefaultSelector()
        self._clients = [
            (self._client(host, port, name, secret), topic) for name, (secret, topic) in credentials.items()
        ]
        if not self.serve(_CONNECT_LIMIT_S, lambda: all(client.is_connected() for client, _ in self._clients)):
            raise SystemExit(f"not all devices were connected to {host}:{port} within {_CONNECT_LIMIT_S:.0f} s")

    def _client(self, host: str, port: int, name: str, secret: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
        client.username_pw_set(name, secret)
        client.on_publish = self._on_publish
        client.max_queued_messages_set(0)
        client.connect(host, port, keepalive=600)
        self._selector.register(client.socket(), selectors.EVENT_READ, client)
        return client

    def _on_publish(self, *_: object) -> None:
        self.acknowledged += 1

    def serve(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Read what comes for `seconds`, or until `done`; returns whether it is."""
        until = time.monotonic() + seconds
        while not done():
            left = until - time.monotonic()
            for key, _ in self._selector.select(max(0.0, left)):
                key.data.loop_read()
            if left <= 0:
                return False
        return True

    def publish(self, number: int) -> None:
        """Message `number` of all: each device's messages cross the threshold up and down, the devices in turn."""
        device = number % len(self._clients)
        client, topic = self._clients[device]
        seq = number // len(self._clients) + 1
        value = HIGH if (seq + device) // TOGGLE_EVERY % 2 else LOW
        body = {"quantity": "water_level", "value": value, "unit": "m", "at": now_ms(), "seq": seq}
        client.publish(topic, json.dumps(body), qos=1)
        if client.want_write():
            client.loop_write()

    def close(self) -> None:
        """Disconnect."""
        for client, _ in self._clients:
            client.disconnect()


def main(host: str, port: int, rate: float, seconds: float, credentials: dict[str, tuple[str, str]]) -> None:
    """Publish `rate` messages a second, evenly over all devices, for `seconds`."""
    devices = Devices(host, port, credentials)
    total, began = round(rate * seconds), time.monotonic()
    late_s = 0.0
    for number in range(total):
        ahead = began + number / rate - time.monotonic()
        late_s = max(late_s, -ahead)
        devices.serve(ahead)
        devices.publish(number)
    took = time.monotonic() - began
    devices.serve(_ACK_LIMIT_S, lambda: devices.acknowledged == total)
    told = {"published": total, "acknowledged": devices.acknowledged, "seconds": took, "most_late_s": late_s}
    sys.stdout.write(json.dumps(told) + "\n")
    devices.close()


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), given)
