"""The registry on the real database, its credentials in the real mosquitto, its relay on the real broker."""

from __future__ import annotations

import asyncio
import json
import queue
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from devices.registry import Registry
from pipeline.core.alerts import Text
from pipeline.core.catalogue import Area, Camera, Device, Kind, Site
from pipeline.core.clock import now_ms
from pipeline.core.errors import BadInput
from pipeline.core.events import Position
from pipeline.log_app import CatalogueFollower
from pipeline.migrations import connect, migrate
from tests.conftest import StackUnderTest
from tests.integration.log_harness import eventually
from tests.integration.parts import Part, running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]


@pytest.fixture
def registry(stack: StackUnderTest) -> Iterator[Registry]:
    """A registry in a transaction that is rolled back."""
    connection = connect(stack.postgres_dsn)
    yield Registry(connection, by="test")
    connection.rollback()
    connection.close()


@pytest.fixture
def site(stack: StackUnderTest) -> str:
    """A site that stays."""
    name = f"s{uuid.uuid4().hex[:8]}"
    with connect(stack.postgres_dsn) as connection:
        Registry(connection, by="test").put(Site(id=name))
    return name


def ioc(stack: StackUnderTest, *arguments: str) -> subprocess.CompletedProcess[str]:
    import os

    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(command, env={**os.environ, **stack.environment}, capture_output=True, text=True, check=False)


