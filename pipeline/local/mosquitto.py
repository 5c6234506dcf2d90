"""The MQTT broker: mosquitto with dynamic security, persistent sessions and no limits on payloads.

Settings and their reasons were measured with mosquitto 2.0.11 (see ARCHITECTURE.md, "The doorstep").
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Any

from pipeline.core.errors import ServiceMissing
from pipeline.local.datafolder import DataFolder, read_json, write_private_json
from pipeline.local.ports import LOOPBACK
from pipeline.local.service import Service
from pipeline.local.spawn import give_away

PORTS = ("mqtt",)
ADMIN, GATEWAY = "admin", "gateway"
AUTOSAVE_CHANGES = 80
"""A killed broker loses at most so many acknowledged messages and the few that one round of its loop takes in:
together less than the hundred that we promise. 1 loses none, at a hundredth of the speed ("Autosave", DECISIONS.md)."""
MAX_QUEUED = 1_000_000
"""Per client. Not 0 ("no limit"): before 2.0.22 that drops QoS 0 messages and disconnects, as over its quota,
a client whose publish was denied (eclipse-mosquitto issues 1956, 3244)."""

PLUGIN = "mosquitto_dynamic_security.so"
_SETTINGS = """\
per_listener_settings false
listener {port} {host}
allow_anonymous false
plugin {plugin}
plugin_opt_config_file {home}/dynamic-security.json
persistence true
persistence_location {home}/
autosave_on_changes true
autosave_interval {autosave}
max_queued_messages {queued}
max_inflight_messages 200
message_size_limit 1100000
set_tcp_nodelay true
log_dest stdout
log_type error
log_type warning
log_type notice
connection_messages false
"""
_READ = ("ioc/#", "spBv1.0/#", "$share/+/ioc/#", "$share/+/spBv1.0/#")
_WRITE = ("ioc/alerts/#", "ioc/+/+/cmd/#")
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"
"""An MQTT 3.1.1 CONNECT without a name: any CONNACK, also a refusing one, shows a working broker."""


def service(
    folder: DataFolder, ports: dict[str, int], *, fast: bool, autosave_changes: int = AUTOSAVE_CHANGES
) -> Service:
    """The broker with its data in `folder`; `fast` changes nothing here."""
    home, port = folder.service("mosquitto"), ports["mqtt"]
    accounts = {name: folder.password(f"mqtt_{name}") for name in (ADMIN, GATEWAY)}
    return Service(
        name="mosquitto",
        address=f"{LOOPBACK}:{port}",
        argv=(program() or "mosquitto", "-c", str(home / "mosquitto.conf")),
        ready=lambda: answers(port),
        prepare=lambda: prepare(home, port, accounts, autosave_changes),
        cwd=folder.root,
        user=user(),
    )


def user() -> str | None:
    """The user that the broker must run as: `mosquitto` when we are root, otherwise ourselves (None)."""
    return "mosquitto" if os.geteuid() == 0 else None


def program() -> str | None:
    """The broker's program; Debian puts it where only root's PATH looks."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def plugin() -> Path | None:
    """The dynamic security plugin, wherever the package put it."""
    found = sorted(Path("/usr/lib").glob(f"*/{PLUGIN}")) + sorted(Path("/usr/lib").glob(PLUGIN))
    return found[0] if found else None


def prepare(home: Path, port: int, accounts: dict[str, str], autosave_changes: int) -> None:
    """Write the settings; make or renew our own accounts and roles, and leave those of devices alone."""
    library = plugin()
    if library is None:
        raise ServiceMissing(
            "mosquitto",
            f"{LOOPBACK}:{port}",
            f"{PLUGIN} is not installed; run `make setup`",
            vi=f"chưa cài {PLUGIN}; hãy chạy `make setup`",
        )
    home.mkdir(mode=0o700, exist_ok=True)
    limits = {"autosave": autosave_changes, "queued": MAX_QUEUED}
    text = _SETTINGS.format(host=LOOPBACK, port=port, plugin=library, home=home, **limits)
    (home / "mosquitto.conf").write_text(text)
    path = home / "dynamic-security.json"
    write_private_json(path, with_accounts(read_json(path), accounts))
    for ours in (home, path):
        give_away(ours, user())


def with_accounts(state: dict[str, Any], accounts: dict[str, str]) -> dict[str, Any]:
    """The plugin's state with our two roles as they must be, and our two clients present."""
    ours = {"admin": _admin_acls(), "gateway": _gateway_acls()}
    roles = [role for role in state.get("roles", []) if role["rolename"] not in ours]
    clients = [client for client in state.get("clients", []) if client["username"] not in accounts]
    return {
        **state,
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "roles": [{"rolename": name, "acls": acls} for name, acls in ours.items()] + roles,
        "clients": [_client(name, word) for name, word in accounts.items()] + clients,
    }


def answers(port: int, timeout_s: float = 0.8) -> bool:
    """Whether an MQTT broker answers a CONNECT on `port`, be it by a refusal."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(_CONNECT)
            return connection.recv(4)[:1] == b"\x20"
    except OSError:
        return False


def _admin_acls() -> list[dict[str, Any]]:
    return [
        _allow(kind, topic)
        for topic in ("$CONTROL/dynamic-security/#", "$SYS/#", "#")
        for kind in ("publishClientSend", "publishClientReceive", "subscribePattern")
    ]


def _gateway_acls() -> list[dict[str, Any]]:
    return [
        *(_allow("subscribePattern", topic) for topic in _READ),
        *(_allow("publishClientReceive", topic) for topic in _READ[:2]),
        *(_allow("publishClientSend", topic) for topic in _WRITE),
    ]


def _allow(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def _client(name: str, word: str) -> dict[str, Any]:
    """A client as the plugin stores it: PBKDF2-SHA512 of its password (long and random: few rounds do)."""
    salt, rounds = secrets.token_bytes(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", word.encode(), salt, rounds)
    return {
        "username": name,
        "textName": "",
        "textDescription": "",
        "roles": [{"rolename": name, "priority": 0}],
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": rounds,
    }
