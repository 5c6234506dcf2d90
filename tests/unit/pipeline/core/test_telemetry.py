"""Metrics and logs."""

from __future__ import annotations

import socket

import pytest

from pipeline.core.errors import ConfigError
from pipeline.core.telemetry import serve_metrics


def test_a_metrics_port_that_is_taken_is_one_sentence_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"metrics cannot be served at 127.0.0.1:{port} .*another --metrics-port"):
            serve_metrics(port)
