"""Ports are free, below the kernel's own range, and stay the same while they can."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local import ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_somebody_listens_on_is_open_and_not_free(taken: int) -> None:
    assert ports.is_open(taken)
    assert not ports.is_free(taken)


def test_chosen_ports_differ_and_stay_out_of_the_range_for_outgoing_connections() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    chosen = ports.choose(("a", "b", "c", "d"), {}, "seed")
    assert len(set(chosen.values())) == 4
    assert max(chosen.values()) < first_outgoing


def test_a_free_known_port_is_kept() -> None:
    known = ports.choose(("a", "b"), {}, "seed")
    assert ports.choose(("a", "b"), known, "another seed") == known


def test_a_known_port_that_somebody_took_is_replaced(taken: int) -> None:
    chosen = ports.choose(("a",), {"a": taken}, "seed")
    assert chosen["a"] != taken


def test_two_names_never_share_a_known_port() -> None:
    port = ports.choose(("a",), {}, "seed")["a"]
    chosen = ports.choose(("a", "b"), {"a": port, "b": port}, "seed")
    assert chosen["a"] == port != chosen["b"]
