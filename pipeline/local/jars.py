"""Kafka's jars, fetched by Maven, and the class-data archive that makes a node start in 2 s instead of 5."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from pipeline.core.folders import cache_folder
from pipeline.local.installing import InstallError, run

NODE = Path(__file__).parent / "kafka_node"
"""The folder of the pom file and the log settings."""

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def folder() -> Path:
    """Where the jars lie: one folder for each content of the pom file."""
    digest = hashlib.sha256((NODE / "pom.xml").read_bytes()).hexdigest()[:12]
    return cache_folder() / "kafka" / digest


def archive() -> Path:
    """The class-data archive (Java ignores it when it was made by another Java)."""
    return folder() / "kafka.jsa"


def classpath() -> str:
    """All jars by name, in one fixed order: the archive is only valid for exactly this text."""
    return ":".join(str(jar) for jar in sorted((folder() / "lib").glob("*.jar")))


def missing() -> str:
    """What must be fetched, or nothing."""
    return "" if (folder() / "lib").exists() else "fetching Kafka with Maven"


def install() -> None:
    """Fetch the jars into the cache; an interrupted run leaves nothing that looks complete."""
    folder().mkdir(parents=True, exist_ok=True)
    partial = folder() / "lib.partial"
    shutil.rmtree(partial, ignore_errors=True)
    pom = ("-f", str(NODE / "pom.xml"))
    run(("mvn", "-B", "-q", *pom, _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"))
    if not list(partial.glob("kafka_2.13-*.jar")):
        raise InstallError("Maven ended well but left no Kafka jar")
    partial.replace(folder() / "lib")


def archive_missing() -> str:
    """What must be made, or nothing."""
    return "" if archive().exists() else "recording the class-data archive"


def install_archive() -> None:
    """Run a throw-away node once and let Java write down the classes that it loaded."""
    from pipeline.local import kafka

    with tempfile.TemporaryDirectory(prefix="ioc-kafka-") as scratch:
        kafka.record_classes(Path(scratch), archive())
