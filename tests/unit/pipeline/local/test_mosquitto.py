"""The broker's state of accounts and roles."""

from __future__ import annotations

import base64
import hashlib

from pipeline.local.mosquitto import with_accounts

DEVICE = {"username": "ks-rain-01", "roles": [{"rolename": "device-ks-rain-01"}], "password": "p", "salt": "s"}
ROLE = {"rolename": "device-ks-rain-01", "acls": []}


def test_devices_survive_the_renewal_of_our_own_accounts() -> None:
    found = with_accounts({"clients": [DEVICE], "roles": [ROLE], "groups": []}, {"admin": "new"})
    assert DEVICE in found["clients"]
    assert ROLE in found["roles"]
    assert found["groups"] == []


def test_renewing_twice_makes_no_second_account() -> None:
    once = with_accounts({}, {"admin": "a", "gateway": "g"})
    twice = with_accounts(once, {"admin": "a", "gateway": "g"})
    assert [client["username"] for client in twice["clients"]] == ["admin", "gateway"]
    assert [role["rolename"] for role in twice["roles"]] == ["admin", "gateway"]


def test_what_is_not_allowed_is_denied() -> None:
    access = with_accounts({}, {})["defaultACLAccess"]
    assert access["publishClientSend"] is False
    assert access["subscribe"] is False


def test_a_password_is_stored_as_the_plugin_hashes_it() -> None:
    client = with_accounts({}, {"admin": "s3cret"})["clients"][0]
    salt = base64.b64decode(client["salt"])
    digest = hashlib.pbkdf2_hmac("sha512", b"s3cret", salt, client["iterations"])
    assert base64.b64decode(client["password"]) == digest
    assert "s3cret" not in str(client)
