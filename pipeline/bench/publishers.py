"""Simulated devices in a process of their own, so that they do not share an interpreter with what is measured.

`python -m pipeline.bench.publishers HOST PORT RATE SECONDS`, credentials as JSON on standard input; prints the
counts as one line of JSON when every message has been acknowledged (or 30 s after the last one).
"""

from __future__ import annotations

import json
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from pipeline.core.clock import now_ms

HIGH, LOW = 9.0, 1.0
TOGGLE_EVERY = 20
"""One message in so many crosses the threshold, up or down in turn."""
_ACK_LIMIT_S = 30.0


def main(host: str, port: int, rate: float, seconds: float, credentials: dict[str, tuple[str, str]]) -> None:
    """Publish `rate` messages a second, evenly over all devices, for `seconds`."""
    acknowledged = threading.Semaphore(0)
    clients = [
        (_client(host, port, name, secret, acknowledged), topic) for name, (secret, topic) in credentials.items()
    ]
    total, began = round(rate * seconds), time.monotonic()
    late_s = 0.0
    for number in range(total):
        ahead = began + number / rate - time.monotonic()
        late_s = max(late_s, -ahead)
        if ahead > 0.002:
            time.sleep(ahead)
        client, topic = clients[number % len(clients)]
        seq = number // len(clients) + 1
        value = HIGH if seq // TOGGLE_EVERY % 2 else LOW
        body = {"quantity": "water_level", "value": value, "unit": "m", "at": now_ms(), "seq": seq}
        client.publish(topic, json.dumps(body), qos=1)
    took = time.monotonic() - began
    found = sum(acknowledged.acquire(timeout=_ACK_LIMIT_S) for _ in range(total))
    told = {"published": total, "acknowledged": found, "seconds": took, "most_late_s": late_s}
    sys.stdout.write(json.dumps(told) + "\n")
    for client, _ in clients:
        client.disconnect()


def _client(host: str, port: int, name: str, secret: str, acknowledged: threading.Semaphore) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
    client.username_pw_set(name, secret)
    client.on_publish = lambda *_: acknowledged.release()
    client.max_queued_messages_set(0)
    client.connect(host, port)
    client.loop_start()
    return client


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), given)
