"""Simulated devices in a process of their own, so that they do not share an interpreter with what is measured.

`python -m pipeline.bench.publishers HOST PORT RATE SECONDS`, credentials as JSON on standard input; prints the
counts as one line of JSON when every message has been acknowledged (or 30 s after the last one). Each device is a
`mosquitto_pub` of its own: clients in Python would take a quarter of a core from the centre.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.core.clock import now_ms

HIGH, LOW = 9.0, 1.0
TOGGLE_EVERY = 20
"""One message in so many crosses the threshold, up or down in turn."""
_CONNECTED_S = 2.0
_ACK_LIMIT_S = 30.0


class Device:
    """One MQTT connection: each line that it is given is a message, QoS 1."""

    def __init__(self, number: int, server: tuple[str, int], account: tuple[str, str, str], folder: Path) -> None:
        name, secret, topic = account
        self._number, self.published = number, 0
        settings = folder / name / "mosquitto_pub"
        settings.parent.mkdir()
        settings.touch(0o600)  # in a file: arguments can be seen by everybody on the machine
        settings.write_text(f"-u {name}\n-P {secret}\n")
        host, port = server
        self._process = subprocess.Popen(
            ("mosquitto_pub", "-l", "-q", "1", "-h", host, "-p", str(port), "-i", name, "-t", topic),
            env={**os.environ, "XDG_CONFIG_HOME": str(settings.parent)},
            stdin=subprocess.PIPE,
        )

    def publish(self) -> None:
        """The next message. Devices cross the threshold in turn, so that events are spread over time."""
        self.published += 1
        value = HIGH if (self.published + self._number) // TOGGLE_EVERY % 2 else LOW
        body = {"quantity": "water_level", "value": value, "unit": "m", "at": now_ms(), "seq": self.published}
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), json.dumps(body).encode() + b"\n")

    def close(self, until: float) -> int:
        """How many messages were acknowledged: all, when the client ends well; else none that we could swear to."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            ended_well = self._process.wait(max(0.0, until - time.monotonic())) == 0
        except subprocess.TimeoutExpired:
            self._process.kill()
            return 0
        return self.published if ended_well else 0


def main(host: str, port: int, rate: float, seconds: float, credentials: dict[str, tuple[str, str]]) -> None:
    """Publish `rate` messages a second, evenly over all devices, for `seconds`."""
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as folder:
        accounts = [(name, secret, topic) for name, (secret, topic) in credentials.items()]
        devices = [Device(number, (host, port), one, Path(folder)) for number, one in enumerate(accounts)]
        time.sleep(_CONNECTED_S)
        total, began = round(rate * seconds), time.monotonic()
        late_s = 0.0
        for number in range(total):
            ahead = began + number / rate - time.monotonic()
            late_s = max(late_s, -ahead)
            if ahead > 0.002:
                time.sleep(ahead)
            devices[number % len(devices)].publish()
        took = time.monotonic() - began
        until = time.monotonic() + _ACK_LIMIT_S
        acknowledged = sum(device.close(until) for device in devices)
    told = {"published": total, "acknowledged": acknowledged, "seconds": took, "most_late_s": late_s}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), given)
