"""The cut-line proxy does to a line what its methods say."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from tests.misbehaving_proxy import MisbehavingProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while data := self.request.recv(1024):
            self.request.sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture
def proxy() -> Iterator[MisbehavingProxy]:
    with _Server(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with MisbehavingProxy(server.server_address[1]) as found:
            yield found
        server.shutdown()


def _connect(proxy: MisbehavingProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), 2)


def test_it_relays_both_ways(proxy: MisbehavingProxy) -> None:
    with _connect(proxy) as line:
        line.sendall(b"hello")
        assert line.recv(5) == b"hello"


def test_a_stalled_line_stays_open_and_flows_again(proxy: MisbehavingProxy) -> None:
    with _connect(proxy) as line:
        line.sendall(b"1")
        assert line.recv(1) == b"1"
        proxy.stall()
        line.sendall(b"2")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        proxy.ok()
        line.settimeout(2)
        assert line.recv(1) == b"2"


def test_a_silent_port_accepts_and_never_answers(proxy: MisbehavingProxy) -> None:
    proxy.silent()
    with _connect(proxy) as line:
        line.sendall(b"anyone?")
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_dropping_resets_the_line_and_lets_new_ones_in(proxy: MisbehavingProxy) -> None:
    with _connect(proxy) as line:
        line.sendall(b"1")
        assert line.recv(1) == b"1"
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            line.recv(1)
    with _connect(proxy) as line:
        line.sendall(b"2")
        assert line.recv(1) == b"2"


def test_refusing_ends_with_ok_on_the_same_port(proxy: MisbehavingProxy) -> None:
    port = proxy.port
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        _connect(proxy)
    proxy.ok()
    assert proxy.port == port
    with _connect(proxy) as line:
        line.sendall(b"back")
        assert line.recv(4) == b"back"


def test_a_slow_line_takes_the_time_of_its_bytes(proxy: MisbehavingProxy) -> None:
    proxy.slow(1000)
    with _connect(proxy) as line:
        line.sendall(bytes(50))  # 0.05 s there
        line.settimeout(0.04)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.settimeout(2)
        assert line.recv(50, socket.MSG_WAITALL) == bytes(50)