def test_a_change_is_a_revision_and_the_same_document_again_is_none(registry: Registry) -> None:
    first = registry.put(Site(id="r1", title=Text("Cầu", "Bridge")))
    again = registry.put(Site(id="r1", title=Text("Cầu", "Bridge")))
    moved = registry.put(Site(id="r1", title=Text("Cầu", "Bridge"), point=(109.2, 12.2)))
    assert (first.version, again.version, moved.version) == (1, 1, 2)
    assert registry.find(Kind.SITE, "r1") == moved


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (Site(id="A B"), "site.id: 'A B' is not valid; expected 1 to 64 of a-z 0-9"),
        (Site(id="s", area="nowhere"), "site.area: 'nowhere' is not valid; expected a registered area"),
        (Site(id="s", point=(12.2, 109.2)), r"site.point: \(12.2, 109.2\) is not valid"),
        (Device(id="d", type="nothing", site="s"), "device.type: 'nothing' is not valid; expected a registered type"),
        (Camera(id="c", site="nowhere", url="rtsp://h/1"), "camera.site: 'nowhere' is not valid"),
    ],
)
def test_a_wrong_document_is_refused_with_field_value_and_what_would_be_right(
    registry: Registry, document: Any, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        registry.put(document)


def test_areas_cannot_go_in_circles(registry: Registry) -> None:
    registry.put(Area(id="a1"))
    registry.put(Area(id="a2", parent="a1"))
    with pytest.raises(BadInput, match="no circle, but a1 > a2 > a1"):
        registry.put(Area(id="a1", parent="a2"))


def test_a_camera_url_with_a_password_is_refused_without_repeating_it(registry: Registry, site: str) -> None:
    with pytest.raises(BadInput) as caught:
        registry.put(Camera(id="c1", site=site, url="rtsp://viewer:s3cret@10.0.0.9/1"))
    assert "s3cret" not in str(caught.value)


BAD_CAMERAS: list[tuple[dict[str, Any], str]] = [
    ({"detector": "hogg"}, "camera.detector: 'hogg' is not valid; expected one of hog, motion, onnx"),
    ({"fps": 0.0}, "camera.fps: 0.0 is not valid; expected a number from 0.5 to 30"),
    ({"threshold": 50.0}, "camera.threshold: 50.0 is not valid; expected a number from 0.05 to 0.95"),
    ({"frame_size": [0, 0]}, "camera.frame_size: (0, 0) is not valid; expected width and height in pixels"),
    (
        {"calibration": {"points": [{"picture": [n, n * n], "metres": [n, n * n]} for n in range(3)]}},
        "camera.calibration.points: 3 is not valid; expected 4 or more points",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), BAD_CAMERAS, ids=[next(iter(fields)) for fields, _ in BAD_CAMERAS])
def test_a_camera_that_cannot_be_looked_at_is_refused_on_every_way(
    stack: StackUnderTest, site: str, tmp_path: Path, fields: dict[str, Any], sentence: str
) -> None:
    name, url = f"c{uuid.uuid4().hex[:8]}", "rtsp://10.0.0.9/1"
    file = tmp_path / "cameras.yaml"
    file.write_text(yaml.safe_dump({"camera": [{"id": name, "site": site, "url": url, **fields}]}))
    applied = ioc(stack, "catalogue", "apply", str(file))
    options = [word for field in ("detector", "fps", "threshold") if field in fields
               for word in (f"--{field}", str(fields[field]))]  # fmt: skip
    if not options:
        places = tmp_path / "places.yaml"
        places.write_text(yaml.safe_dump(fields))
        options = ["--zones", str(places)]
    added = ioc(stack, "camera", "add", name, "--url", url, "--site", site, *options)
    for done in (applied, added):
        assert done.returncode == 1
        assert sentence in done.stderr
        assert "giá trị không hợp lệ; cần" in done.stderr
    assert name not in ioc(stack, "camera", "list").stdout


def test_a_camera_is_added_with_a_detector_a_threshold_and_a_model_of_its_own(
    stack: StackUnderTest, site: str, registry: Registry
) -> None:
    name = f"c{uuid.uuid4().hex[:8]}"
    looked = ("--detector", "ultralytics", "--threshold", "0.4", "--model", "yolo11n.pt")
    done = ioc(stack, "camera", "add", name, "--url", "rtsp://10.0.0.9/1", "--site", site, *looked)
    assert done.returncode == 0, done.stderr
    stored = registry.find(Kind.CAMERA, name)
    assert isinstance(stored, Camera)
    assert (stored.detector, stored.threshold, stored.attributes) == ("ultralytics", 0.4, {"model": "yolo11n.pt"})


def test_a_position_outside_the_earth_is_refused() -> None:
    from pipeline.core.places import check_position

    wrong: Position = (200.0, 0.0)
    with pytest.raises(BadInput, match="longitude -180"):
        check_position("point", wrong)


def connected(stack: StackUnderTest, told: dict[str, Any]) -> tuple[mqtt.Client, queue.SimpleQueue[Any]]:
    """A device's MQTT connection and what the broker answers it."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=told["username"], protocol=mqtt.MQTTv5)
    client.username_pw_set(told["username"], told["secret"])
    client.on_connect = lambda _c, _u, _f, code, _p: answers.put(str(code))
    client.on_publish = lambda _c, _u, _m, code, _p: answers.put(str(code))
    client.on_subscribe = lambda _c, _u, _m, codes, _p: answers.put(str(codes[0]))
    client.on_disconnect = lambda _c, _u, _f, code, _p: answers.put(f"gone: {code}")
    client.connect(told["host"], told["port"])
    client.loop_start()
    return client, answers


def test_a_device_may_publish_below_its_own_topic_and_nowhere_else_until_it_is_retired(
    stack: StackUnderTest, site: str
) -> None:
    name = f"d{uuid.uuid4().hex[:8]}"
    done = ioc(stack, "device", "add", name, "--type", "rain-gauge", "--site", site, "--json")
    assert done.returncode == 0, done.stderr
    client, answers = connected(stack, json.loads(done.stdout))
    assert answers.get(timeout=5) == "Success"
    client.publish(f"ioc/{site}/{name}/up", b"{}", qos=1)
    assert answers.get(timeout=5) in ("Success", "No matching subscribers")
    client.publish(f"ioc/{site}/another/up", b"{}", qos=1)
    assert answers.get(timeout=5) == "Not authorized"
    client.subscribe("ioc/#", qos=1)
    assert answers.get(timeout=5) == "Not authorized"
    client.subscribe(f"ioc/{site}/{name}/cmd/#", qos=1)
    assert answers.get(timeout=5) == "Granted QoS 1"
    assert ioc(stack, "device", "retire", name).returncode == 0
    assert answers.get(timeout=5).startswith("gone")
    client.loop_stop()


def test_the_secret_of_a_device_is_kept_nowhere(stack: StackUnderTest, site: str) -> None:
    name = f"d{uuid.uuid4().hex[:8]}"
    secret = json.loads(ioc(stack, "device", "add", name, "--type", "rain-gauge", "--site", site, "--json").stdout)[
        "secret"
    ]
    dump = subprocess.run(["pg_dump", stack.postgres_dsn, "--data-only"], capture_output=True, text=True, check=True)
    assert name in dump.stdout
    assert secret not in dump.stdout
    assert secret not in (stack.local.folder.root / "mosquitto" / "dynamic-security.json").read_text()


def test_a_missing_service_is_one_sentence_and_exit_code_3(stack: StackUnderTest) -> None:
    done = ioc(stack, "device", "list", "--set", "postgres.dsn=postgresql://ioc:hidden@127.0.0.1:1/ioc")
    assert done.returncode == 3
    assert (
        done.stderr == "ioc: PostgreSQL does not answer at 127.0.0.1:1; start it with `ioc up`, or set postgres.dsn"
        " / không kết nối được; khởi động bằng `ioc up`, hoặc đặt postgres.dsn\n"
    )


async def test_a_killed_relay_publishes_everything_in_order_and_the_catalogue_equals_the_registry(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    prefix = f"r{uuid.uuid4().hex[:6]}"
    relay = Part("relay", tmp_path, stack.environment)
    async with running(relay):
        for round_ in range(5):
            for number in range(40):
                with connect(stack.postgres_dsn) as connection:
                    registry = Registry(connection, by="test")
                    registry.put(Site(id=f"{prefix}-{number}", address=f"round {round_}"))
            if round_ in (1, 3):
                await relay.end(signal.SIGKILL)
                await relay.start()

        async def drained() -> bool:
            with psycopg.connect(stack.postgres_dsn) as connection:
                return connection.execute("select 1 from ioc.outbox").fetchone() is None

        await eventually(drained, 30)
    follower = CatalogueFollower(stack.kafka_brokers)
    await follower.start()
    upto = await follower.read_all()
    await follower.stop()
    seen: dict[str, list[int]] = {}
    for change in follower.between(0, upto):
        if change.id.startswith(prefix) and change.document is not None:
            seen.setdefault(change.id, []).append(change.document.version)
    assert len(seen) == 40
    for versions in seen.values():
        assert sorted(set(versions)) == [1, 2, 3, 4, 5]
        assert [v for i, v in enumerate(versions) if v not in versions[:i]] == [1, 2, 3, 4, 5]


async def test_what_is_not_committed_is_not_published(stack: StackUnderTest, tmp_path: Path) -> None:
    name = f"x{uuid.uuid4().hex[:8]}"
    async with running(Part("relay", tmp_path, stack.environment)):
        connection = connect(stack.postgres_dsn)
        Registry(connection, by="test").put(Site(id=name))
        connection.rollback()
        connection.close()
        await asyncio.sleep(1.5)
    follower = CatalogueFollower(stack.kafka_brokers)
    await follower.start()
    upto = await follower.read_all()
    await follower.stop()
    assert name not in {change.id for change in follower.between(0, upto)}


def test_migrating_a_migrated_database_does_nothing(stack: StackUnderTest) -> None:
    with connect(stack.postgres_dsn, autocommit=True) as connection:
        assert migrate(connection) == []


def test_a_partition_is_made_once_and_dropped_when_it_is_too_old(stack: StackUnderTest) -> None:
    with connect(stack.postgres_dsn, autocommit=True) as connection:
        old = now_ms() / 1000 - 200 * 86_400
        made = [
            connection.execute("select ioc.ensure_partition('readings', to_timestamp(%s))", [old]).fetchone()
            for _ in range(2)
        ]
        dropped = [row[0] for row in connection.execute("select ioc.retain()").fetchall()]
    assert made == [(True,), (False,)]
    assert len([name for name in dropped if name.startswith("readings_")]) == 1


RULE = """
id: {name}
title: {{vi: Mưa lớn, en: Heavy rain}}
kind: threshold
scope: {{quantity: rain_rate, tags: [{name}]}}
raise: {{major: {{above: {above}}}}}
tests:
  - name: fires at 60
    catalogue: {{device: [{{id: r, type: t, site: s, tags: [{name}]}}]}}
    given: [{{device: r, quantity: rain_rate, at: "2026-11-21T01:00:00Z", value: 60}}]
    then: [{{edge: begin, severity: major, at: "2026-11-21T01:00:00Z"}}]
    until: "2026-11-21T01:00:01Z"
  - name: quiet at 10
    catalogue: {{device: [{{id: r, type: t, site: s, tags: [{name}]}}]}}
    given: [{{device: r, quantity: rain_rate, at: "2026-11-21T01:00:00Z", value: 10}}]
    then: []
"""


def test_applying_rules_stores_what_changed_and_a_rule_whose_test_fails_changes_nothing(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    path = tmp_path / "rules.yaml"
    path.write_text(RULE.format(name=name, above=50))
    assert ioc(stack, "rule", "apply", str(path)).stdout == f"{name} is active, version 1\n"
    assert ioc(stack, "rule", "apply", str(path)).stdout == "nothing has changed\n"
    path.write_text(RULE.format(name=name, above=40))
    assert ioc(stack, "rule", "apply", str(path)).stdout == (
        f"{name} is active, version 2; its state is kept, the change acts at the next reading\n"
    )
    path.write_text(RULE.format(name=name, above=70))
    refused = ioc(stack, "rule", "apply", str(path))
    assert refused.returncode == 1
    assert "test 'fires at 60' fails" in refused.stdout
    path.write_text(RULE.format(name=name, above="hoch"))
    broken = ioc(stack, "rule", "apply", str(path))
    assert broken.returncode == 1
    assert "rules.yaml:6" in broken.stderr
    with connect(stack.postgres_dsn) as connection:
        stored = Registry(connection, by="test").find(Kind.RULE, name)
    assert stored is not None
    assert stored.version == 2
