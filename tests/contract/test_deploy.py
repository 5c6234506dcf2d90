"""deploy/ against its schemas and against the code: no container engine is needed to see that it would not work."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import stamina
import yaml
from typer.testing import CliRunner

import pipeline.app
import pipeline.relay
import sinks.writer
from pipeline.cli import application
from pipeline.core.folders import cache_folder
from pipeline.core.telemetry import Component
from pipeline.local import packages
from pipeline.local.ports import choose

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image") == "ioc:local"}


def test_compose_is_what_the_compose_specification_allows() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec/compose_spec.json").read_text())
    resolved = {key: value for key, value in COMPOSE.items() if not key.startswith("x-") and key != "name"}
    jsonschema.Draft7Validator(schema).validate(resolved)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_of_ours_runs_a_command_that_exists(name: str) -> None:
    command = OURS[name]["command"]
    done = CliRunner().invoke(application(command), [*command, "--help"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_has_its_secrets_its_volumes_its_files_and_a_healthcheck(name: str) -> None:
    service = COMPOSE["services"][name]
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    assert "healthcheck" in service or service.get("restart") in (None, "no") or name == "prometheus"
    assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])


def test_no_secret_stands_in_compose_and_no_secret_file_in_git() -> None:
    assert not re.search(r"PASSWORD: (?!/run)", (DEPLOY / "compose.yaml").read_text())
    tracked = subprocess.run(
        ["git", "ls-files", "deploy/secrets"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert tracked.stdout.split() == ["deploy/secrets/README.md"]


def test_prometheus_scrapes_every_part_that_serves_metrics() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    targets = set(settings["scrape_configs"][0]["static_configs"][0]["targets"])
    serving = {f"{name}:9100" for name, service in OURS.items() if "--metrics-port" in service["command"]}
    assert targets == serving


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """Prometheus as Debian ships it, unpacked into the cache: installed, it would start by itself."""
    program = cache_folder() / "prometheus" / "usr" / "bin" / "prometheus"
    if not program.exists():
        folder = cache_folder() / "prometheus"
        folder.mkdir(parents=True, exist_ok=True)
        packages.download("prometheus", folder)
        [archive] = folder.glob("prometheus_*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
        archive.unlink()
    return program


def test_prometheus_loads_the_scrape_settings_and_the_alert_rules(prometheus: Path, tmp_path: Path) -> None:
    port = choose(["prometheus"], {}, str(tmp_path))["prometheus"]
    arguments = (
        f"--config.file={DEPLOY / 'prometheus/prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with subprocess.Popen([prometheus, *arguments], stderr=subprocess.DEVNULL) as process:
        try:
            rules, loaded = (asked(port, what) for what in ("rules", "status/config"))
        finally:
            process.terminate()
    [group] = rules["groups"]
    written = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"][0]["rules"]
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in written]
    assert "rules-2:9100" in yaml.safe_load(loaded["yaml"])["scrape_configs"][0]["static_configs"][0]["targets"]


def asked(port: int, what: str) -> Any:
    """The answer of Prometheus, which needs a second to start."""
    for attempt in stamina.retry_context(on=OSError, timeout=20):
        with attempt, urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{what}", timeout=5) as answer:
            return json.load(answer)["data"]
    raise AssertionError("stamina ends by returning or raising")


def test_alert_rules_ask_only_for_metrics_that_the_code_has() -> None:
    from prometheus_client import REGISTRY

    assert pipeline.app
    assert pipeline.relay
    assert sinks.writer
    Component("deploytest")
    known = {family.name for family in REGISTRY.collect()}
    known |= {f"{name}_total" for name in known}
    asked = set(re.findall(r"\bioc_[a-z_]+", (DEPLOY / "prometheus/alerts.yml").read_text()))
    assert asked
    assert asked <= known


def test_the_entry_takes_secrets_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgresql://ioc:hidden@db.example:5432/ioc")
    found = entry(tmp_path, {"IOC__POSTGRES__DSN_FILE": str(secret)})
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == secret.read_text()


def test_the_entry_names_a_secret_file_that_is_missing(tmp_path: Path) -> None:
    found = entry(tmp_path, {"IOC__POSTGRES__DSN_FILE": "/nowhere"})
    assert found.returncode == 2
    assert "IOC__POSTGRES__DSN_FILE: '/nowhere' cannot be read" in found.stderr


def entry(folder: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run entry.sh with an `ioc` on the path that prints what it was given."""
    program = folder / "ioc"
    program.write_text('#!/bin/sh\nprintf "%s" "$IOC__POSTGRES__DSN"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", **variables}
    return subprocess.run([str(DEPLOY / "entry.sh")], env=environment, capture_output=True, text=True, check=False)


def test_the_image_gets_every_package_of_the_project() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for package in ("pipeline", "devices", "vision", "rules", "sinks"):
        assert f"COPY {package} {package}" in text
