"""Free ports on loopback that stay the same for one data folder.

They lie below the range from which the kernel takes ports of outgoing connections: otherwise such a
connection could sit on the port of a service while that service restarts.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"
FIRST, LAST = 20_000, 32_000
_TRIES = 1_000


class NoFreePortError(OSError):
    """A thousand ports were tried and none was free."""


def is_free(port: int) -> bool:
    """Whether nothing listens on `port` of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int, timeout_s: float = 0.5) -> bool:
    """Whether something accepts connections on `port` of the loopback address."""
    try:
        socket.create_connection((LOOPBACK, port), timeout_s).close()
    except OSError:
        return False
    return True


def choose(names: Iterable[str], known: Mapping[str, int], seed: str) -> dict[str, int]:
    """A free port for every name: the known one while it is free, otherwise a new one.

    `seed` (the data folder) makes two stacks that start at the same moment try different ports.
    """
    drawn = random.Random(seed)
    chosen: dict[str, int] = {}
    for name in names:
        port = known.get(name)
        keep = port is not None and port not in chosen.values() and is_free(port)
        chosen[name] = port if keep and port is not None else _draw(drawn, {*chosen.values(), *known.values()})
    return chosen


def _draw(drawn: random.Random, taken: set[int]) -> int:
    for _ in range(_TRIES):
        port = drawn.randint(FIRST, LAST)
        if port not in taken and is_free(port):
            return port
    raise NoFreePortError(f"no free port between {FIRST} and {LAST}")
