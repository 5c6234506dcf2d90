"""`ioc run`: the long-running parts, one process each."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
import uvloop

from pipeline.cli.output import Sets
from pipeline.cli.services import settings

group = typer.Typer(no_args_is_help=True)
Instance = Annotated[str, typer.Option(help="Name of this worker among its like; keep it over restarts.")]
Metrics = Annotated[int, typer.Option("--metrics-port", help="Serve /metrics there; 0 for none.")]
EmptyState = Annotated[
    bool, typer.Option("--accept-empty-state", help="Partitions whose checkpoints are lost start from nothing.")
]
SWITCH_INTERVAL_S = 0.0005
"""Clients of MQTT and Kafka have threads of their own; with Python's 5 ms each hand-over would wait so long."""


@group.command()
def relay(metrics: Metrics = 0, sets: Sets = []) -> None:  # noqa: B006
    """Publish the database's outbox to Kafka."""
    from pipeline.relay import relay as run_relay

    found = _begin("relay", metrics, sets)
    _until_stopped(run_relay(found.kafka.brokers, found.postgres.dsn.get_secret_value()))


@group.command()
def sink(metrics: Metrics = 0, sets: Sets = []) -> None:  # noqa: B006
    """Store what is on the topics."""
    from sinks.writer import Sink

    found = _begin("sink", metrics, sets)
    _until_stopped(Sink(found.kafka.brokers, found.postgres.dsn.get_secret_value()).run())


@group.command()
def gateway(metrics: Metrics = 0, sets: Sets = []) -> None:  # noqa: B006
    """Take in what devices publish over MQTT."""
    from pipeline.core.telemetry import serve_metrics
    from pipeline.ingest import run_gateway

    found = _begin("gateway", metrics, sets)
    if not metrics:
        serve_metrics(found.gateway.metrics_port)
    _until_stopped(run_gateway(found))


@group.command()
def vision(metrics: Metrics = 0, sets: Sets = []) -> None:  # noqa: B006
    """Watch all registered cameras."""
    from pipeline.cameras import run_vision

    found = _begin("vision", metrics, sets)
    _until_stopped(run_vision(found))


@group.command()
def console(metrics: Metrics = 0, sets: Sets = []) -> None:  # noqa: B006
    """Serve the operators' pages."""
    from pipeline.console.server import serve

    asyncio.run(serve(_begin("console", metrics, sets)))


@group.command()
def rules(
    instance: Instance = "1",
    metrics: Metrics = 0,
    accept_empty_state: EmptyState = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Judge readings, detections and cases by the rules."""
    _worker("rules", instance, metrics, accept_empty_state, sets)


@group.command()
def alerts(
    instance: Instance = "1",
    metrics: Metrics = 0,
    accept_empty_state: EmptyState = False,
    sets: Sets = [],  # noqa: B006
) -> None:
    """Turn conditions and operators' verbs into alerts."""
    _worker("alerts", instance, metrics, accept_empty_state, sets)


def _worker(name: str, instance: str, metrics: int, accept_empty_state: bool, sets: list[str]) -> None:
    from pipeline.app import worker
    from pipeline.core.broker import check_kafka
    from pipeline.log_app.worker import run as run_worker

    found = _begin(name, metrics, sets)
    asyncio.run(check_kafka(found.kafka.brokers))
    run_worker(
        worker(
            name,
            found.kafka.brokers,
            found.centre.id,
            instance=f"{name}-{instance}",
            accept_empty_state=accept_empty_state,
        )
    )


def _begin(component: str, metrics: int, sets: list[str]) -> Any:
    from pipeline.core.telemetry import configure_logs, serve_metrics

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    found = settings(sets)
    configure_logs(component)
    serve_metrics(metrics)
    return found


def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGTERM or SIGINT, then let it clean up."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())
