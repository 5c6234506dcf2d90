"""A device's credential and topic rights, made in mosquitto's dynamic security at registration.

A device may publish below `ioc/<site>/<device>/` and read `ioc/<site>/<device>/cmd/#`, and nothing else. This
version of the plugin does not substitute %u or %c, so every device has a role of its own.
"""

from __future__ import annotations

import json
import queue
import secrets
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from pipeline.core.catalogue import Device
from pipeline.core.errors import CredentialsWrong, IocError, ServiceError, ServiceMissing

_CONTROL = "$CONTROL/dynamic-security/v1"
_ANSWER_LIMIT_S = 10.0
_BATCH = 50
_REMEDY = "start it with `ioc up`, or set mqtt.host and mqtt.port"
_REMEDY_VI = "khởi động bằng `ioc up`, hoặc đặt mqtt.host và mqtt.port"


class Credential(NamedTuple):
    """What a technician types into the device. The secret is shown once and kept nowhere."""

    username: str
    secret: str
    topic: str


class Broker(NamedTuple):
    """Where mosquitto is and how its administrator logs in."""

    host: str
    port: int
    user: str
    password: str
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


class DynamicSecurity:
    """A session of the administrator. Use `administrator()`."""

    def __init__(self, client: mqtt.Client, answers: queue.SimpleQueue[dict[str, Any]], broker: Broker) -> None:
        self._client, self._answers, self._broker = client, answers, broker

    def run(self, commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run commands; returns one answer each. Raises ServiceMissing when no answer comes."""
        self._client.publish(_CONTROL, json.dumps({"commands": commands}), qos=1)
        try:
            responses: list[dict[str, Any]] = self._answers.get(timeout=_ANSWER_LIMIT_S)["responses"]
        except queue.Empty:
            raise ServiceMissing(
                "mosquitto's dynamic security",
                self._broker.address,
                "see `ioc doctor`",
                vi="chạy `ioc doctor` để xem nguyên nhân",
            ) from None
        return responses

    def grant(self, devices: Iterable[Device]) -> list[Credential]:
        """Make (or make anew) each device's role and credential, with a new secret."""
        credentials = [_credential(device) for device in devices]
        for start in range(0, len(credentials), _BATCH):
            self._grant_batch(credentials[start : start + _BATCH])
        return credentials

    def _grant_batch(self, credentials: list[Credential]) -> None:
        commands = [command for credential in credentials for command in _creation(credential)]
        again = [command for command, answer in zip(commands, self.run(commands), strict=True) if _exists(answer)]
        if again:
            for answer in self.run([_modification(command) for command in again]):
                _exists(answer)

    def revoke(self, device: str) -> None:
        """Take the credential away; a connected device is thrown out."""
        for answer in self.run(
            [{"command": "deleteClient", "username": device}, {"command": "deleteRole", "rolename": _role(device)}]
        ):
            error = answer.get("error", "")
            if error and "not found" not in error:
                raise IocError(f"mosquitto did not revoke the credential of {device}: {error}")


@contextmanager
def administrator(broker: Broker) -> Iterator[DynamicSecurity]:
    """A session with mosquitto's administrator. Raises ServiceMissing or CredentialsWrong."""
    answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    steps: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.user, broker.password)
    if broker.tls is not None:
        client.tls_set_context(broker.tls)
    client.on_connect = lambda _c, _u, _f, code, _p: steps.put(code)
    client.on_subscribe = lambda _c, _u, _m, codes, _p: steps.put(codes[0])
    client.on_message = lambda _c, _u, message: answers.put(json.loads(message.payload))
    try:
        client.connect(broker.host, broker.port, keepalive=30)
    except OSError:
        raise ServiceMissing("mosquitto", broker.address, _REMEDY, vi=_REMEDY_VI) from None
    client.loop_start()
    try:
        _step(steps, broker)
        client.subscribe(f"{_CONTROL}/response", qos=1)
        _step(steps, broker)
        yield DynamicSecurity(client, answers, broker)
    finally:
        client.disconnect()
        client.loop_stop()


def _step(steps: queue.SimpleQueue[Any], broker: Broker) -> None:
    try:
        code = steps.get(timeout=_ANSWER_LIMIT_S)
    except queue.Empty:
        raise ServiceMissing("mosquitto", broker.address, _REMEDY, vi=_REMEDY_VI) from None
    if code.is_failure:
        raise CredentialsWrong(
            "mosquitto",
            broker.address,
            f"check mqtt.admin_user and mqtt.admin_password ({code})",
            vi="kiểm tra mqtt.admin_user và mqtt.admin_password",
        )


def _credential(device: Device) -> Credential:
    # 101 hash iterations only: a secret must be long and random
    return Credential(device.id, secrets.token_urlsafe(24), f"ioc/{device.site}/{device.id}")


def _role(device: str) -> str:
    return f"device-{device}"


def _creation(credential: Credential) -> list[dict[str, Any]]:
    below, commands = f"{credential.topic}/#", f"{credential.topic}/cmd/#"
    acls = [
        {"acltype": "publishClientSend", "topic": below, "allow": True},
        {"acltype": "publishClientReceive", "topic": commands, "allow": True},
        {"acltype": "subscribePattern", "topic": commands, "allow": True},
    ]
    role = _role(credential.username)
    return [
        {"command": "createRole", "rolename": role, "acls": acls},
        {
            "command": "createClient",
            "username": credential.username,
            "password": credential.secret,
            "roles": [{"rolename": role}],
        },
    ]


def _modification(creation: dict[str, Any]) -> dict[str, Any]:
    return {**creation, "command": creation["command"].replace("create", "modify")}


def _exists(answer: dict[str, Any]) -> bool:
    """Whether the answer says that the thing is there already. Raises ServiceError for any other error."""
    error = answer.get("error", "")
    if error and "already exists" not in error:
        raise ServiceError(f"mosquitto refused {answer.get('command')}: {error}")
    return bool(error)
