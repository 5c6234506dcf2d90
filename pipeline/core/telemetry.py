"""Metrics and logs of every component, under one set of names.

The accounting identity of a component is `received = sent + rejected + dropped + in flight`;
`Component.balance` computes what is missing from it, and a test holds every component to zero.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from pipeline.core.errors import ConfigError
from pipeline.core.oserrors import why

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Component:
    """Counters of one component: `ioc_<name>_{received,sent,rejected,dropped}_total`, in flight, lag.

    Counts are events (readings, detections, ...), not frames. `rejected` means dead-lettered.
    """

    def __init__(self, name: str, registry: CollectorRegistry = REGISTRY) -> None:
        self.name = name
        self.received = Counter(f"ioc_{name}_received", "Events taken in", registry=registry)
        self.sent = Counter(f"ioc_{name}_sent", "Events passed on and acknowledged", registry=registry)
        self.rejected = Counter(f"ioc_{name}_rejected", "Events dead-lettered", ["reason"], registry=registry)
        self.dropped = Counter(f"ioc_{name}_dropped", "Events dropped", ["reason"], registry=registry)
        self.in_flight = Gauge(f"ioc_{name}_in_flight", "Events taken in, not settled yet", registry=registry)
        self.latency = Histogram(
            f"ioc_{name}_latency_seconds",
            "From taking an event in to settling it",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )

    def balance(self) -> float:
        """`received - sent - rejected - dropped - in flight`: zero when no event went missing."""
        return (
            total(self.received) - total(self.sent) - total(self.rejected) - total(self.dropped) - total(self.in_flight)
        )


class Owned:
    """Metrics with one label, whose series end when what they are about goes away: nobody reads of a camera that moved.

        camera = Owned("qt-cam-07")
        camera.count(FRAMES, 3)
        camera.close()

    What is counted after `close` is lost on purpose: a thread that ends late must not bring the series back.
    """

    def __init__(self, owner: str) -> None:
        self._owner, self._lock, self._closed = owner, threading.Lock(), False
        self._used: set[Counter | Gauge] = set()

    def count(self, metric: Counter, amount: float = 1) -> None:
        """Add to the owner's series."""
        with self._lock:
            if not self._closed:
                self._used.add(metric)
                metric.labels(self._owner).inc(amount)

    def ask(self, metric: Gauge, value: Callable[[], float]) -> None:
        """Let the owner's series be asked for when metrics are read."""
        with self._lock:
            if not self._closed:
                self._used.add(metric)
                metric.labels(self._owner).set_function(value)

    def close(self) -> None:
        """End all series of the owner."""
        with self._lock:
            self._closed = True
            for metric in self._used:
                metric.remove(self._owner)


def total(metric: Counter | Gauge) -> float:
    """The sum of a metric over all its labels."""
    return sum(
        sample.value for family in metric.collect() for sample in family.samples if not sample.name.endswith("_created")
    )


def serve_metrics(port: int) -> None:
    """Serve `/metrics` on a thread of its own, on IOC_METRICS_HOST (default loopback); port 0 serves nothing.

    Raises ConfigError when the port is taken or the host is not one of ours.
    """
    if port:
        host = os.environ.get("IOC_METRICS_HOST", "127.0.0.1")
        try:
            start_http_server(port, addr=host)
        except OSError as error:
            at, said = f"{host}:{port}", why(error)
            raise ConfigError(
                f"metrics cannot be served at {at} ({said.en}); end what uses it, or give another --metrics-port",
                vi=f"không mở được cổng số liệu {at} ({said.vi}); hãy tắt chương trình đang dùng cổng, hoặc đổi "
                "--metrics-port",
            ) from None


def configure_logs(component: str) -> None:
    """Log to standard error: JSON lines in a service, readable colour on a terminal."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(os.environ.get("IOC_LOG_LEVEL", "INFO").upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(component=component)


log: structlog.stdlib.BoundLogger = structlog.get_logger()
