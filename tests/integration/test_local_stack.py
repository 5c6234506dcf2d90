"""The local stack: real services, killed, stopped and restarted."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from paho.mqtt.enums import CallbackAPIVersion

from pipeline.core.errors import UsageError
from pipeline.local import identity, mosquitto
from pipeline.local.endpoints import Endpoints
from pipeline.local.identity import Identity
from pipeline.local.stack import LocalStack

pytestmark = pytest.mark.stack
PROJECT = Path(__file__).parents[2]


def eventually(condition: Callable[[], bool], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


# --- readiness: what is said to be ready can be used at once -----------------------------------------


async def _produce(brokers: str, topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        return int((await producer.send_and_wait(topic, b"hello")).offset)
    finally:
        await producer.stop()


async def _first_value(brokers: str, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=brokers)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        record = await asyncio.wait_for(consumer.getone(), 10)
        return bytes(record.value)
    finally:
        await consumer.stop()


def test_kafka_keeps_what_it_acknowledged_through_a_kill(local_stack: LocalStack, endpoints: Endpoints) -> None:
    topic = f"test.{secrets.token_hex(4)}"
    assert asyncio.run(_produce(endpoints.kafka_brokers, topic)) == 0
    local_stack.kill("kafka", signal.SIGKILL)
    assert local_stack.pid("kafka") is None
    local_stack.start("kafka")
    assert asyncio.run(_first_value(endpoints.kafka_brokers, topic)) == b"hello"


def test_postgres_keeps_what_it_committed_through_a_kill(local_stack: LocalStack, endpoints: Endpoints) -> None:
    with psycopg.connect(endpoints.postgres_dsn) as connection:
        connection.execute("CREATE TABLE kept_through_a_kill AS SELECT 'giữ' AS word")
    local_stack.kill("postgres", signal.SIGKILL)
    local_stack.start("postgres")
    with psycopg.connect(endpoints.postgres_dsn) as connection:
        assert connection.execute("SELECT word FROM kept_through_a_kill").fetchone() == ("giữ",)


def test_postgres_wants_the_password(endpoints: Endpoints) -> None:
    wrong = re.sub(r":[^:@]+@", ":wrong@", endpoints.postgres_dsn)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_service_that_dies_unasked_is_started_again(local_stack: LocalStack) -> None:
    before = local_stack.pid("mosquitto")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: local_stack.pid("mosquitto") != before and local_stack.ready("mosquitto"), 10)


# --- mosquitto: dynamic security ---------------------------------------------------------------------


class _Client:
    """A connected MQTT client; every answer of the broker is awaited."""

    def __init__(self, found: Endpoints, user: str, word: str, version: int = mqtt.MQTTv5) -> None:
        self.answer: str | None = None
        self.messages: list[tuple[str, int]] = []
        self._answered = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self.client.username_pw_set(user, word)
        self.client.on_connect = lambda *a: self._take(str(a[3]))
        self.client.on_publish = lambda *a: self._take(str(a[3]))
        self.client.on_subscribe = lambda *a: self._take(str(a[3][0]))
        self.client.on_message = lambda *a: self.messages.append((a[2].topic, len(a[2].payload)))
        self.client.connect(found.mqtt_host, found.mqtt_port)
        self.client.loop_start()
        self.connected = self._wait()

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, payload: bytes = b"{}") -> str:
        return self._asked(lambda: self.client.publish(topic, payload, qos=1))

    def subscribe(self, pattern: str) -> str:
        return self._asked(lambda: self.client.subscribe(pattern, qos=1))

    def _asked(self, ask: Callable[[], object]) -> str:
        self._answered.clear()
        ask()
        return self._wait()

    def _take(self, answer: str) -> None:
        self.answer = answer
        self._answered.set()

    def _wait(self) -> str:
        assert self._answered.wait(5), "the broker did not answer"
        assert self.answer is not None
        return self.answer


@pytest.fixture
def admin(local_stack: LocalStack, endpoints: Endpoints) -> Iterator[_Client]:
    with _Client(endpoints, endpoints.mqtt_admin_user, endpoints.mqtt_admin_password) as client:
        assert client.connected == "Success"
        yield client


@pytest.fixture
def gateway(local_stack: LocalStack, endpoints: Endpoints) -> Iterator[_Client]:
    with _Client(endpoints, endpoints.mqtt_gateway_user, endpoints.mqtt_gateway_password) as client:
        assert client.connected == "Success"
        yield client


@pytest.mark.parametrize(("user", "word"), [("gateway", "wrong"), ("nobody", "x")])
def test_a_wrong_name_or_password_is_refused(endpoints: Endpoints, user: str, word: str) -> None:
    with _Client(endpoints, user, word) as client:
        assert client.connected == "Not authorized"


@pytest.mark.parametrize("pattern", ["ioc/#", "spBv1.0/#", "$share/g/ioc/#", "$share/g/spBv1.0/#"])
def test_the_gateway_may_read_what_devices_send(gateway: _Client, pattern: str) -> None:
    assert gateway.subscribe(pattern) == "Granted QoS 1"


@pytest.mark.parametrize("pattern", ["#", "$SYS/#", "$CONTROL/dynamic-security/v1/response"])
def test_the_gateway_may_read_nothing_else(gateway: _Client, pattern: str) -> None:
    assert gateway.subscribe(pattern) == "Not authorized"


def test_the_gateway_may_write_alerts_and_commands_only(gateway: _Client) -> None:
    allowed = ("Success", "No matching subscribers")
    assert gateway.publish("ioc/alerts/env.rain.hour") in allowed
    assert gateway.publish("ioc/di-linh-01/ks-rain-01/cmd/reboot") in allowed
    assert gateway.publish("ioc/di-linh-01/ks-rain-01/rain") == "Not authorized"
    assert gateway.publish("$CONTROL/dynamic-security/v1") == "Not authorized"


def test_a_client_whose_publish_was_denied_stays_connected(gateway: _Client) -> None:
    """Not so with `max_queued_messages 0` before mosquitto 2.0.22."""
    losses: list[object] = []
    gateway.client.on_disconnect = lambda *a: losses.append(a[3])
    assert gateway.publish("ioc/di-linh-01/ks-rain-01/rain") == "Not authorized"
    assert gateway.subscribe("ioc/#") == "Granted QoS 1"
    assert losses == []


def test_a_device_reaches_its_own_topics_only_and_a_megabyte_gets_through(
    admin: _Client, gateway: _Client, endpoints: Endpoints
) -> None:
    role = {"rolename": "device-d1", "acls": [{"acltype": "publishClientSend", "topic": "ioc/s/d1/#", "allow": True}]}
    commands = [
        {"command": "createRole", **role},
        {"command": "createClient", "username": "d1", "password": "w", "roles": [{"rolename": "device-d1"}]},
    ]
    admin.publish("$CONTROL/dynamic-security/v1", json.dumps({"commands": commands}).encode())
    gateway.subscribe("ioc/s/#")
    with _Client(endpoints, "d1", "w") as device:
        assert device.publish("ioc/s/d2/rain") == "Not authorized"
        assert device.subscribe("ioc/s/#") == "Not authorized"
        assert device.publish("ioc/s/d1/picture", bytes(1_000_000)) == "Success"
    assert eventually(lambda: gateway.messages == [("ioc/s/d1/picture", 1_000_000)], 5)


def test_accounts_of_devices_survive_a_restart(local_stack: LocalStack, admin: _Client, endpoints: Endpoints) -> None:
    command = {"command": "createClient", "username": "stays", "password": "w"}
    admin.publish("$CONTROL/dynamic-security/v1", json.dumps({"commands": [command]}).encode())
    local_stack.restart("mosquitto")
    with _Client(endpoints, "stays", "w") as device:
        assert device.connected == "Success"


# --- camera ------------------------------------------------------------------------------------------


def _describe(url: str) -> str:
    """The status line of an RTSP DESCRIBE without a password (RFC 2326, 10.2)."""
    host, port = re.findall(r"rtsp://([^:/]+):(\d+)", url)[0]
    with socket.create_connection((host, int(port)), 10) as line:
        line.sendall(f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode())
        return line.recv(4096).decode().splitlines()[0]


def test_the_open_camera_answers_and_the_protected_one_wants_a_password(endpoints: Endpoints) -> None:
    assert _describe(endpoints.rtsp_url) == "RTSP/1.0 200 OK"
    assert _describe(endpoints.rtsp_url_protected) == "RTSP/1.0 401 Unauthorized"


def test_the_protected_camera_sends_pictures_for_the_password(endpoints: Endpoints) -> None:
    import av

    login = f"rtsp://{endpoints.rtsp_user}:{endpoints.rtsp_password}@"
    url = endpoints.rtsp_url_protected.replace("rtsp://", login)
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=(10.0, 5.0)) as video:
        frames = list(itertools.islice(video.decode(video=0), 8))
    assert (frames[0].width, frames[0].height) == (768, 576)  # as OpenCV's documentation gives for vtest.avi
    times = [frame.time for frame in frames[3:]]  # the first may come before the sender's first report
    assert [round(b - a, 2) for a, b in itertools.pairwise(times)] == [0.1] * 4


# --- who runs it -------------------------------------------------------------------------------------


def test_a_second_stack_in_the_same_folder_is_refused(local_stack: LocalStack) -> None:
    with pytest.raises(UsageError, match=f"runs already, as process {os.getpid()}"):
        LocalStack(local_stack.folder.root, services=("mosquitto",)).up()


def test_two_stacks_run_side_by_side(local_stack: LocalStack, endpoints: Endpoints, reachable_folder: Path) -> None:
    other = LocalStack(reachable_folder / "other", services=("mosquitto", "postgres"), fast=True)
    with other.running() as theirs:
        assert theirs.mqtt_port != endpoints.mqtt_port
        assert theirs.mqtt_admin_password != endpoints.mqtt_admin_password
        assert local_stack.ready("mosquitto")
        with psycopg.connect(theirs.postgres_dsn):
            pass
    with other.running() as again:
        assert again == theirs


def test_a_broker_can_be_told_how_often_to_save(reachable_folder: Path) -> None:
    stack = LocalStack(
        reachable_folder / "saving", services=("mosquitto",), options={"mosquitto": {"autosave_changes": 1}}
    )
    with stack.running():
        assert "autosave_interval 1\n" in (stack.folder.service("mosquitto") / "mosquitto.conf").read_text()
    assert mosquitto.AUTOSAVE_CHANGES == 80  # see DECISIONS.md, 11


# --- the command line --------------------------------------------------------------------------------


def _ioc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "IOC__DATA": str(folder), "PYTHONPATH": str(PROJECT)}
    argv = (sys.executable, "-m", "pipeline.cli", *arguments)
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, cwd=folder.parent, timeout=60)


def _recorded(folder: Path) -> dict[str, Identity]:
    found = {path.stem: identity.read(path) for path in (folder / "run").glob("*.json")}
    return {name: process for name, process in found.items() if process is not None}


def test_up_down_and_a_killed_supervisor_leave_nothing_behind(reachable_folder: Path) -> None:
    folder = reachable_folder / "cli"
    some = ("--only", "mosquitto,postgres", "--detach")
    first = _ioc(folder, "up", *some)
    assert first.returncode == 0, first.stderr
    second = _ioc(folder, "up", *some)
    assert (second.returncode, "runs already" in second.stdout) == (0, True)

    supervisor = identity.read(folder / "supervisor.json")
    children = _recorded(folder)
    assert supervisor is not None
    assert set(children) == {"mosquitto", "postgres"}
    os.kill(children["mosquitto"].pid, signal.SIGSTOP)  # it cannot hear of its parent's death
    os.kill(supervisor.pid, signal.SIGKILL)
    assert supervisor.wait(5)
    assert children["mosquitto"].alive()

    down = _ioc(folder, "down")
    assert down.returncode == 0
    assert "mosquitto" in down.stdout
    assert not any(process.alive() for process in children.values())


def test_everything_is_down_within_ten_seconds(reachable_folder: Path) -> None:
    folder = reachable_folder / "whole"
    whole = LocalStack(folder, fast=True)
    whole.up()
    children = _recorded(folder)
    assert set(children) == {"kafka", "mosquitto", "postgres", "rtsp"}
    began = time.monotonic()
    whole.down()
    assert time.monotonic() - began < 10
    assert not any(process.alive() for process in children.values())


def test_no_password_is_in_a_process_list_or_a_log(local_stack: LocalStack, endpoints: Endpoints) -> None:
    words = (endpoints.mqtt_admin_password, endpoints.mqtt_gateway_password, endpoints.rtsp_password)
    hidden = (*words, local_stack.folder.password("postgres"))
    seen = subprocess.run(("ps", "axww", "-o", "args"), capture_output=True, text=True, check=True).stdout
    logs = "".join(path.read_text(errors="replace") for path in local_stack.folder.logs.iterdir())
    assert not any(word in seen + logs + repr(endpoints) for word in hidden)
