"""The whole local stack: what belongs to it, in which order it starts and stops, and who runs it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from pipeline.core.errors import BadInput, UsageError
from pipeline.local import endpoints, identity, kafka, mosquitto, own, postgres, rtsp
from pipeline.local.datafolder import DataFolder
from pipeline.local.endpoints import Endpoints
from pipeline.local.holder import Hold, holder
from pipeline.local.own import PROCESSES, OwnProcess
from pipeline.local.process import Child, Echo, silent
from pipeline.local.service import Service

SERVICES: dict[str, ModuleType] = {"kafka": kafka, "mosquitto": mosquitto, "postgres": postgres, "rtsp": rtsp}
ALL_SERVICES = tuple(SERVICES)
_PATIENCE_S = 3.0

Options = Mapping[str, Mapping[str, Any]]
"""By service: further arguments of its `service` function, e.g. `{"rtsp": {"fps": 25}}`."""

Prepare = Callable[[Endpoints], None]
"""Runs when the services are ready and before our own processes start: topics, migrations."""


class LocalStack:
    """Services and processes of ours in one data folder, as children of this process.

    `services` may name services and our own processes alike. One process runs a data folder at a time.
    Every blocking call has a deadline of its own and raises ServiceMissing when a child does not make it.
    """

    def __init__(
        self,
        data: Path,
        services: Iterable[str] = ALL_SERVICES,
        *,
        fast: bool = False,
        echo: Echo = silent,
        prepare: Prepare | None = None,
        options: Options | None = None,
        processes: Sequence[OwnProcess] = PROCESSES,
    ) -> None:
        self.folder = DataFolder(data)
        self._names = tuple(services)
        self._fast, self._echo, self._prepare = fast, echo, prepare
        self._options, self._processes = options or {}, processes
        self._hold = Hold(self.folder.lock)
        self._children: dict[str, Child] = {}
        self._endpoints: Endpoints | None = None
        check_names(self._names, processes)

    @contextlib.contextmanager
    def running(self) -> Iterator[Endpoints]:
        """The stack, up and ready, for the length of a `with` block."""
        try:
            yield self.up()
        finally:
            self.down()

    def up(self) -> Endpoints:
        """Start everything: services, then the preparation, then our own processes.

        Raises RunsAlreadyError when another process runs this folder, ServiceMissing when a child does not
        become ready; what was started is stopped again then.
        """
        self.folder.create()
        self._hold.take()
        end_leftovers(self.folder)
        ports = self.folder.ports(port_names(), renew=True)
        found = endpoints.of(self.folder, ports)
        self._children = {
            name: Child(service, self.folder, self._echo)
            for name, service in services(
                self.folder,
                ports,
                self._names,
                fast=self._fast,
                options=self._options,
                processes=self._processes,
            ).items()
        }
        try:
            self._start_all(found)
        except BaseException:
            self.down()
            raise
        self._endpoints = found
        self._hold.announce()
        return found

    def down(self) -> None:
        """Stop everything, our own processes first; within 10 s. Harmless when nothing runs."""
        ours = [child for name, child in self._children.items() if name not in SERVICES]
        _together(Child.stop, ours)
        _together(Child.stop, [self._children[name] for name in self._children if name in SERVICES])
        self._hold.release()

    @property
    def endpoints(self) -> Endpoints:
        """Where the services answer. Raises UsageError before `up`."""
        if self._endpoints is None:
            root = self.folder.root
            raise UsageError(
                f"the stack in {root} was not started by this process",
                vi=f"hệ thống trong {root} không do tiến trình này khởi động",
            )
        return self._endpoints

    def start(self, name: str) -> None:
        """Start one child, on its old port, and wait until it is ready."""
        self._child(name).start()

    def stop(self, name: str) -> None:
        """Stop one child and leave it down until `start`."""
        self._child(name).stop()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End one child by a signal, at once, and leave it down until `start`.

        To see the supervisor restart it instead, send the signal to `pid(name)` yourself.
        """
        self._child(name).kill(number)

    def send_signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one child, e.g. SIGSTOP and SIGCONT to freeze and thaw it."""
        self._child(name).send_signal(number)

    def restart(self, name: str) -> None:
        """Stop one child, start it again, and wait until it is ready."""
        self.stop(name)
        self.start(name)

    def pid(self, name: str) -> int | None:
        """The process id of one child; None while it is down."""
        return self._child(name).pid()

    def ready(self, name: str) -> bool:
        """Whether one child runs and answers now."""
        return self._child(name).ready()

    def restarts(self, name: str) -> int:
        """How often one child was started again because it ended unasked."""
        return self._child(name).restarts

    def _start_all(self, found: Endpoints) -> None:
        chosen = self._children.items()
        _together(Child.start, [child for name, child in chosen if name in SERVICES])
        endpoints.publish(self.folder, found)
        if self._prepare is not None:
            self._prepare(found)
        _together(Child.start, [child for name, child in chosen if name not in SERVICES])

    def _child(self, name: str) -> Child:
        if name not in self._children:
            raise BadInput.one_of("service", name, self._children)
        return self._children[name]


def services(
    folder: DataFolder,
    ports: dict[str, int],
    names: Iterable[str],
    *,
    fast: bool = False,
    options: Options = MappingProxyType({}),
    processes: Sequence[OwnProcess] = PROCESSES,
) -> dict[str, Service]:
    """The named services and processes, services first, each in the order of its table."""
    wanted = set(names)
    found = {
        name: module.service(folder, ports, fast=fast, **options.get(name, {}))
        for name, module in SERVICES.items()
        if name in wanted
    }
    ours = {row.name: own.service(row, folder, ports) for row in processes if row.name in wanted}
    return {**found, **ours}


def all_names() -> tuple[str, ...]:
    """Every service, and every part of ours that this version has."""
    return (*SERVICES, *(row.name for row in PROCESSES if own.available(row)))


def port_names() -> tuple[str, ...]:
    """The names of all ports of a stack; all are reserved, whatever is started."""
    return (*(name for module in SERVICES.values() for name in module.PORTS), "console")


def check_names(names: Iterable[str], processes: Sequence[OwnProcess] = PROCESSES) -> None:
    """Raises UsageError when a name is neither a service nor a process of ours."""
    known = (*SERVICES, *(row.name for row in processes))
    for name in names:
        if name not in known:
            parts = ", ".join(known)
            raise UsageError(
                f"{name} is no part of the stack; the parts are {parts}",
                vi=f"không có thành phần {name}; các thành phần là {parts}",
            )


def end_leftovers(folder: DataFolder) -> list[str]:
    """End what a killed supervisor left behind, by recorded pid and start time; returns the names.

    Only for the holder of the lock, or when nobody holds it.
    """
    records = sorted(folder.run.glob("*.json"))
    found = {record.stem: identity.read(record) for record in records}
    alive = {name: process for name, process in found.items() if process is not None and process.alive()}
    for process in alive.values():
        process.send_signal(signal.SIGTERM)
    for process in alive.values():
        process.end(_PATIENCE_S)
    for record in records:
        record.unlink(missing_ok=True)
    return list(alive)


def end_other(folder: DataFolder, patience_s: float = 15.0) -> list[str]:
    """Stop the stack that another process runs in `folder`, and end leftovers; returns what was ended."""
    ended = []
    supervisor = holder(folder.lock)
    if supervisor is not None:
        supervisor.end(patience_s)
        ended.append("supervisor")
    return ended + end_leftovers(folder)


def _together(work: Callable[[Child], None], children: list[Child]) -> None:
    """Do `work` for all children at once and raise the first error when all have ended."""
    if not children:
        return
    with ThreadPoolExecutor(len(children)) as pool:
        done = [pool.submit(work, child) for child in children]
    for future in done:
        future.result()
