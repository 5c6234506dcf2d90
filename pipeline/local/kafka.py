"""One Kafka node in KRaft mode: broker and controller in one process, on loopback."""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
from pathlib import Path

from pipeline.local import jars
from pipeline.local.datafolder import DataFolder
from pipeline.local.installing import InstallError, run
from pipeline.local.ports import LOOPBACK, choose
from pipeline.local.service import Service

PORTS = ("kafka", "kafka_controller")

_CLUSTER = "aW9jLWxvY2FsLXN0YWNrMQ"  # 16 bytes in base64 without padding, as Kafka wants it
_METADATA, _METADATA_VERSION = 3, 4
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/log
num.network.threads=2
num.io.threads=4
num.partitions=8
auto.create.topics.enable=false
message.max.bytes=2097152
replica.fetch.max.bytes=2097152
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms={session_ms}
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
"""


def service(folder: DataFolder, ports: dict[str, int], *, fast: bool) -> Service:
    """The node with its data in `folder`. `fast` trades peak speed for a quick start (tests)."""
    home, port = folder.service("kafka"), ports["kafka"]
    return Service(
        name="kafka",
        address=f"{LOOPBACK}:{port}",
        argv=_java("kafka.Kafka", str(home / "server.properties"), heap=("-Xms256m", "-Xmx512m"), fast=fast),
        ready=lambda: has_broker(port),
        prepare=lambda: prepare(home, port, ports["kafka_controller"], 2_000 if fast else 4_000),
        cwd=folder.root,
    )


def prepare(home: Path, broker: int, controller: int, session_ms: int) -> None:
    """Write the settings, and format the storage when it is new.

    A killed node can only come back when its old session has run out, 9 s by default.
    """
    if not jars.classpath():
        raise InstallError("Kafka is not installed; run `make setup`")
    home.mkdir(mode=0o700, exist_ok=True)
    settings = home / "server.properties"
    names = {"host": LOOPBACK, "broker": broker, "controller": controller, "folder": home}
    settings.write_text(_SETTINGS.format(**names, session_ms=session_ms))
    if not (home / "log" / "meta.properties").exists():
        tool = ("format", "-t", _CLUSTER, "-c", str(settings), "--ignore-formatted")
        run(_java("kafka.tools.StorageTool", *tool, heap=("-Xmx128m",), fast=True))


def has_broker(port: int, timeout_s: float = 0.8) -> bool:
    """Whether the node answers and its broker has been let into the cluster (an open port is less)."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(_metadata_request())
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            _correlation, _throttled, brokers = struct.unpack(">iii", _exactly(connection, size)[:12])
    except OSError:
        return False
    return bool(brokers > 0)


def record_classes(scratch: Path, archive: Path) -> None:
    """Run a node in `scratch` until it is ready; Java writes the class-data archive when it stops."""
    ports = choose(PORTS, {}, str(scratch))
    prepare(scratch, ports["kafka"], ports["kafka_controller"], session_ms=4_000)
    partial = archive.with_suffix(".partial")
    argv = _java("kafka.Kafka", str(scratch / "server.properties"), heap=("-Xmx512m",), fast=False)
    argv = tuple(part for part in argv if not part.startswith("-XX:SharedArchiveFile"))
    with subprocess.Popen(
        (argv[0], f"-XX:ArchiveClassesAtExit={partial}", *argv[1:]),
        cwd=scratch,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as node:
        try:
            _until_ready(node, ports["kafka"])
        finally:
            node.send_signal(signal.SIGTERM)
    partial.replace(archive)


def _until_ready(node: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        if has_broker(port):
            return
        try:
            code = node.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise InstallError(f"Kafka exited with {code} while its classes were recorded")
    raise InstallError("Kafka was not ready within 60 s while its classes were recorded")


def _java(main: str, *arguments: str, heap: tuple[str, ...], fast: bool) -> tuple[str, ...]:
    shared = (f"-XX:SharedArchiveFile={jars.archive()}",) if jars.archive().exists() else ()
    return (
        "java",
        *heap,
        "-XX:+UseSerialGC",
        *(("-XX:TieredStopAtLevel=1",) if fast else ()),
        *shared,
        "-Xshare:auto",
        "-Xlog:disable",  # a stale archive is only slower; Java would complain on standard output
        "-Xlog:all=error:stderr",
        f"-Dlog4j2.configurationFile={jars.NODE / 'log4j2.properties'}",
        "-cp",
        jars.classpath(),
        main,
        *arguments,
    )


def _metadata_request() -> bytes:
    """Metadata request, version 4, no topics (Kafka protocol guide): lists the brokers."""
    client = b"ioc-ready"
    body = struct.pack(">hhih", _METADATA, _METADATA_VERSION, 1, len(client)) + client
    body += struct.pack(">ib", 0, 0)  # no topics, do not create any
    return struct.pack(">i", len(body)) + body


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionResetError("closed in the middle of an answer")
        received += part
    return received
