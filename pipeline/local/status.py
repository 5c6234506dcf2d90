"""What runs in a stack, seen from outside: by the records of its processes and by asking the services."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.local import identity
from pipeline.local.datafolder import DataFolder, read_json
from pipeline.local.service import Service
from pipeline.local.stack import all_names, port_names, services


class State(NamedTuple):
    """One row: `state` is ready, starting (runs, does not answer yet) or down."""

    name: str
    state: str
    pid: int | None
    address: str
    restarts: int


def states(folder: DataFolder) -> list[State]:
    """A row for everything that can run in `folder`; empty when no stack was ever started there."""
    ports = folder.ports((), renew=False)
    if not set(port_names()) <= set(ports):
        return []
    return [_state(folder, service) for service in services(folder, ports, all_names()).values()]


def _state(folder: DataFolder, service: Service) -> State:
    record = folder.run / f"{service.name}.json"
    process = identity.read(record)
    if process is None or not process.alive():
        return State(service.name, "down", None, service.address, 0)
    restarts = int(read_json(record).get("restarts", 0))
    state = "ready" if service.ready() else "starting"
    return State(service.name, state, process.pid, service.address, restarts)
